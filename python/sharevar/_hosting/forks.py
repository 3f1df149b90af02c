"""Clients and servers across a fork.

A forked child is a client of its own: it asks the hosts for references of its own, which
takes it a moment. Until then the parent keeps the references of both. Other threads make
and drop proxies meanwhile, and other clients.
"""

from __future__ import annotations

import os
import select
import threading
import time
from contextlib import suppress
from multiprocessing import util
from multiprocessing.connection import Connection
from weakref import WeakSet, WeakValueDictionary

from .._native import HostClient
from . import launch

# One fork after the other: a child that inherited the pipe of another's would keep it open.
_forking = threading.Lock()
_settling = threading.Lock()
# The sides of the pipe of a fork under way: the child closes its end when it has
# references, and the kernel does if it ends before.
_pipe: tuple[_Pipe, _Pipe] | None = None
# The references that are kept for the child of the fork under way.
_keeping: list[tuple[HostClient, int]] = []
# For each child that may have none of its own yet: the pipe, and the references.
_kept: list[tuple[_Pipe, list[tuple[HostClient, int]]]] = []
_clients: WeakValueDictionary[int, HostClient] = WeakValueDictionary()
# Those on the standard library's wire; the transport knows its own.
_connections: WeakSet[Connection] = WeakSet()

# The seconds for which references are kept for a child where there is no pipe.
_GRACE = 60.0


class _Pipe:
    """One side of a pipe. The program may close it, and use its number for another file."""

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor
        self._identity = None if descriptor is None else _identity(descriptor)
        self._until = time.monotonic() + _GRACE

    def has_ended(self) -> bool:
        """Whether the other side is closed everywhere, as far as can be known."""
        if not self._is_open():
            return time.monotonic() > self._until
        poll = select.poll()
        poll.register(self._descriptor)  # type: ignore[arg-type]
        return bool(poll.poll(0))

    def close(self) -> None:
        if self._is_open():
            os.close(self._descriptor)  # type: ignore[arg-type]
        self._descriptor = None

    def _is_open(self) -> bool:
        if self._descriptor is None:
            return False
        return _identity(self._descriptor) == self._identity


def _identity(descriptor: int) -> tuple[int, int] | None:
    try:
        status = os.fstat(descriptor)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _make_pipe() -> tuple[_Pipe, _Pipe]:
    try:
        reader, writer = os.pipe()
    except OSError:
        # No descriptor is left: the references are kept for a while.
        return _Pipe(None), _Pipe(None)
    return _Pipe(reader), _Pipe(writer)


def note_client(client: HostClient) -> None:
    """Have a client start without references and connections in forked children."""
    _clients[id(client)] = client


def note_connection(connection: Connection) -> None:
    """Close a connection in forked children: as long as one has it, the other side does not
    learn of the death of this process."""
    _connections.add(connection)


def settle() -> None:
    """Release what was kept for children that have references of their own now."""
    # One thread does it for all. A release may lead here again.
    if not _settling.acquire(blocking=False):
        return
    try:
        for entry in list(_kept):
            pipe, references = entry
            if pipe.has_ended():
                _kept.remove(entry)
                pipe.close()
                for client, number in references:
                    client.release(number)
    finally:
        _settling.release()


def _noted_clients() -> list[HostClient]:
    # Not by iterating over the dictionary, which others may change meanwhile.
    found = (reference() for reference in _clients.valuerefs())
    return [client for client in found if client is not None]


def _hold_all() -> list[tuple[HostClient, int]]:
    """Hold once more whatever is held."""
    return [
        (client, number) for client in _noted_clients() for number in client.hold_all()
    ]


def _before() -> None:
    global _keeping, _pipe, _has_references
    # An interrupt may have kept it from this after the last fork.
    _keep_for_child()
    if any(client.held() for client in _noted_clients()):
        _pipe = _make_pipe()
        _keeping = _hold_all()
        # Registered now, it is called after those of the proxies that there are. The one
        # before goes, and its registration with it.
        _has_references = _Child()
        util.register_after_fork(_has_references, _Child.close)


def _keep_for_child() -> None:
    global _keeping, _pipe
    if _pipe is not None:
        (pipe, end), _pipe = _pipe, None
        end.close()
        # Again: the child has what other threads made at the last moment, too.
        _kept.append((pipe, _keeping + _hold_all()))
        _keeping = []


def _after_in_child() -> None:
    global _keeping, _pipe, _settling
    _settling = threading.Lock()
    _keeping = []
    for pipe, _ in _kept:
        pipe.close()
    _kept.clear()
    if _pipe is not None:
        (pipe, _has_references.end), _pipe = _pipe, None
        pipe.close()
    for client in _noted_clients():
        client.forget()
        if launch.is_to_be_host():
            # Two hosts that replace dead ones would wait for each other.
            client.expect_next(False)
    for connection in list(_connections):
        with suppress(OSError):
            connection.close()


class _Child:
    """In a child, the end of the pipe by which its parent learns that it has references."""

    end: _Pipe | None = None

    def close(self) -> None:
        if self.end is not None:
            self.end.close()
            self.end = None


_has_references = _Child()


os.register_at_fork(
    before=_before, after_in_parent=_keep_for_child, after_in_child=_after_in_child
)
# Registered after those, it is called before them at a fork, and last after it. A function in
# Python might be interrupted before it has begun, by a signal that came during the fork.
os.register_at_fork(
    before=_forking.acquire, after_in_parent=_forking.release, after_in_child=_forking.release
)
# Called before these: a release may take long, and a signal handler may fork meanwhile.
os.register_at_fork(before=settle)
