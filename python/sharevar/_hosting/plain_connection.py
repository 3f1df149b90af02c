"""A connection on the standard library's wire that reports the death of a host."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import HostDied


class PlainConnection:
    """A thread's connection for the objects that it calls on that wire."""

    def __init__(self, connection: Any, forget: Callable[[], None]) -> None:
        self._connection = connection
        self._forget = forget

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def send(self, message: Any) -> None:
        """Send a request. A host that is gone has not read it."""
        try:
            self._connection.send(message)
        except OSError as error:
            raise self._end(error, started=False) from error

    def recv(self) -> Any:
        """The reply. The kernel resets the connection if the host dies with unread input."""
        try:
            return self._connection.recv()
        except (EOFError, OSError) as error:
            started = not isinstance(error, ConnectionResetError)
            raise self._end(error, started=started) from error
        except BaseException:
            # The reply that is still to come would be taken for that of the next request.
            self._close()
            raise

    def _end(self, error: Exception, *, started: bool) -> HostDied:
        self._close()
        died = HostDied(
            f"the host has closed the connection ({error!r}); "
            + ("the call may have begun" if started else "the call has not begun")
        )
        died.started = started
        return died

    def _close(self) -> None:
        self._connection.close()
        self._forget()
