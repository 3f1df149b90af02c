"""Addresses as `multiprocessing.connection` has them, and as the transport does.

A str is the path of a Unix socket, a pair is host and port.
"""

from __future__ import annotations

from typing import Any

from .._native import remove_socket, unused_address

# The addresses of hosts that this process has started, where it chose them.
_chosen: set[str] = set()


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
