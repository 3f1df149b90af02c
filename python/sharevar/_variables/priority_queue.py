"""The priority queue: `queue.PriorityQueue`, shared."""

from __future__ import annotations

from typing import Any, TypeVar

from .. import _native
from .._family import family
from .._public import public_in
from .proxy import Proxy

_Item = TypeVar("_Item")


@public_in("sharevar")
class PriorityQueue(Proxy, _native.PriorityQueue[_Item]):
    """A queue in shared memory whose lowest item comes first, with or without a manager.

    It has the methods of `queue.PriorityQueue`, ``peek``, and ``put_many`` and ``get_many``. Of
    equal items the one that was put first comes first.

    Numbers, strs, bytes, dates, times, UUIDs, decimals, and tuples and lists of these are
    compared as Python compares them. In a tuple ``(priority, item)`` an item of any other type
    has no part in the order; it is pickled by itself. An item that is nothing but such an
    object raises `TypeError`. Values of different types, which Python does not compare, are
    ordered by type: None, numbers, strs, bytes, tuples, lists, and then the others.
    """

    __slots__ = ()

    _typeid_ = "PriorityQueue"
    _exposed_ = (
        "empty", "full", "get", "get_nowait", "join", "peek", "put", "put_nowait", "qsize",
        "shutdown", "task_done",
    )  # fmt: skip

    def __new__(
        cls, maxsize: int = 0, arena: _native.Store | None = None
    ) -> PriorityQueue[Any]:
        home = family.home(arena)
        queue: Any = super().__new__(cls, home, maxsize)
        return queue  # type: ignore[no-any-return]

    def _shown(self) -> str:
        return f"<{self._typeid_} of {self.qsize()} items>"
