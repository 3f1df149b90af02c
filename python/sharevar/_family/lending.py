"""Lending descriptors to processes that may not look into this one.

``/proc/<pid>/fd`` shows a process's descriptors only to processes that may trace it: to
none of the same user after a `setuid`. After a `chroot` there is none, and in a pid
namespace that sees the outer ``/proc`` it is another process's. Such a process hands its
descriptors out over a socket, as `multiprocessing.reduction` does, to processes that know
`multiprocessing.current_process().authkey`, which children inherit. Other processes need
no socket, and no thread that serves it.
"""

from __future__ import annotations

import os
import secrets
import socket
import struct
import threading
from contextlib import suppress
from multiprocessing import AuthenticationError, process, reduction
from multiprocessing.connection import (
    Connection,
    answer_challenge,
    deliver_challenge,
)
from typing import Any

# The other side may be stopped, or may be another program that sends nothing.
_SECONDS = 5

_Identity = tuple[int, int]


class _Lender:
    """The socket of one process, and the descriptors that it lends."""

    def __init__(self) -> None:
        # In no file system: it may be another one, or not writable, by now.
        self.address = f"\0sharevar-lender-{os.getpid()}-{secrets.token_hex(8)}"
        self.lent: dict[int, _Identity] = {}
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(self.address)
        self.socket.listen(64)
        thread = threading.Thread(target=self._serve, name="sharevar lender")
        thread.daemon = True
        thread.start()

    def _serve(self) -> None:
        while True:
            try:
                peer, _ = self.socket.accept()
            except OSError:
                return
            with suppress(OSError, EOFError, ValueError, AuthenticationError):
                with _connection(peer) as connection:
                    deliver_challenge(connection, _key())
                    answer_challenge(connection, _key())
                    self._lend(connection)

    def _lend(self, connection: Any) -> None:
        descriptor = int(connection.recv_bytes(32))
        # The number may be another file's by now, which is not for lending.
        if self.lent.get(descriptor) == _identity(descriptor):
            reduction.send_handle(connection, descriptor, None)


_lender: _Lender | None = None
_starting = threading.Lock()


def lend(descriptor: int) -> str:
    """The address where another process can borrow a descriptor; "" if ``/proc`` will do."""
    global _lender
    if not _is_hidden():
        return ""
    try:
        with _starting:
            if _lender is None:
                _lender = _Lender()
        _lender.lent[descriptor] = _identity(descriptor)
        return _lender.address
    except (OSError, RuntimeError):
        # Without a socket or a thread the receiver says that it finds no way here.
        return ""


def borrow(address: str, descriptor: int) -> int:
    """A duplicate of a descriptor that another process lends; else an `OSError`."""
    peer = socket.socket(socket.AF_UNIX)
    try:
        peer.settimeout(_SECONDS)
        peer.connect(address)
    except BaseException:
        peer.close()
        raise
    try:
        with _connection(peer) as connection:
            answer_challenge(connection, _key())
            deliver_challenge(connection, _key())
            connection.send_bytes(b"%d" % descriptor)
            return reduction.recv_handle(connection)
    except (EOFError, RuntimeError, AuthenticationError) as error:
        raise OSError(f"descriptor {descriptor} was not lent: {error}") from error


def _connection(peer: socket.socket) -> Any:
    peer.setblocking(True)
    limit = struct.pack("@ll", _SECONDS, 0)
    for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
        peer.setsockopt(socket.SOL_SOCKET, option, limit)
    return Connection(peer.detach())


def _key() -> bytes:
    return bytes(process.current_process().authkey)


def _identity(descriptor: int) -> _Identity:
    status = os.fstat(descriptor)
    return status.st_dev, status.st_ino


def _is_hidden() -> bool:
    """Whether others of the same user cannot open ``/proc/<pid>/fd`` of this process."""
    try:
        if os.readlink("/proc/self") != str(os.getpid()):
            # It is another pid namespace's, where that number is another process's.
            return True
        # The kernel makes root the owner of the files that it hides.
        return os.stat("/proc/self/fd").st_uid != os.geteuid()
    except OSError:
        return True


def _after_fork_in_child() -> None:
    global _lender, _starting
    _starting = threading.Lock()
    if _lender is not None:
        # The thread that serves it is the parent's.
        with suppress(OSError):
            _lender.socket.close()
        _lender = None


os.register_at_fork(after_in_child=_after_fork_in_child)
