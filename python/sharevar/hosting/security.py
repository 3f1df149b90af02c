"""What keeps others from reading or taking part where a connection leaves the machine."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

# Set by ``python -m sharevar --plaintext``, and inherited by children.
PLAINTEXT = "SHAREVAR_PLAINTEXT"


class Security(NamedTuple):
    """How TCP is secured. A Unix socket needs none of it."""

    plaintext: bool = False

    def options(self) -> dict[str, Any]:
        """As the native classes take it."""
        return {"plaintext": self.plaintext or bool(os.environ.get(PLAINTEXT))}
