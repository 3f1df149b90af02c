"""The two ends that a queue of `multiprocessing` has, for programs that look at them.

There is no pipe between: an item that is sent is in the queue, and one that is received is
taken out of it. For `select` and event loops it is the queue's own descriptor.
"""

from __future__ import annotations

from typing import Any

from .. import _native

_is_closed: Any = _native.Queue.closed.__get__  # type: ignore[attr-defined]


class _End:
    """As much of a `multiprocessing.connection.Connection` as a queue can play."""

    __slots__ = ("_queue",)

    readable = False
    writable = False

    def __init__(self, queue: _native.Queue[Any]) -> None:
        self._queue = queue

    @property
    def closed(self) -> bool:
        """Whether the queue was closed in this process."""
        closed: bool = _is_closed(self._queue)
        return closed

    def close(self) -> None:
        """Close the queue in this process."""
        self._queue.close()

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other._queue is self._queue  # type: ignore[attr-defined]

    def __hash__(self) -> int:
        return hash((type(self), id(self._queue)))

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._queue,)


class Reader(_End):
    """The end where items come out."""

    __slots__ = ()

    readable = True

    def fileno(self) -> int:
        """A descriptor that is readable while there are items."""
        return _native.Queue.fileno(self._queue)

    def poll(self, timeout: float | None = 0.0) -> bool:
        """Whether there is an item, or there is one in time; None waits for ever."""
        return self._queue._poll(timeout)

    def recv(self) -> Any:
        """The first item."""
        return _native.Queue.get(self._queue)


class Writer(_End):
    """The end where items go in."""

    __slots__ = ()

    writable = True

    def fileno(self) -> int:
        """A descriptor that is writable, always."""
        return self._queue._writer_fileno()

    def send(self, obj: Any) -> None:
        """Put an item."""
        _native.Queue.put(self._queue, obj)
