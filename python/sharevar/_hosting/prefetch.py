"""Iterators that stay at the host, and the items that they have produced ahead of demand."""

from __future__ import annotations

import asyncio
import io
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from typing import Any

from .._native import EncodedReply, caller_descriptor
from . import wire
from .checkpoint import Record
from .current_call import Call, is_disconnected, of_context
from .event_loop import EventLoop

# The most bytes that are produced ahead; a single item may be larger.
_BYTES = 1 << 20
# The seconds after which a waiting request looks again whether its caller still waits.
_LOOK = 0.25


def stays_at_host(iterator: Any) -> bool:
    """Whether the items of a result are sent, and not the iterator itself.

    As in the standard library a copy is sent of an object of a program's own class.
    """
    if isinstance(iterator, io.IOBase):
        return False
    if isinstance(iterator, (Generator, AsyncIterator)):
        return True
    if type(iterator).__module__ in ("builtins", "itertools"):
        return True
    try:
        wire.dumps(iterator)
    except Exception:
        return True
    return False


class Stream:
    """The object that a client takes items from. Dropping it closes the iterator."""

    def __init__(self, iterator: Any, loop: EventLoop, record: Record | None) -> None:
        self._iterator: Any = iterator
        self._loop = loop
        self._prefetch = Prefetch(record)
        self._lock = threading.Lock()

    def take(self, demand: int) -> EncodedReply:
        """All items that are there, at least one; the last of all is an exception, the
        iterator's own or a `StopIteration`. Up to ``demand`` more are produced ahead."""
        with self._lock:
            iterator, self._iterator = self._iterator, None
        if iterator is not None:
            self._start(iterator)
        return EncodedReply.many(self._prefetch.take(demand))

    def _start(self, iterator: Any) -> None:
        # Neither refers to this object, so that they learn of its end.
        if isinstance(iterator, AsyncIterator):
            loop, _ = self._loop.start()
            produced = _produce_async(self._prefetch, iterator, loop)
            asyncio.run_coroutine_threadsafe(produced, loop)
        else:
            threading.Thread(
                target=_produce,
                args=(self._prefetch, iterator),
                name="sharevar stream",
                daemon=True,
            ).start()

    def __del__(self) -> None:
        self._prefetch.close()


class Prefetch:
    """The items that were produced and not taken yet. They are encoded at once: an iterator
    may give one list again and again, each time with other contents."""

    def __init__(self, record: Record | None) -> None:
        # The object is saved with the items that show what the iterator has changed in it.
        self._record = record
        # By this the iterator can ask whether its items are still taken.
        self.call = Call()
        self._changed = threading.Condition()
        self._items: deque[EncodedReply] = deque()
        self._bytes = 0
        self._demand = 1
        self._waiting = 0
        self._ended = False
        self._closed = False
        # Called when there is room again, and at the end.
        self._on_room: Callable[[], None] = lambda: None

    @property
    def closed(self) -> bool:
        """Whether the client has stopped taking items."""
        return self._closed

    def on_room(self, callback: Callable[[], None]) -> None:
        """Call a function when there is room, for a producer that does not wait for it."""
        with self._changed:
            self._on_room = callback

    def put(self, item: EncodedReply) -> bool:
        """Add an item, and tell whether there is room for more."""
        with self._changed:
            self._items.append(item)
            self._bytes += len(item)
            if self._waiting:
                self._changed.notify_all()
            return self._has_room()

    def end(self, error: BaseException) -> None:
        """Note that the iterator has ended, and how."""
        last = EncodedReply.raised(_sendable(error))
        with self._changed:
            self._ended = True
            self._items.append(last)
            self._changed.notify_all()
        if self._closed:
            # No client takes its last items, with which the object would be saved.
            self._save()

    def has_room(self) -> bool:
        """Whether another item should be produced now."""
        with self._changed:
            return self._has_room()

    def wait_for_room(self) -> None:
        """Wait until another item should be produced, or the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._has_room())

    def take(self, demand: int) -> list[EncodedReply]:
        """Take all items that are there; wait for one if there is none."""
        descriptor = caller_descriptor()
        with self._changed:
            self._demand = demand
            self._waiting += 1
            try:
                self._tell_producer()
                while not self._items:
                    if self._ended:
                        return [EncodedReply.raised(StopIteration())]
                    if self._changed.wait(_LOOK):
                        continue
                    if descriptor is not None and is_disconnected(descriptor):
                        return []
            finally:
                self._waiting -= 1
            taken = list(self._items)
            self._items.clear()
            self._bytes = 0
            self._tell_producer()
        self._save()
        return taken

    def close(self) -> None:
        """Note that the client takes no more items."""
        self.call.note_disconnect()
        with self._changed:
            self._closed = True
            self._tell_producer()

    def _save(self) -> None:
        if self._record is not None:
            self._record.served()

    def _tell_producer(self) -> None:
        self._changed.notify_all()
        self._on_room()

    def _has_room(self) -> bool:
        return len(self._items) < 2 * self._demand and self._bytes < _BYTES


def _sendable(end: BaseException) -> BaseException:
    """The end as it is sent: the return value of a generator need not be sendable."""
    if isinstance(end, StopIteration):
        try:
            wire.dumps(end.value)
        except Exception:
            return StopIteration()
    return end


def _produce(prefetch: Prefetch, iterator: Iterator[Any]) -> None:
    of_context.set(prefetch.call)
    try:
        while not prefetch.closed:
            item = EncodedReply.returned(next(iterator))
            if not prefetch.put(item):
                prefetch.wait_for_room()
        end: BaseException = StopIteration()
    except BaseException as error:
        end = error
    try:
        if isinstance(iterator, Generator):
            iterator.close()
    except BaseException as error:
        end = error
    prefetch.end(end)
    # Its traceback refers to this frame, and so to the iterator.
    del end


async def _produce_async(
    prefetch: Prefetch, iterator: AsyncIterator[Any], loop: asyncio.AbstractEventLoop
) -> None:
    task = asyncio.current_task()
    assert task is not None
    of_context.set(prefetch.call)
    room = asyncio.Event()

    def go_on() -> None:
        if prefetch.closed:
            task.cancel()
        room.set()

    prefetch.on_room(lambda: _call_soon(loop, go_on))
    end: BaseException = StopIteration()
    try:
        async for item in iterator:
            prefetch.put(EncodedReply.returned(item))
            while not (prefetch.closed or prefetch.has_room()):
                await room.wait()
                room.clear()
            if prefetch.closed:
                break
    except BaseException as error:
        end = error
    finally:
        prefetch.on_room(lambda: None)
    try:
        close = getattr(iterator, "aclose", None)
        if close is not None:
            await close()
    except BaseException as error:
        end = error
    prefetch.end(end)
    del end


def _call_soon(loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(callback)
