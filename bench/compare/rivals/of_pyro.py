"""Pyro5: calls of objects in another process, over a Unix socket."""

from __future__ import annotations

import multiprocessing
from multiprocessing.connection import Connection
from pathlib import Path

import Pyro5.api

from ..rival import Operation, Rival
from .local import Counter


def serve(path: str, ready: Connection) -> None:
    daemon = Pyro5.api.Daemon(unixsocket=path)
    ready.send(str(daemon.register(Pyro5.api.expose(Counter)())))
    daemon.requestLoop()


class Pyro(Rival):
    name = "Pyro5"

    def start(self, folder: Path) -> None:
        ours, theirs = multiprocessing.Pipe()
        self.server = multiprocessing.get_context("fork").Process(
            target=serve, args=(str(folder / "pyro"), theirs)
        )
        self.server.start()
        if not ours.poll(30):
            raise RuntimeError("the server does not answer")
        self.uri = ours.recv()

    def operations(self) -> dict[str, Operation]:
        names = {"counter": Pyro5.api.Proxy(self.uri)}
        return {"call": Operation("counter.add(1)", names, "counter.add(0) > 0")}

    def stop(self) -> None:
        self.server.terminate()
        self.server.join()


RIVALS = (Pyro,)
