"""The code that has called this package."""

from __future__ import annotations

import sys

_PACKAGES = ("sharevar", "multiprocessing")


def stacklevel() -> int:
    """The level, for a warning of the function that asks, of the nearest calling code that is
    neither sharevar's nor multiprocessing's."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and is_inside(frame.f_globals):
        level, frame = level + 1, frame.f_back
    return level


def is_inside(namespace: dict[str, object]) -> bool:
    """Whether a module's names are those of sharevar, or of multiprocessing."""
    return str(namespace.get("__name__", "")).partition(".")[0] in _PACKAGES
