"""The state of a variable at some moment, for programs that look into others."""

from __future__ import annotations

from typing import NamedTuple

from .. import _native
from .._public import public_in


@public_in("sharevar.managers")
class LockHolder(NamedTuple):
    """A process that holds a lock, or units of a semaphore."""

    process: int | None
    """Its number; None if it is in another pid namespace."""
    thread: int | None
    """The number by which sharevar knows the thread, if the lock belongs to one."""
    units: int
    """The units of a semaphore that it holds; 1 of any other lock."""
    is_exclusive: bool
    """Whether it keeps all others out, which a reader and a holder of units do not."""


@public_in("sharevar.managers")
class LockInfo(NamedTuple):
    """The holders of a lock, and those that wait for it."""

    holders: tuple[LockHolder, ...]
    """Its holders, but for those that have ended."""
    is_left_held: bool
    """Whether a lock is held though its holder has ended in order, or though it was made so
    that no end gives it back. Then it is free once another process gives it back."""
    held_for: float | None
    """The least number of seconds for which the holder has had it, if others wait."""
    has_waiters: bool
    """Whether a thread may sleep until it is released."""
    waiting: tuple[int, ...]
    """The numbers of processes that wait: of many, the two that keep watch for the others."""


@public_in("sharevar.managers")
class VariableInfo(NamedTuple):
    """The state of a variable at some moment."""

    kind: str
    """``'dict'``, ``'list'``, ``'lock'``, and so on."""
    len: int | None
    """The number of its keys, items, elements or attributes, if its kind has some."""
    changes: int | None
    """The number of its changes so far, modulo 2**64; None of an array, and where the
    engine counts none."""
    bytes: int | None
    """The bytes of memory that its content is in; None in other engines."""
    lock: LockInfo | None
    """Of a lock, a semaphore, a condition or a monitor: its holders and waiters."""


@public_in("sharevar")
def variable_info(variable: object) -> VariableInfo:
    """Kind, length, changes and bytes of a variable, and the holders of a lock.

    It is ``variable.info()``, also for a namespace and a monitor, whose attributes are their
    program's own, and for objects of ctypes. The blocks of the variable are counted while its
    writers wait.
    """
    if not isinstance(variable, _native.Variable):
        # The memory of an object of ctypes, and of one with a lock around it.
        variable = getattr(getattr(variable, "_obj", variable), "_wrapper", variable)
    kind, length, changes, size, lock = _native.variable_info(variable)
    if lock is None:
        return VariableInfo(kind, length, changes, size, None)
    holders, is_left_held, held_for, has_waiters, waiting = lock
    held_by = tuple(LockHolder(*holder) for holder in holders)
    described = LockInfo(held_by, is_left_held, held_for, has_waiters, tuple(waiting))
    return VariableInfo(kind, length, changes, size, described)
