"""The standard library's protocol, on the host's side.

The transport has sent the greeting already, before it knew who had come.
"""

from __future__ import annotations

import hmac
import os
import socket
import struct
from multiprocessing import connection as standard
from multiprocessing.connection import Connection
from typing import Any

_CHALLENGE = b"#CHALLENGE#"
_WELCOME = b"#WELCOME#"
_FAILURE = b"#FAILURE#"
# From 3.12 on the digest is named before it; older ones send that of HMAC-MD5.
_NAMED = b"{sha256}"
_LONGEST = 256
# Who says nothing for so many seconds before he has shown that he knows the key is dropped.
_PATIENCE = 10


def authenticate(connection: Connection, greeting: bytes, key: bytes) -> bool:
    """Whether the other side knows the key; it learns whether we do."""
    descriptor = connection.fileno()
    os.set_blocking(descriptor, True)
    try:
        _limit_waiting(descriptor, _PATIENCE)
        answer = connection.recv_bytes(_LONGEST)
        message = greeting.removeprefix(_CHALLENGE)
        named = answer.startswith(_NAMED)
        expected = hmac.new(key, message, "sha256" if named else "md5").digest()
        if not hmac.compare_digest(expected, answer.removeprefix(_NAMED)):
            connection.send_bytes(_FAILURE)
            return False
        connection.send_bytes(_WELCOME)
        standard.answer_challenge(connection, key)  # type: ignore[attr-defined]
        _limit_waiting(descriptor, 0)
    except (OSError, EOFError, standard.AuthenticationError):  # type: ignore[attr-defined]
        return False
    return True


def serialized(connection: Connection, serializer: str) -> Any:
    """The connection as the other side's serializer needs it."""
    if serializer != "xmlrpclib":
        return connection
    # Imported where it is asked for: hardly anybody does, and it is large.
    import xmlrpc.client

    module: Any = standard
    # What the standard library's listener does when it accepts.
    module.xmlrpclib = xmlrpc.client
    return module.ConnectionWrapper(connection, module._xml_dumps, module._xml_loads)


def _limit_waiting(descriptor: int, seconds: int) -> None:
    with socket.socket(fileno=os.dup(descriptor)) as duplicate:
        limit = struct.pack("ll", seconds, 0)
        duplicate.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
