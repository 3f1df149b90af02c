"""The arena that a process and all its descendants have in common.

It is made at first use, or at the first fork or spawn after ``import sharevar``: a
variable that only a child asks for must be the one that its siblings get.

Where the environment names the family (`lead`), its arena is found by that name, so that
programs belong to it however they are started.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from .._native import FAMILY, Arena, Store, family_of_environment, new_family
from ..errors import OutOfSharedMemory, SharevarError
from .arenas import (
    ArenaReference,
    attach_arena,
    open_for_one_author,
    refer_to_arena,
    remember,
)

_arena: Arena | None = None
# The process that has made it, if it was this one or one that it was forked from.
_founder: int | None = None
_creating = threading.Lock()

# Why this process could not map the arena that the environment names.
_unmapped: Exception | None = None

# Why the arena could not be made before a fork, and in which process that was.
_refused: Exception | None = None
_refused_in: int | None = None


def arena() -> Arena:
    """The family's arena."""
    global _arena, _founder
    if _arena is None:
        with _creating:
            if _arena is None:
                if _is_refused():
                    # One of its own would be another one than its siblings'.
                    raise SharevarError(
                        "this process has no family: it was forked when the arena could "
                        f"not be made ({_refused}). Make a shared variable before the "
                        "first fork, where this can be caught"
                    ) from _refused
                made = remember(_open())
                made._become_family()
                _arena, _founder = made, os.getpid() if made.name is None else None
    return _arena


class _Making(threading.local):
    """Where a thread makes variables, if a factory runs in it."""

    home: Store | None = None


_making = _Making()


def home(given: Store | None = None) -> Store:
    """Where a variable is made: in the arena that is given for it, else in that of the
    factory in which this runs, else in the family's."""
    if given is not None:
        return given
    chosen = _making.home
    return arena() if chosen is None else chosen


@contextmanager
def making_in(store: Store) -> Iterator[None]:
    """Make what a factory makes where others will look for it."""
    before, _making.home = _making.home, store
    try:
        yield
    finally:
        _making.home = before


def arena_of_names() -> Arena:
    """The family's arena, in which all its processes find a variable by its name."""
    if arena().name is None and os.environ.get(FAMILY):
        raise SharevarError(
            "this process cannot find the shared variables of its family: "
            f"{_unmapped or 'it was started by a process that could not map their arena'}"
        ) from _unmapped
    return arena()


def _open() -> Arena:
    global _unmapped
    name = family_of_environment()
    if name is not None:
        try:
            return open_for_one_author(name)
        except OutOfSharedMemory as error:
            # Less address space than the family's founder has. Variables without a name, which
            # are handed to those that use them, may as well be elsewhere.
            _unmapped = error
    return Arena()


def lead() -> None:
    """Give the family a name, by which all programs that descend from this process find it."""
    if not os.environ.get(FAMILY):
        os.environ[FAMILY] = new_family()
        try:
            # Held from now on: a family whose members come and go keeps its variables.
            arena()
        except BaseException:
            del os.environ[FAMILY]
            raise


def is_founder() -> bool:
    """Whether this process has made the family's arena, and was given it by no other."""
    return _founder == os.getpid()


def refer_to_family() -> ArenaReference:
    """The reference for a child that starts as a new program."""
    return refer_to_arena(arena())


def adopt(reference: ArenaReference) -> None:
    """Join the family of the process that started this one."""
    global _arena, _founder
    adopted = attach_arena(reference)
    if _arena is not None and _arena.id != adopted.id:
        raise RuntimeError(
            "this process made shared variables of its own before it was told of its "
            "parent's: import sharevar in the main program before the first process "
            "is started"
        )
    adopted._become_family()
    _arena, _founder = adopted, None


def _is_refused() -> bool:
    """Whether this process was forked by one that could not make the arena."""
    return _refused is not None and _refused_in != os.getpid()


def _before_fork() -> None:
    # A fork goes on whatever its hooks raise: the child, which lacks it, says so.
    global _refused, _refused_in
    if _arena is None and not _is_refused():
        try:
            arena()
        except Exception as error:
            _refused, _refused_in = error, os.getpid()


# After this no thread can be inside _creating, so no child inherits it locked.
os.register_at_fork(before=_before_fork)
