"""Iterators that stay at the host, as their callers see them."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import AsyncIterator, Iterator
from multiprocessing import util
from typing import Any

from .._native import CallOptions, HostClient, HostedReference
from .._public import public_in
from . import async_calls

# The most items that are asked for ahead.
_MOST = 1024


@public_in("sharevar.hosting")
class RemoteIterator(Iterator[Any], AsyncIterator[Any]):
    """The items of an iterator at the host, for ``for`` and for ``async for``.

    They come in batches: each request brings all that are there. The iterator goes on
    meanwhile, the further the larger the batches before were. An exception comes after the
    items before it. The iterator is closed by `close`, when this object is dropped, and
    with this process.
    """

    def __init__(
        self, host: HostClient, reference: HostedReference, options: CallOptions | None
    ) -> None:
        assert reference.object is not None
        self._host = host
        self._number = number = reference.object
        self._options = None if options is None else options.for_items()
        self._items: deque[tuple[bool, Any]] = deque()
        self._demand = 1
        # No more items are asked for: the last one has come, or `close` was called.
        self._ended = False
        # Held while asking: batches are taken one after the other, and none after the last.
        self._asking = threading.Lock()
        self._turns = async_calls.Turns()
        host.receive(number, reference.incarnation)
        self._release = util.Finalize(self, host.release, (number,), exitpriority=10)

    def __iter__(self) -> RemoteIterator:
        return self

    def __next__(self) -> Any:
        while True:
            try:
                returned, item = self._items.popleft()
            except IndexError:
                self._receive()
            else:
                if returned:
                    return item
                self.close()
                if isinstance(item, StopIteration):
                    raise StopIteration(item.value)
                raise item

    def __aiter__(self) -> RemoteIterator:
        return self

    async def __anext__(self) -> Any:
        while True:
            try:
                returned, item = self._items.popleft()
            except IndexError:
                await self._receive_async()
            else:
                if returned:
                    return item
                self.close()
                if isinstance(item, StopIteration):
                    raise StopAsyncIteration
                raise item

    def close(self) -> None:
        """Take no more. A generator at the host is closed when it next yields; an
        asynchronous one at once."""
        self._ended = True
        self._items.clear()
        self._release()

    async def aclose(self) -> None:
        """The same."""
        self.close()

    def _receive(self) -> None:
        with self._asking:
            if self._items:
                return
            if self._ended:
                raise StopIteration
            asked = self._number, "take", (self._demand,), None, self._options
            try:
                taken = self._host.call(*asked)
            except BaseException:
                # Items may have been on their way.
                self.close()
                raise
            self._take_in(taken)

    async def _receive_async(self) -> None:
        async with self._turns.lock():
            if self._items:
                return
            if self._ended:
                raise StopAsyncIteration
            asked = self._number, "take", (self._demand,), None, self._options
            pending = self._host.begin(*asked)
            try:
                taken = await async_calls.complete(pending, async_calls.Turns())
            except BaseException:
                self.close()
                raise
            self._take_in(taken)

    def _take_in(self, taken: list[tuple[bool, Any]]) -> None:
        self._items.extend(taken)
        if taken and not taken[-1][0]:
            self._ended = True
        self._demand = min(2 * self._demand, _MOST)
