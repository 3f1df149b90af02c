"""How the programs here say what the package made: on stderr, one line for each class."""

from __future__ import annotations

import sys
from typing import Any


def tell(*things: Any) -> None:
    """Name the classes of things, each in a line of its own."""
    for thing in things:
        cls = type(thing)
        print(f"made: {cls.__module__}.{cls.__qualname__}", file=sys.stderr, flush=True)
