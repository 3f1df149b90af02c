"""The state of a manager at some moment, for programs that look into others."""

from __future__ import annotations

from typing import NamedTuple

from .. import _native
from .._public import public_in


@public_in("sharevar.managers")
class BlockUsage(NamedTuple):
    """The blocks of memory of one size."""

    size: int
    """Bytes of a block; 0 stands for blocks of whole pages."""
    blocks: int
    """The number of blocks in use."""
    reserved: int
    """Bytes of the pages that are set aside for them, in use or free."""


@public_in("sharevar.managers")
class ManagerInfo(NamedTuple):
    """The state of a manager at some moment."""

    name: str | None
    """The name by which any process of the user finds it, if it has one."""
    id: bytes
    """The identity that no other manager has."""
    lifetime: str
    """``'while_used'`` or ``'keep'``."""
    capacity: int
    """Bytes of memory that variables may come to use."""
    used: int
    """Bytes of memory that are or once were in use by variables."""
    processes: tuple[int, ...]
    """The numbers of the processes that take part, but for those that are known to be dead."""
    elsewhere: int
    """How many take part in other pid namespaces, where processes have other numbers."""
    blocks: tuple[BlockUsage, ...]
    """The memory by size of its blocks, exact while nothing changes."""


def manager_info(store: _native.Store) -> ManagerInfo:
    """The sizes of an arena and the processes that take part in it."""
    lifetime, capacity, used, processes, elsewhere, usage = _native.manager_info(store)
    blocks = tuple(BlockUsage(*blocks) for blocks in usage)
    return ManagerInfo(
        store.name, store.id, lifetime, capacity, used, tuple(processes), elsewhere, blocks
    )
