"""A host process that is started again when it dies."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress
from multiprocessing import connection
from typing import Any

from .launch import Launch
from .recollection import has_served

# Hosts that die one after the other before they have served a call: so many, and the first
# pause between them in seconds, which doubles.
_TRIES = 6
_PAUSE = 0.05


class SupervisedProcess:
    """A host's process, whichever it is now: what managers have as ``_process``.

    A thread waits for its death, and starts the next one at the same address, until the
    host is shut down.
    """

    daemon = False

    def __init__(self, launch: Launch, process: Any, address: Any) -> None:
        self.name: str = process.name
        self._launch = launch
        self._address = address
        self._process = process
        self._ended = False
        # Held between a host's death and the start of the next one.
        self._starting = threading.Lock()
        self._reader, self._writer = connection.Pipe(duplex=False)
        self._thread = threading.Thread(
            target=self._supervise, name="sharevar supervisor", daemon=True
        )
        self._thread.start()

    def end(self) -> None:
        """Start no other process from now on."""
        self._ended = True
        self._writer.send_bytes(b".")
        if self._thread is not threading.current_thread():
            self._thread.join()

    # As of a process

    @property
    def pid(self) -> int | None:
        return self._current.pid  # type: ignore[no-any-return]

    ident = pid

    @property
    def sentinel(self) -> int:
        return self._current.sentinel  # type: ignore[no-any-return]

    @property
    def exitcode(self) -> int | None:
        return None if self.is_alive() else self._current.exitcode

    def is_alive(self) -> bool:
        return self._thread.is_alive() or bool(self._process.is_alive())

    def join(self, timeout: float | None = None) -> None:
        """Wait for the end of the host, not of one of its lives."""
        self._thread.join(timeout)
        if not self._thread.is_alive():
            self._process.join(timeout)

    def terminate(self) -> None:
        self._current.terminate()

    def kill(self) -> None:
        self._current.kill()

    def __repr__(self) -> str:
        state = "started" if self.is_alive() else "stopped"
        return f"<SupervisedProcess name={self.name!r} {state}>"

    @property
    def _current(self) -> Any:
        with self._starting:
            return self._process

    # The supervisor

    def _supervise(self) -> None:
        # Those in a row that have served nothing.
        failures = 0
        while True:
            self._wait_for_end()
            with self._starting:
                if self._ended:
                    return
                self._process.join()
                if self._process.exitcode == 0:
                    # Somebody has shut it down.
                    return
                failures = 0 if self._has_served() else failures + 1
                if failures == _TRIES:
                    self._give_up()
                    return
                if failures > 1 and self._reader.poll(_PAUSE * 2**failures):
                    return
                try:
                    self._process, reader = self._launch.restart(self._address)
                except Exception as error:
                    self._tell(f"cannot be started again: {error!r}")
                    return
                self._process.name = self.name
            with reader:
                self._await_start(reader)

    def _wait_for_end(self, *others: Any) -> None:
        """Wait until the process has ended, or nobody wants it any more, or for others."""
        try:
            # The pipe that tells of its end stays open while children of its own have it.
            end = os.pidfd_open(self._process.pid)
        except ProcessLookupError:
            return
        try:
            connection.wait([end, self._process.sentinel, self._reader, *others])
        finally:
            os.close(end)

    def _await_start(self, reader: Any) -> None:
        """Wait until the new process serves, or has failed; it ends then."""
        # Its end may be all that tells: who was forked meanwhile has the other end of the pipe.
        self._wait_for_end(reader)
        if not reader.poll():
            if self._reader.poll():
                # Nobody wants it any more, and it has served nothing.
                self._process.kill()
            return
        try:
            answer = reader.recv()
        except EOFError:
            return
        if isinstance(answer, Exception):
            self._process.join()

    def _has_served(self) -> bool:
        origin = self._launch.origin()
        return (
            origin is not None
            and origin.memory is not None
            and has_served(origin.memory, self._process.pid)
        )

    def _give_up(self) -> None:
        if isinstance(self._address, str):
            # Who waits for the next host learns that there will be none.
            with suppress(FileNotFoundError):
                os.unlink(self._address)
        self._tell(
            f"has died {_TRIES} times in a row before it served a call, the last time with "
            f"exit code {self._process.exitcode}, and is not started again"
        )

    def _tell(self, what: str) -> None:
        print(f"sharevar: the host at {self._address!r} {what}", file=sys.stderr)
