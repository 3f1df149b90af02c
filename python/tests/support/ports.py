"""Ports for servers that tests start."""

from __future__ import annotations

import itertools
import os
import socket

_count = itertools.count()


def free_port() -> int:
    """A port that is free, below those that the kernel gives to connections: one of them might
    have it before the server does. The processes of tests begin at different ones."""
    while True:
        port = 10_000 + (os.getpid() * 97 + next(_count)) % 22_000
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
