"""faster-fifo: queues of pickles in shared memory."""

from __future__ import annotations

from pathlib import Path

import faster_fifo

from ..rival import Operation, Rival


class FasterFifo(Rival):
    name = "faster-fifo"

    def start(self, folder: Path) -> None:
        self.names = {"queue": faster_fifo.Queue(max_size_bytes=64 << 20)}

    def operations(self) -> dict[str, Operation]:
        return {
            "put and get": Operation("queue.put(7); got = queue.get()", self.names, "got"),
            "put": Operation("queue.put(thing)", self.names),
            "get": Operation("got = queue.get()", self.names),
        }


RIVALS = (FasterFifo,)
