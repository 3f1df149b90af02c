"""The classes of variables that are found in containers, loaded when one is first found."""

from __future__ import annotations


def load() -> None:
    """Set the classes of all kinds."""
    from . import kinds

    kinds.register()
