"""What a method of a hosted object can learn of the call that it serves."""

from __future__ import annotations

import select
from contextvars import ContextVar

from .._native import caller_descriptor

_GONE = select.POLLRDHUP | select.POLLHUP | select.POLLERR

# Of the coroutine or generator that runs; plain methods are found by their thread.
of_context: ContextVar[Call | None] = ContextVar("of_context", default=None)


class Call:
    """A call that is being served."""

    def __init__(self) -> None:
        self._cancelled = False

    @property
    def cancelled(self) -> bool:
        """Whether nobody waits for the result any more: the caller was interrupted, its
        time was over, or it is dead; in a generator, whether nobody takes its items any
        more. Ask on the thread that was called."""
        if not self._cancelled:
            descriptor = caller_descriptor()
            if descriptor is not None and has_hung_up(descriptor):
                self._cancelled = True
        return self._cancelled

    def note_hang_up(self) -> None:
        """The host has seen it."""
        self._cancelled = True


def current_call() -> Call:
    """The call that runs here. Outside of a host it is one that nobody cancels."""
    return of_context.get() or Call()


def has_hung_up(descriptor: int) -> bool:
    """Whether the other end of a connection is closed."""
    poll = select.poll()
    poll.register(descriptor, select.POLLRDHUP)
    return any(events & _GONE for _, events in poll.poll(0))
