"""The hosts that this process calls, one client for each."""

from __future__ import annotations

from multiprocessing import process
from typing import Any

from .._native import HostClient
from ..errors import NotAHost
from . import addresses, forks
from .security import Security

_clients: dict[tuple[str, bytes], HostClient | None] = {}
_securities: dict[tuple[str, bytes], Security] = {}


def secure(address: Any, authkey: bytes, security: Security) -> None:
    """Set how this process connects to the host at an address."""
    _securities[addresses.to_text(address), bytes(authkey)] = security


def security(address: Any, authkey: bytes) -> Security:
    """How the host at an address is connected to."""
    return _securities.get((addresses.to_text(address), bytes(authkey))) or Security()


def known_key(address: Any) -> bytes | None:
    """The key of a host that this process has called already, or that it is."""
    server = getattr(process.current_process(), "_manager_server", None)
    if server is not None and server.address == address:
        return bytes(server.authkey)
    text = addresses.to_text(address)
    return next((key for known, key in list(_clients) if known == text), None)


def client(
    address: Any, authkey: bytes, *, restarts: bool = False
) -> HostClient | None:
    """The client for a host; None if it is the standard library's server that answers.

    That server is called on its own wire. The first connection tells which of both it is.
    ``restarts``: the host is started again when it dies, and worth waiting for.
    """
    text = addresses.to_text(address)
    key = text, bytes(authkey)
    try:
        return _clients[key]
    except KeyError:
        pass
    found = HostClient(text, key[1], **security(address, authkey).of_client(address))
    if restarts:
        found.expect_next(True)
    try:
        found.connect()
    except NotAHost:
        return _clients.setdefault(key, None)
    forks.note_client(found)
    return _clients.setdefault(key, found)


def expect_no_next(address: Any) -> None:
    """Stop waiting for a next host at an address."""
    text = addresses.to_text(address)
    for key, found in list(_clients.items()):
        if key[0] == text and found is not None:
            found.expect_next(False)


def forget(address: Any) -> None:
    """Close the client of a host that has ended; the address may be another's from now on."""
    expect_no_next(address)
    text = addresses.to_text(address)
    for key in [key for key in list(_clients) if key[0] == text]:
        found = _clients.pop(key, None)
        if found is not None:
            found.close()
