"""The proxies of queues."""

from __future__ import annotations

from collections.abc import Iterable
from queue import Empty, Full
from typing import Any

from .proxy import Proxy

__all__ = ["Empty", "Full", "JoinableQueue", "PriorityQueue", "Queue", "SimpleQueue"]


class QueueProxy(Proxy, typeid="Queue"):
    """A queue, first in, first out, with ``put_many``, ``get_many`` and ``shutdown``."""

    def __init__(self, maxsize: int = 0) -> None:
        super().__init__(maxsize)

    def put(self, obj: Any, block: Any = True, timeout: float | None = None) -> None:
        """Put an item into the queue; `queue.Full` if there is no room, or not in time."""
        self._callmethod("put", (obj, bool(block), _checked(timeout)))

    def put_nowait(self, obj: Any) -> None:
        """Put an item, if there is room now."""
        self.put(obj, False)

    def get(self, block: Any = True, timeout: float | None = None) -> Any:
        """Take the first item; `queue.Empty` if there is none, or none in time."""
        return self._callmethod("get", (bool(block), _checked(timeout)))

    def get_nowait(self) -> Any:
        """Take an item, if there is one now."""
        return self.get(False)

    def put_many(self, items: Iterable[Any], /) -> None:
        """Put all items, waiting for room where there is none."""
        self._callmethod("put_many", (list(items),))

    def get_many(self, most: int, block: Any = True, timeout: float | None = None) -> Any:
        """Take up to ``most`` items, at least one, for which it waits as ``get`` does."""
        return self._callmethod("get_many", (most, bool(block), _checked(timeout)))

    def close(self) -> None:
        """Nothing: it can be used further here."""

    @property
    def maxsize(self) -> int:
        """The most items at a time; 0 is no limit."""
        return int(self._callmethod("limit"))

    def qsize(self) -> int:
        """The number of items."""
        return int(self._callmethod("qsize"))

    def _shown(self) -> str:
        return f"<{self._typeid_} of {self.qsize()} items>"


def _checked(timeout: float | None) -> float | None:
    return None if timeout is None else max(timeout, 0.0)


class JoinableQueueProxy(QueueProxy, typeid="JoinableQueue"):
    """The same: a manager's `Queue` can be joined, too."""


class PriorityQueue(QueueProxy, typeid="PriorityQueue"):
    """A queue whose lowest item comes first; of equal items the one that was put first."""


class Queue(QueueProxy, typeid="Queue"):
    """`multiprocessing.Queue`, which can be handed to any process of the family."""

    def __init__(self, maxsize: int = 0, *, ctx: Any = None) -> None:
        super().__init__(maxsize)

    def join_thread(self) -> None:
        """Nothing: no thread of this process feeds the queue."""

    cancel_join_thread = join_thread

    def __str__(self) -> str:
        return repr(self)


class JoinableQueue(Queue, typeid="JoinableQueue"):
    """`multiprocessing.JoinableQueue`: a queue with ``task_done`` and ``join``."""


class SimpleQueue(Queue, typeid="SimpleQueue"):
    """`multiprocessing.SimpleQueue`: ``get``, ``put`` and ``empty``."""

    def __init__(self, *, ctx: Any = None) -> None:
        super().__init__()
