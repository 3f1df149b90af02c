"""Passing file descriptors from one process to another.

A process that is being started receives the descriptor itself. Any other receiver gets
the places where the descriptor can be found: ``/proc/<pid>/fd/<number>`` or, where that
leads nowhere, the address of a process that lends it. These are the last resort and
prove nothing, since pids and numbers are used again. So the receiver must check that it
has the right file.
"""

import os
import stat
from collections.abc import Iterable, Iterator
from functools import partial
from multiprocessing import reduction
from multiprocessing.context import get_spawning_popen
from typing import Any, NamedTuple

from . import lending


class DescriptorHolder(NamedTuple):
    """A process that had the descriptor, its number there, and the lender's address."""

    process: int
    descriptor: int
    lender: str = ""


class DescriptorReference(NamedTuple):
    """The object that is pickled in a descriptor's place."""

    duplicate: Any
    holders: tuple[DescriptorHolder, ...]


def refer_to(descriptor: int, earlier: Iterable[DescriptorHolder] = ()) -> DescriptorReference:
    """A reference for another process, which may be pickled in any way."""
    popen = get_spawning_popen()
    lender = lending.lend(descriptor) if popen is None else ""
    holders = (DescriptorHolder(os.getpid(), descriptor, lender), *earlier)
    if popen is None:
        return DescriptorReference(None, holders)
    # Spawning refuses a list in which a descriptor stands twice.
    duplicates = popen.__dict__.setdefault("_sharevar_duplicates", {})
    if descriptor not in duplicates:
        duplicates[descriptor] = reduction.DupFd(descriptor)
    return DescriptorReference(duplicates[descriptor], holders)


def candidates(reference: DescriptorReference, flags: int) -> Iterator[int]:
    """Fresh descriptors that may be the one referred to; the caller closes them."""
    if reference.duplicate is not None:
        try:
            yield os.dup(reference.duplicate.detach())
        except OSError:
            pass
    for holder in reference.holders:
        # Under that number /proc may show another process, so that both are tried.
        for find in (partial(_open, flags), _borrow):
            try:
                descriptor = find(holder)
            except OSError:
                continue
            if stat.S_ISREG(os.fstat(descriptor).st_mode):
                yield descriptor
            else:
                os.close(descriptor)


def _open(flags: int, holder: DescriptorHolder) -> int:
    # Non-blocking, since a number used again may lead to a pipe.
    return os.open(
        f"/proc/{holder.process}/fd/{holder.descriptor}",
        flags | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK,
    )


def _borrow(holder: DescriptorHolder) -> int:
    if not holder.lender:
        raise FileNotFoundError("no process lends the descriptor")
    return lending.borrow(holder.lender, holder.descriptor)


def discard_duplicate(reference: DescriptorReference) -> None:
    """Close the descriptor that a starting process received, once it has its own."""
    if reference.duplicate is not None:
        try:
            os.close(reference.duplicate.detach())
        except OSError:
            pass
