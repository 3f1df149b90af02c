"""Addresses as `multiprocessing.connection` has them, and as the transport does.

A str is the path of a Unix socket, a pair is host and port.
"""

from __future__ import annotations

from multiprocessing import connection
from typing import Any


def new() -> str:
    """The address of a socket in a private directory of this process."""
    return f"unix:{connection.arbitrary_address('AF_UNIX')}"  # type: ignore[attr-defined]


def to_text(address: Any) -> str:
    """The transport's address."""
    if isinstance(address, tuple) and len(address) == 2:
        host, port = address
        return f"tcp:[{host}]:{port}" if ":" in host else f"tcp:{host}:{port}"
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
    host, _, port = rest.rpartition(":")
    return host.strip("[]"), int(port)
