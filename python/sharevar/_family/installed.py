"""Whether sharevar is in multiprocessing's place, for programs that do not know of it."""

from __future__ import annotations

from collections.abc import Callable

_installer: Callable[[], None] | None = None


def is_installed() -> bool:
    """Whether `sharevar.install` was called, here or in the process that started this one."""
    return _installer is not None


def installer() -> Callable[[], None] | None:
    """The function that children call to be installed, too; None if this process is not."""
    return _installer


def note_installed(install: Callable[[], None]) -> None:
    """Note that this process is installed, and by which function."""
    global _installer
    _installer = install
