"""Web servers with several workers, started for a test, and clients that load them."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from support.ports import free_port
from support.waiting import eventually


class Answers:
    """The answers of one load: ``<count> <process>`` each."""

    def __init__(self) -> None:
        self.counts: list[int] = []
        self.processes: Counter[int] = Counter()
        # Requests without an answer: whether they were counted is not known.
        self.lost = 0
        self._adding = threading.Lock()

    def add(self, answer: bytes | None) -> None:
        with self._adding:
            if answer is None:
                self.lost += 1
                return
            count, process = answer.split()
            self.counts.append(int(count))
            self.processes[int(process)] += 1


class WebServer:
    """A running server, whose first process leads a session of its own."""

    def __init__(self, leader: subprocess.Popen[bytes], port: int, log: Path) -> None:
        self.leader = leader
        self.port = port
        self.log = log
        # Requests that were begun. Threads add to it at once, so that it is too low at most.
        self._asking = 0

    def ask(self) -> bytes | None:
        """One request; `None` if its connection broke."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", "/", headers={"Connection": "close"})
            self._asking += 1
            response = connection.getresponse()
            body = response.read()
            return body if response.status == 200 else None
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def load(self, requests: int, clients: int = 8) -> Answers:
        """Requests from many clients at once."""
        answers = Answers()

        def client() -> None:
            for _ in range(requests // clients):
                answers.add(self.ask())

        threads = [threading.Thread(target=client) for _ in range(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return answers

    def load_while(
        self, requests: int, meanwhile: Callable[[], object], clients: int = 8
    ) -> Answers:
        """The same, and once the first request is sent something else is done.

        While all workers are replaced nobody may listen, so that no request can be sent.
        """
        asking = self._asking
        with ThreadPoolExecutor(1) as executor:
            loading = executor.submit(self.load, requests, clients)
            eventually(lambda: self._asking > asking or loading.done())
            meanwhile()
            return loading.result()


@contextmanager
def serving(
    command: Sequence[str], environment: dict[str, str], folder: Path, log: Path
) -> Iterator[WebServer]:
    """A server that listens on the free port that stands for ``PORT`` in its command."""
    port = free_port()
    with log.open("wb") as output:
        leader = subprocess.Popen(
            [part.replace("PORT", str(port)) for part in command],
            cwd=folder,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    server = WebServer(leader, port, log)

    def is_up() -> bool:
        assert leader.poll() is None, log.read_text()
        return _accepts(port)

    try:
        eventually(is_up)
        yield server
        leader.terminate()
        leader.wait(timeout=30)
    except BaseException:
        print(log.read_text())
        raise
    finally:
        try:
            os.killpg(leader.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        leader.wait(timeout=30)


def _accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
