"""A warning for a process that is one of several which share nothing with each other.

Its siblings have each founded a family of their own, because the process that has started
them knows nothing of sharevar: the workers of a server, mostly.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import warnings

from ..errors import SeparateFamilyWarning
from . import family
from .callers import stacklevel

_checked = False


def warn(name: str) -> None:
    """Warn, once, if this process is such a one and asks for a shared variable."""
    global _checked
    if _checked:
        return
    _checked = True
    if not family.is_founder():
        return
    reason = _reason()
    if reason is not None:
        warnings.warn(
            f"the shared variable {name!r} is seen by this process and its children only: "
            f"{reason} (its parent is process {os.getppid()}, {_program(os.getppid())}). "
            f"{_REMEDIES}",
            SeparateFamilyWarning,
            stacklevel(),
        )


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


# The place of `startstack` in /proc/<pid>/stat, counted from behind the program's name.
_START_OF_STACK = 25


def _image(pid: str) -> tuple[str, int]:
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
        fields = file.read().rpartition(")")[2].split()
    return os.readlink(f"/proc/{pid}/exe"), int(fields[_START_OF_STACK])
