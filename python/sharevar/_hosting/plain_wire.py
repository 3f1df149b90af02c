"""The standard library's protocol, on the host's side.

The transport has sent the greeting already, before it knew which protocol the client has.
"""

from __future__ import annotations

import hmac
import os
import select
import struct
import time
from multiprocessing import connection as standard
from multiprocessing.connection import Connection
from typing import Any

_CHALLENGE = b"#CHALLENGE#"
_WELCOME = b"#WELCOME#"
_FAILURE = b"#FAILURE#"
# From 3.12 on the digest is named before it; older ones send that of HMAC-MD5.
_NAMED = b"{sha256}"
_NONCE = 20
_LONGEST = 256
# The seconds after which a connection that has not shown the key is closed.
_HANDSHAKE_TIMEOUT = 10


def authenticate(connection: Connection, greeting: bytes, key: bytes) -> bool:
    """Whether the other side knows the key; it learns whether we do."""
    peer = _Unauthenticated(connection.fileno())
    try:
        answer = peer.receive()
        name = _NAMED if answer.startswith(_NAMED) else b""
        expected = _answer(key, greeting.removeprefix(_CHALLENGE), name)
        if not hmac.compare_digest(expected, answer):
            peer.send(_FAILURE)
            return False
        peer.send(_WELCOME)
        challenge = peer.receive()
        message = challenge.removeprefix(_CHALLENGE)
        if message == challenge or len(message) < _NONCE:
            return False
        peer.send(_answer(key, message, _NAMED if message.startswith(_NAMED) else b""))
        return peer.receive() == _WELCOME
    except (OSError, EOFError):
        return False


def serialized(connection: Connection, serializer: str) -> Any:
    """The connection as the other side's serializer needs it."""
    if serializer != "xmlrpclib":
        return connection
    # Imported late: it is large, and hardly ever needed.
    import xmlrpc.client

    module: Any = standard
    # The standard library's listener does so when it accepts.
    module.xmlrpclib = xmlrpc.client
    return module.ConnectionWrapper(connection, module._xml_dumps, module._xml_loads)


def _answer(key: bytes, message: bytes, name: bytes) -> bytes:
    return name + hmac.new(key, message, "sha256" if name else "md5").digest()


class _Unauthenticated:
    """A socket whose other end may say anything, or nothing."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._until = time.monotonic() + _HANDSHAKE_TIMEOUT

    def receive(self) -> bytes:
        (length,) = struct.unpack("!i", self._read(4))
        if not 0 <= length <= _LONGEST:
            raise EOFError("that is no challenge, and no answer to one")
        return self._read(length)

    def send(self, message: bytes) -> None:
        # It is short, and fits into the socket's buffer.
        os.write(self._descriptor, struct.pack("!i", len(message)) + message)

    def _read(self, length: int) -> bytes:
        read = b""
        while len(read) < length:
            left = max(0.0, self._until - time.monotonic())
            poll = select.poll()
            poll.register(self._descriptor, select.POLLIN)
            if not poll.poll(left * 1000):
                raise EOFError("no answer in time")
            piece = os.read(self._descriptor, length - len(read))
            if not piece:
                raise EOFError("the other side has closed the connection")
            read += piece
        return read
