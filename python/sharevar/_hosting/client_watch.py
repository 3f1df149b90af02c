"""Waiting for the clients that may hold objects of a host that was started again."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from multiprocessing import connection
from typing import Any

# The seconds for which a client on another machine is waited for: its end is not seen.
_GRACE = 60.0


def describe_process(process: int | None) -> tuple[int, int] | None:
    """A process by its number and the time of its start; None if it is not known."""
    if not process:
        return None
    try:
        with open(f"/proc/{process}/stat", "rb") as stat:
            return process, int(stat.read().rpartition(b")")[2].split()[19])
    except OSError:
        return None


class ClientWatch:
    """Waits until each client has declared its references or has ended."""

    def __init__(
        self,
        processes: Mapping[int, tuple[int, int] | None],
        ended: Callable[[int], None],
        all_settled: Callable[[], None],
    ) -> None:
        self._waiting = dict(processes)
        self._ended = ended
        self._all_settled = all_settled
        self._lock = threading.Lock()
        self._reader, self._writer = connection.Pipe(duplex=False)

    def start(self) -> None:
        """Begin to wait, in a thread."""
        threading.Thread(target=self._wait, name="sharevar client watch", daemon=True).start()

    def settle(self, session: int) -> None:
        """Note that a client need not be waited for any more."""
        with self._lock:
            if self._waiting.pop(session, self) is not self:
                self._writer.send_bytes(b".")

    def _wait(self) -> None:
        until = time.monotonic() + _GRACE
        watched: dict[Any, int] = {}
        for session, described in list(self._waiting.items()):
            if described is not None:
                watching = _watch(*described)
                if watching is None:
                    self._ended(session)
                else:
                    watched[watching] = session
        while self._waiting:
            elsewhere = [session for session, it in list(self._waiting.items()) if it is None]
            # The kernel tells when one on this machine ends.
            left = max(until - time.monotonic(), 0) if elsewhere else None
            ready = connection.wait([self._reader, *watched], left)
            for session in elsewhere if not ready else ():
                self._ended(session)
            for found in ready:
                if found is self._reader:
                    self._reader.recv_bytes()
                else:
                    self._ended(watched.pop(found))  # type: ignore[call-overload]
                    os.close(found)  # type: ignore[arg-type]
        for descriptor in watched:
            os.close(descriptor)
        self._all_settled()


def _watch(process: int, started: int) -> int | None:
    """A descriptor that becomes readable when the process ends; None if it has."""
    with suppress(OSError):
        descriptor = os.pidfd_open(process)
        # Another process may have its number by now.
        if describe_process(process) == (process, started):
            return descriptor
        os.close(descriptor)
    return None
