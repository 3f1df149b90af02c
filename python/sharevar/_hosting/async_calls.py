"""Calls that an event loop waits for, without a thread."""

from __future__ import annotations

import asyncio

# Imported here and not with the first call that needs a thread: its locks are broken in a
# child that is forked during the import.
import concurrent.futures.thread  # noqa: F401
from typing import Any
from weakref import WeakKeyDictionary

from .._native import PendingCall
from ..errors import CallTimedOut


class Turns:
    """Has the calls of a proxy made in order, those of each event loop among themselves."""

    def __init__(self) -> None:
        self._locks: WeakKeyDictionary[Any, asyncio.Lock] = WeakKeyDictionary()

    def lock(self) -> asyncio.Lock:
        """The lock of the loop that runs; it lets those in first who came first."""
        loop = asyncio.get_running_loop()
        try:
            return self._locks[loop]
        except KeyError:
            return self._locks.setdefault(loop, asyncio.Lock())


async def complete(pending: PendingCall, turns: Turns) -> Any:
    """The result of a call. A task that is cancelled here cancels the call at the host."""
    try:
        try:
            await asyncio.wait_for(_in_turn(pending, turns), pending.timeout)
        except asyncio.TimeoutError as error:
            if isinstance(error, CallTimedOut):
                raise
            raise CallTimedOut("no reply in time") from None
        return pending.result()
    finally:
        pending.close()


async def _in_turn(pending: PendingCall, turns: Turns) -> None:
    async with turns.lock():
        await _arrival(pending)


async def _arrival(pending: PendingCall) -> None:
    """Send a request, again and again if its host is about to be replaced, and wait for the
    reply."""
    while True:
        try:
            await _exchange(pending)
            return
        except Exception:
            pause = pending.retry_pause()
            if pause is None:
                raise
        await asyncio.sleep(pause)


async def _exchange(pending: PendingCall) -> None:
    loop = asyncio.get_running_loop()
    if not pending.send():
        while not await loop.run_in_executor(None, pending.send_waiting):
            pass
    while not pending.arrived():
        await _readable(loop, pending.fileno())


async def _readable(loop: asyncio.AbstractEventLoop, descriptor: int) -> None:
    ready = loop.create_future()
    loop.add_reader(descriptor, _set, ready)
    try:
        await ready
    finally:
        loop.remove_reader(descriptor)


def _set(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)
