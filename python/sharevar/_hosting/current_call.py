"""The call that a method of a hosted object serves, as the method sees it."""

from __future__ import annotations

import select
from collections.abc import Callable
from contextvars import ContextVar

from .._native import caller_descriptor
from .._public import public_in

_GONE = select.POLLRDHUP | select.POLLHUP | select.POLLERR

# The call of the running coroutine or generator; that of a plain method is the thread's.
of_context: ContextVar[Call | None] = ContextVar("of_context", default=None)


@public_in("sharevar.hosting")
class Call:
    """A call that is being served. ``is_cancelled`` tells whether its caller has given up."""

    def __init__(self, is_cancelled: Callable[[], bool] | None = None) -> None:
        self._is_cancelled = is_cancelled or _has_disconnected
        self._cancelled = False

    @property
    def cancelled(self) -> bool:
        """Whether the caller has given up: it was interrupted, its time was over, or it is
        dead. In a generator: whether its items are not taken any more. To be asked on the
        thread that was called."""
        self._cancelled = self._cancelled or self._is_cancelled()
        return self._cancelled

    def note_disconnect(self) -> None:
        """Note that the host has seen the caller disconnect."""
        self._cancelled = True


@public_in("sharevar.hosting")
def current_call() -> Call:
    """The call that runs here. Outside of a host it is one that is never cancelled."""
    return of_context.get() or Call()


def _has_disconnected() -> bool:
    """Whether the caller of the method that this thread runs has closed its connection."""
    descriptor = caller_descriptor()
    if descriptor is None:
        return False
    poll = select.poll()
    poll.register(descriptor, select.POLLRDHUP)
    return any(events & _GONE for _, events in poll.poll(0))
