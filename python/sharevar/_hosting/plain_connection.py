"""A connection on the standard library's wire that says what a host's death means."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import HostDied


class PlainConnection:
    """What a thread has for the objects that it calls so, until the host is gone."""

    def __init__(self, connection: Any, forget: Callable[[], None]) -> None:
        self._connection = connection
        self._forget = forget

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def send(self, message: Any) -> None:
        """Ask. A host that is gone has not read it."""
        try:
            self._connection.send(message)
        except OSError as error:
            raise self._end(error, started=False) from error

    def recv(self) -> Any:
        """The answer. Who dies with something unread says so to the other side."""
        try:
            return self._connection.recv()
        except (EOFError, OSError) as error:
            started = not isinstance(error, ConnectionResetError)
            raise self._end(error, started=started) from error
        except BaseException:
            # The answer that is still to come is none to the next question.
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
