"""The queues that the server keeps."""

from __future__ import annotations

import heapq
import itertools
import queue
from typing import Any

from ..errors import QueueShutDown


class FifoQueue(queue.Queue[Any]):
    """`queue.Queue`, with operations on many items, and with ``shutdown`` on any Python."""

    exposed: tuple[str, ...] = (
        "empty", "full", "get", "get_many", "join", "limit", "put", "put_many", "qsize",
        "shutdown", "task_done",
    )  # fmt: skip

    def __init__(self, maxsize: int = 0) -> None:
        super().__init__(maxsize)
        self._is_shut_down = False

    def limit(self) -> int:
        return self.maxsize

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        with self.not_full:
            if 0 < self.maxsize and not self._is_shut_down:
                has_room = self._has_room
                if not has_room() and (
                    not block or not self.not_full.wait_for(has_room, timeout)
                ):
                    raise queue.Full
            if self._is_shut_down:
                raise QueueShutDown("the queue was shut down")
            self._put(item)
            self.unfinished_tasks += 1
            self.not_empty.notify()

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        with self.not_empty:
            has_item = self._has_item
            if not has_item() and (
                not block or not self.not_empty.wait_for(has_item, timeout)
            ):
                raise queue.Empty
            if not self._qsize():
                raise QueueShutDown("the queue was shut down and is empty")
            item = self._get()
            self.not_full.notify()
            return item

    def put_many(self, items: list[Any]) -> None:
        for item in items:
            self.put(item)

    def get_many(
        self, most: int, block: bool = True, timeout: float | None = None
    ) -> list[Any]:
        items = [self.get(block, timeout)]
        while len(items) < most:
            try:
                items.append(self.get(False))
            except (queue.Empty, QueueShutDown):
                break
        return items

    def shutdown(self, immediate: bool = False) -> None:
        with self.mutex:
            self._is_shut_down = True
            if immediate:
                while self._qsize():
                    self._get()
                    if self.unfinished_tasks > 0:
                        self.unfinished_tasks -= 1
                self.all_tasks_done.notify_all()
            self.not_empty.notify_all()
            self.not_full.notify_all()

    def _has_room(self) -> bool:
        return self._is_shut_down or self._qsize() < self.maxsize

    def _has_item(self) -> bool:
        return self._is_shut_down or self._qsize() > 0


class LowestFirstQueue(FifoQueue):
    """Of equal items the one that was put first comes first."""

    exposed = (*FifoQueue.exposed, "peek")

    def _init(self, maxsize: int) -> None:
        self._entries: list[Any] = []
        self._order = itertools.count()

    def _qsize(self) -> int:
        return len(self._entries)

    def _put(self, item: Any) -> None:
        heapq.heappush(self._entries, (item, next(self._order)))

    def _get(self) -> Any:
        return heapq.heappop(self._entries)[0]

    def peek(self) -> Any:
        with self.mutex:
            if not self._entries:
                raise queue.Empty
            return self._entries[0][0]
