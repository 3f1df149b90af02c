"""The iterators of a host, whose items are produced ahead of demand."""

from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from typing import Any

from .._native import Prefetch
from . import wire
from .checkpoint import Record
from .current_call import Call, of_context
from .event_loop import EventLoop


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


def prefetch(iterator: Any, loop: EventLoop, record: Record | None) -> Prefetch:
    """The items of an iterator, which starts when the first one is asked for. ``record`` is
    that of the object which has given it, and is saved with the items."""

    def start(items: Prefetch) -> None:
        if isinstance(iterator, AsyncIterator):
            running, _ = loop.start()
            produced = _produce_async(items, iterator, running, record)
            asyncio.run_coroutine_threadsafe(produced, running)
        else:
            threading.Thread(
                target=_produce,
                args=(items, iterator, record),
                name="sharevar stream",
                daemon=True,
            ).start()

    return Prefetch(start)


def _produce(items: Prefetch, iterator: Iterator[Any], record: Record | None) -> None:
    of_context.set(Call(lambda: items.closed))
    end: BaseException = StopIteration()
    try:
        while not items.closed:
            if not items.put(next(iterator)):
                items.wait_for_room()
    except BaseException as error:
        end = error
    try:
        if isinstance(iterator, Generator):
            iterator.close()
    except BaseException as error:
        end = error
    _end(items, end, record)
    # Its traceback refers to this frame, and so to the iterator.
    del end


async def _produce_async(
    items: Prefetch,
    iterator: AsyncIterator[Any],
    loop: asyncio.AbstractEventLoop,
    record: Record | None,
) -> None:
    task = asyncio.current_task()
    assert task is not None
    of_context.set(Call(lambda: items.closed))
    room = asyncio.Event()

    def go_on() -> None:
        if items.closed:
            task.cancel()
        room.set()

    items.on_change(lambda: _call_soon(loop, go_on))
    end: BaseException = StopIteration()
    try:
        async for item in iterator:
            items.put(item)
            while not (items.closed or items.has_room()):
                await room.wait()
                room.clear()
            if items.closed:
                break
    except BaseException as error:
        end = error
    finally:
        items.on_change(None)
    try:
        close = getattr(iterator, "aclose", None)
        if close is not None:
            await close()
    except BaseException as error:
        end = error
    _end(items, end, record)
    del end


def _call_soon(loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(callback)


def _end(items: Prefetch, end: BaseException, record: Record | None) -> None:
    items.end(_sendable(end))
    if items.closed and record is not None:
        # No client takes the last items, with which the object would be saved.
        record.served()


def _sendable(end: BaseException) -> BaseException:
    """The end as it is sent: the return value of a generator need not be sendable."""
    if isinstance(end, StopIteration):
        try:
            wire.dumps(end.value)
        except Exception:
            return StopIteration()
    return end
