"""The classes of variables that are found in containers, set when one is first found.

This module imports all kinds: a process may lose access to Python's files (`chroot`, a virtual
environment that is removed) before it first uses one. A standard manager goes on then, too.
"""

from __future__ import annotations

from . import kinds


def load() -> None:
    """Set the classes of all kinds."""
    kinds.register()
