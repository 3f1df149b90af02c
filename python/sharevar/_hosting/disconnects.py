"""Callers that disconnect while an event loop serves them."""

from __future__ import annotations

import asyncio
import select
from collections.abc import Callable


class Disconnects:
    """Watches connections for their end, and for nothing else.

    A loop's own readers would not do: the bytes that wake a host may still be unread in a
    connection whose call is being served.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._ended = select.epoll()
        self._callbacks: dict[int, Callable[[], None]] = {}
        loop.add_reader(self._ended.fileno(), self._tell)

    def watch(self, descriptor: int, callback: Callable[[], None]) -> None:
        """Call a function, in the loop, when the other side is gone."""
        self._callbacks[descriptor] = callback
        self._ended.register(descriptor, select.EPOLLRDHUP | select.EPOLLONESHOT)

    def forget(self, descriptor: int) -> None:
        """Stop watching a connection."""
        del self._callbacks[descriptor]
        self._ended.unregister(descriptor)

    def _tell(self) -> None:
        for descriptor, _ in self._ended.poll(0):
            callback = self._callbacks.get(descriptor)
            if callback is not None:
                callback()
