"""Addresses as `multiprocessing.connection` has them, and as the transport does.

A str is the path of a Unix socket, a pair is host and port. A str with a scheme, as
``redis://server/0?namespace=shop&host=till``, is a place at a server.
"""

from __future__ import annotations

import os
import re
from multiprocessing import util
from typing import Any, TypeGuard

from .._native import (
    end_relayed_connections,
    relayed_address,
    remove_socket,
    unused_address,
)

_SCHEME = re.compile(r"\s*[A-Za-z][A-Za-z0-9+.-]*://")

# The addresses of hosts that this process has started, where it chose them.
_chosen: set[str] = set()

# The process that tells others of its end, if it has connections through servers.
_telling: int | None = None


def choose() -> str:
    """The address of a socket for a host that this process starts."""
    path: str = from_text(unused_address())
    _chosen.add(path)
    return path


def remove(address: Any) -> None:
    """Remove the socket of a host that has ended, if this process chose it: a host that was
    killed has not done so."""
    if address in _chosen:
        _chosen.discard(address)
        remove_socket(address)


def is_relayed(address: Any) -> TypeGuard[str]:
    """Whether an address is a place at a server."""
    return isinstance(address, str) and _SCHEME.match(address) is not None


def without_secrets(address: Any) -> Any:
    """The address by which others find the same host; this process remembers a password."""
    return relayed_address(address) if is_relayed(address) else address


def to_text(address: Any) -> str:
    """The transport's address."""
    if isinstance(address, tuple) and len(address) == 2:
        host, port = address
        return f"tcp:[{host}]:{port}" if ":" in host else f"tcp:{host}:{port}"
    if is_relayed(address):
        _tell_of_the_end()
        return address
    if isinstance(address, str) and address and not address.startswith("\0"):
        return f"unix:{address}"
    raise ValueError(
        f"no host can be at {address!r}: give the path of a Unix socket, or (host, port)"
    )


def from_text(text: str) -> Any:
    """The address of `multiprocessing` for one of the transport."""
    kind, _, rest = text.partition(":")
    if kind == "unix":
        return rest
    if is_relayed(text):
        return text
    host, _, port = rest.rpartition(":")
    return host.strip("[]"), int(port)


def _tell_of_the_end() -> None:
    """Have the others know when this process ends.

    A child of `multiprocessing` ends without the handlers of the C library, which tell it
    otherwise, and without those of its parent.
    """
    global _telling
    if _telling != os.getpid():
        _telling = os.getpid()
        util.Finalize(None, end_relayed_connections, exitpriority=-110)
