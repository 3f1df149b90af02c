"""Callers that hang up while an event loop serves them."""

from __future__ import annotations

import asyncio
import select
from collections.abc import Callable


class HangUps:
    """Watches connections for their end, and for nothing else.

    A loop's own readers would not do: what rings a host awake may still be unread in a
    connection whose call it serves already.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._ended = select.epoll()
        self._callbacks: dict[int, Callable[[], None]] = {}
        loop.add_reader(self._ended.fileno(), self._tell)

    def watch(self, descriptor: int, callback: Callable[[], None]) -> None:
        """Have a function called, in the loop, when the other side is gone."""
        self._callbacks[descriptor] = callback
        self._ended.register(descriptor, select.EPOLLRDHUP | select.EPOLLONESHOT)

    def forget(self, descriptor: int) -> None:
        """Watch it no more."""
        del self._callbacks[descriptor]
        self._ended.unregister(descriptor)

    def _tell(self) -> None:
        for descriptor, _ in self._ended.poll(0):
            callback = self._callbacks.get(descriptor)
            if callback is not None:
                callback()
