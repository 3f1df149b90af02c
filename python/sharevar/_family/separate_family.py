"""A warning for a process that is one of several which share nothing with each other.

Its siblings have each founded a family of their own, because the process that has started
them knows nothing of sharevar: the workers of a server, mostly.
"""

from __future__ import annotations

import functools
import multiprocessing
import os
import sys
import warnings
from collections.abc import Iterator

from .._native import Arena
from ..errors import SeparateFamilyWarning, SharevarError
from . import family
from .callers import stacklevel

_is_warned = False


def warn(name: str) -> None:
    """Warn, once, if this process is such a one and asks for a shared variable."""
    global _is_warned
    if _is_warned or not family.is_founder():
        return
    reason = _reason() or _reason_by_name(name)
    if reason is None:
        return
    _is_warned = True
    warnings.warn(
        f"the shared variable {name!r} is seen by this process and its children only: "
        f"{reason} (its parent is process {os.getppid()}, {_program(os.getppid())}). "
        f"{_REMEDIES}",
        SeparateFamilyWarning,
        stacklevel(),
    )


@functools.cache
def _reason() -> str | None:
    """The reason; None if the process is not such a one."""
    if multiprocessing.parent_process() is not None:
        return (
            "multiprocessing has started it from a process that had not imported sharevar, "
            "or in a way that sharevar does not know"
        )
    if "execnet" in sys.modules and "PYTEST_XDIST_WORKER" in os.environ:
        return "the workers of pytest-xdist are programs by themselves"
    uwsgi = sys.modules.get("uwsgi")
    if uwsgi is not None and getattr(uwsgi, "worker_id", int)() > 0:
        return (
            "this worker of uWSGI was forked before the application was loaded, as "
            "--lazy-apps asks"
        )
    if _is_forked():
        return "it was forked from a process that had not imported sharevar"
    return None


def _reason_by_name(name: str) -> str | None:
    """The reason, if a process from which this one descends has a variable of that name."""
    pid = _names_of_ancestors().get(name)
    if pid is None:
        return None
    return (
        f"process {pid}, from which it descends, has another one of that name, since a "
        "program that is started by a command is no member of a family without a name"
    )


@functools.cache
def _names_of_ancestors() -> dict[str, int]:
    """The names of the shared variables of processes from which this one descends."""
    names: dict[str, int] = {}
    pid = os.getppid()
    for _ in range(_MOST_ANCESTORS):
        try:
            for arena in _arenas_of(pid):
                names.update(dict.fromkeys(arena.names(), pid))
            pid = int(_stat(str(pid))[_PARENT])
        except (OSError, SharevarError, ValueError, IndexError):
            # Of another user, ended, or of another version: no warning then.
            break
        if pid <= 1:
            break
    return names


def _arenas_of(pid: int) -> Iterator[Arena]:
    """The arenas of which a process has a descriptor."""
    for number in os.listdir(f"/proc/{pid}/fd"):
        path = f"/proc/{pid}/fd/{number}"
        if os.readlink(path) == "/memfd:sharevar (deleted)":
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            try:
                yield Arena.attach(descriptor)
            finally:
                os.close(descriptor)


# Between a program and one that it has started there may be shells and the like.
_MOST_ANCESTORS = 8


_REMEDIES = (
    'Name the application, by shared(..., app="NAME") or SHAREVAR_APP=NAME in the environment '
    "of its processes; or start it by `python -m sharevar -m SERVER ...`; or import sharevar "
    "in the process that starts the others (a server's configuration, a preloaded "
    "application)"
)


def _program(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as file:
            words = file.read().split("\0")
    except OSError:
        return "of which nothing can be read"
    return " ".join(words).strip()[:300] or "of the kernel"


def _is_forked() -> bool:
    """Whether this process is a copy of its parent: it has executed no other program since.

    It has its parent's program then, and its stack where its parent has it, which is at
    random for each program that is executed. If that cannot be read, no warning is given.
    """
    try:
        own, parent = (_image(pid) for pid in ("self", str(os.getppid())))
    except (OSError, ValueError, IndexError):
        return False
    return own == parent and own[1] != 0


# Places in /proc/<pid>/stat, counted from behind the program's name: `ppid`, `startstack`.
_PARENT = 1
_START_OF_STACK = 25


def _image(pid: str) -> tuple[str, int]:
    return os.readlink(f"/proc/{pid}/exe"), int(_stat(pid)[_START_OF_STACK])


def _stat(pid: str) -> list[str]:
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
        return file.read().rpartition(")")[2].split()
