"""A host process that is started again when it dies."""

from __future__ import annotations

import os
import sys
import threading
from multiprocessing import connection
from typing import Any

from .._native import RestartPolicy
from . import addresses, clients
from .checkpoint import has_served, was_shut_down
from .launch import Launch


class SupervisedProcess:
    """The current process of a host, for a manager's ``_process``.

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
        """Wait until the host has ended and is not started again."""
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
        policy = RestartPolicy()
        # Why the last one was not started.
        failure: Exception | None = None
        while True:
            self._wait_for_end()
            with self._starting:
                if self._ended:
                    return
                self._process.join()
                source = self._launch.source()
                memory = None if source is None else source.memory
                # Without its memory it is not started again, either.
                if memory is None or was_shut_down(memory, self._process.pid):
                    return
                served = failure is None and has_served(memory, self._process.pid)
                pause = policy.next_pause(served)
                if pause is None:
                    self._give_up(failure)
                    return
                if pause and self._reader.poll(pause):
                    return
                try:
                    self._process, reader = self._launch.restart(self._address)
                except Exception as error:
                    failure = error
                    continue
                self._process.name = self.name
            with reader:
                failure = self._await_start(reader)

    def _wait_for_end(self, *others: Any) -> None:
        """Wait until the process has ended, the host is to end, or one of others is ready."""
        if not self._process.is_alive():
            return
        awaited = [self._process.sentinel, self._reader, *others]
        try:
            # The pipe that tells of its end stays open while children of its own have it.
            end = os.pidfd_open(self._process.pid)
        except ProcessLookupError:
            return
        except OSError:
            # With no descriptor left, the pipe must do.
            connection.wait(awaited)
            return
        try:
            connection.wait([end, *awaited])
        finally:
            os.close(end)

    def _await_start(self, reader: Any) -> Exception | None:
        """Wait until the new process serves or has failed; the failure that it reports."""
        # The pipe alone does not tell: a child forked meanwhile has its other end open.
        self._wait_for_end(reader)
        if not reader.poll():
            if self._reader.poll():
                # The host is to end, and this process has served nothing.
                self._process.kill()
            return None
        try:
            answer = reader.recv()
        except EOFError:
            return None
        except Exception as error:
            # The failure cannot be unpickled; this error stands for it.
            return error
        return answer if isinstance(answer, Exception) else None

    def _give_up(self, failure: Exception | None) -> None:
        clients.expect_no_next(self._address)
        last = f"exit code {self._process.exitcode}" if failure is None else repr(failure)
        report = RestartPolicy.give_up(addresses.to_text(self._address), last)
        print(report, file=sys.stderr)
