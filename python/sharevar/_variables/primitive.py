"""The base of locks, events and the like, which are made by a manager or without one."""

from __future__ import annotations

import multiprocessing
import threading
from typing import Any

from .._family import family
from .._family.reduction import arena_of
from .._native import Arena
from . import standard
from .proxy import Proxy


class Primitive(Proxy):
    """Shown as a proxy if a manager made it, else as multiprocessing shows its own."""

    __slots__ = ()

    @property
    def __class__(self) -> type:
        """The class that ``isinstance`` accepts besides the type: a manager's, or the other."""
        if _is_of_family(self):
            return standard.own_counterpart(self._typeid_)
        return standard.counterpart(type(self))

    @__class__.setter
    def __class__(self, cls: type) -> None:
        raise TypeError("the class of a primitive cannot be changed")

    async def __aenter__(self) -> Any:
        """Refused: a waiting thread would hold up its event loop."""
        raise TypeError(
            f"a {type(self).__name__} blocks the thread that waits for it, and its event loop: "
            "take it by `with` around code that awaits nothing, or by "
            "`await asyncio.to_thread(lock.acquire)`"
        )

    async def __aexit__(self, *error: object) -> None:
        """The end of a block that does not begin."""

    def __repr__(self) -> str:
        if _is_of_family(self):
            return str(self)
        name = standard.counterpart(type(self)).__name__
        return f"<{name} object, typeid {self._typeid_!r} at {id(self):#x}>"


def _is_of_family(primitive: Primitive) -> bool:
    """Whether it was made without a manager. What no arena holds needs none to be made."""
    store = arena_of(primitive)
    return isinstance(store, Arena) and store is family.arena()


def own_name() -> str:
    """This process and thread, as multiprocessing names the owner of a lock."""
    thread = threading.current_thread().name
    process = multiprocessing.current_process().name
    return process if thread == "MainThread" else f"{process}|{thread}"
