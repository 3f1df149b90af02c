"""Requests to a host itself, as the standard library's managers make them.

They connect, `dispatch` one request and close. Here nothing is connected for that:
the client of the host has connections.
"""

from __future__ import annotations

from collections.abc import Mapping
from multiprocessing import connection
from typing import Any

from .._native import HostClient
from . import clients, forks, identity


def connect(address: Any, authkey: bytes) -> Any:
    """A manager's ``_Client``: for a standard server, a real connection."""
    host = clients.client(address, authkey)
    if host is None:
        return connection.Client(address, authkey=authkey)
    return HostConnection(host)


class HostConnection:
    """As much of a connection as `multiprocessing.managers.dispatch` needs."""

    def __init__(self, host: HostClient) -> None:
        self._host = host
        self._reply: tuple[str, Any] | None = None

    def send(self, request: tuple[Any, str, tuple[Any, ...], Mapping[str, Any]]) -> None:
        """Make the request, and keep the reply."""
        forks.settle()
        _, method, arguments, named = request
        try:
            self._reply = "#RETURN", self._ask(method, arguments, dict(named))
        except Exception as error:
            self._reply = "#ERROR", error

    def recv(self) -> tuple[str, Any]:
        """The reply, once."""
        reply, self._reply = self._reply, None
        if reply is None:
            raise EOFError("nothing was asked")
        return reply

    def close(self) -> None:
        """Nothing was opened."""

    def _ask(
        self, method: str, arguments: tuple[Any, ...], named: dict[str, Any]
    ) -> Any:
        number = identity.number(arguments[0]) if arguments else None
        if number is not None and method in ("incref", "decref"):
            return (self._host.hold if method == "incref" else self._host.release)(number)
        return self._host.call(0, method, arguments, named)
