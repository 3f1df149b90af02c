"""How a file descriptor gets from one process into another.

A process that is being started is handed the descriptor itself. Any other receiver
is told where the descriptor can be found, as ``/proc/<pid>/fd/<number>`` or, where that
leads nowhere, by the address of a process that lends it. That is the last resort and no
proof of anything (pids and numbers are used again), so the receiver must check that it is
the file that was meant.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from functools import partial
from multiprocessing import reduction
from multiprocessing.context import get_spawning_popen
from typing import Any, NamedTuple

from . import lending


class Origin(NamedTuple):
    """A process that had the descriptor, its number there, and where it is lent, if so."""

    process: int
    descriptor: int
    lender: str = ""


class DescriptorReference(NamedTuple):
    """The object that is pickled in a descriptor's place."""

    duplicate: Any
    origins: tuple[Origin, ...]


def refer_to(descriptor: int, earlier: Iterable[Origin] = ()) -> DescriptorReference:
    """A reference to hand to another process, whichever way it travels."""
    popen = get_spawning_popen()
    lender = lending.lend(descriptor) if popen is None else ""
    origins = (Origin(os.getpid(), descriptor, lender), *earlier)
    if popen is None:
        return DescriptorReference(None, origins)
    # Spawning refuses a list in which a descriptor stands twice.
    duplicates = popen.__dict__.setdefault("_sharevar_duplicates", {})
    if descriptor not in duplicates:
        duplicates[descriptor] = reduction.DupFd(descriptor)
    return DescriptorReference(duplicates[descriptor], origins)


def candidates(reference: DescriptorReference, flags: int) -> Iterator[int]:
    """Fresh descriptors that may be the one referred to; the caller closes them."""
    if reference.duplicate is not None:
        try:
            yield os.dup(reference.duplicate.detach())
        except OSError:
            pass
    for origin in reference.origins:
        # Under that number /proc may show another process, so that both are tried.
        for find in (partial(_open, flags), _borrow):
            try:
                descriptor = find(origin)
            except OSError:
                continue
            if stat.S_ISREG(os.fstat(descriptor).st_mode):
                yield descriptor
            else:
                os.close(descriptor)


def _open(flags: int, origin: Origin) -> int:
    # Non-blocking, since a number used again may lead to a pipe.
    return os.open(
        f"/proc/{origin.process}/fd/{origin.descriptor}",
        flags | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK,
    )


def _borrow(origin: Origin) -> int:
    if not origin.lender:
        raise FileNotFoundError("no process lends the descriptor")
    return lending.borrow(origin.lender, origin.descriptor)


def discard_duplicate(reference: DescriptorReference) -> None:
    """Close what a starting process was handed, once it has a descriptor of its own."""
    if reference.duplicate is not None:
        try:
            os.close(reference.duplicate.detach())
        except OSError:
            pass
