"""Whether sharevar is in multiprocessing's place, for programs that do not know of it."""

from __future__ import annotations

_installed = False


def is_installed() -> bool:
    """Whether `sharevar.install` was called, here or in the process that started this one."""
    return _installed


def note_installed() -> None:
    """It is being called."""
    global _installed
    _installed = True
