"""RPyC: calls of objects in another process, over a Unix socket."""

from __future__ import annotations

import multiprocessing
import time
from pathlib import Path

import rpyc
from rpyc.utils.factory import unix_connect
from rpyc.utils.server import ThreadedServer

from ..rival import Operation, Rival
from .local import Counter


class CounterService(rpyc.Service):
    def __init__(self) -> None:
        super().__init__()
        self.counter = Counter()

    def exposed_add(self, by: int) -> int:
        return self.counter.add(by)


def serve(path: str) -> None:
    ThreadedServer(CounterService(), socket_path=path).start()


class Rpyc(Rival):
    name = "RPyC"

    def start(self, folder: Path) -> None:
        path = str(folder / "rpyc")
        self.server = multiprocessing.get_context("fork").Process(target=serve, args=(path,))
        self.server.start()
        end = time.monotonic() + 30
        while True:
            try:
                self.connection = unix_connect(path)
                break
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.02)

    def operations(self) -> dict[str, Operation]:
        names = {"counter": self.connection.root}
        return {"call": Operation("counter.add(1)", names, "counter.add(0) > 0")}

    def stop(self) -> None:
        self.connection.close()
        self.server.terminate()
        self.server.join()


RIVALS = (Rpyc,)
