"""The hosts that this process calls, one client for each."""

from __future__ import annotations

import os
import threading
from typing import Any

from .._native import HostClient
from ..errors import NotAHost
from . import addresses
from .security import Security

_clients: dict[tuple[str, bytes], HostClient | None] = {}
_securities: dict[str, Security] = {}
_lock = threading.Lock()


def secure(address: Any, security: Security) -> None:
    """How the host at an address is connected to, by whatever proxy."""
    _securities[addresses.to_text(address)] = security


def client(address: Any, authkey: bytes) -> HostClient | None:
    """The client for a host; None if it is the standard library's server that answers.

    Then its own wire is used. Which it is was found out when it was first connected to.
    """
    text = addresses.to_text(address)
    key = text, bytes(authkey)
    try:
        return _clients[key]
    except KeyError:
        pass
    security = _securities.get(text) or Security()
    found: HostClient | None = HostClient(text, key[1], **security.options())
    assert found is not None
    try:
        found.connect()
    except NotAHost:
        found = None
    with _lock:
        return _clients.setdefault(key, found)


def forget(address: Any) -> None:
    """Close what leads to a host that has ended, and find out anew who is there."""
    text = addresses.to_text(address)
    for key in [key for key in list(_clients) if key[0] == text]:
        found = _clients.pop(key, None)
        if found is not None:
            found.close()


def _after_fork_in_child() -> None:
    global _lock
    _lock = threading.Lock()
    for found in _clients.values():
        if found is not None:
            found.forget()


os.register_at_fork(after_in_child=_after_fork_in_child)
