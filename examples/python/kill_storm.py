"""Eight workers share variables, and a killer kills one of them ten times a second.

The same program runs on sharevar and, beside it, on multiprocessing.

    python examples/python/kill_storm.py [--seconds 10] [--record storm.svg]
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import queue
import random
import signal
import sys
import time
from typing import Any

from storm_screen import Screen

import sharevar

WORKERS = 8
INTERVAL = 0.1
FRAMES_PER_SECOND = 5

# The columns of a worker's ledger: rounds that it has finished, and items that it has put.
COUNTED, PASSED, COLUMNS = 0, 1, 2

FORK = multiprocessing.get_context("fork")


class Storm:
    """The workers of one module, which has the names of multiprocessing."""

    def __init__(self, module: Any) -> None:
        self.name: str = module.__name__
        self.lock = module.Lock()
        self.count = module.RawValue("Q", 0)
        self.repairs = module.RawValue("Q", 0)
        self.manager = module.Manager()
        self.journal = self.manager.list()
        self.items = module.Queue(1000)
        self.received = module.RawValue("Q", 0)
        self.ledger = module.RawArray("Q", WORKERS * COLUMNS)
        self.kills = 0
        self.operations = 0
        self.since = time.monotonic()
        self.drainer = FORK.Process(target=self._drain)
        self.drainer.start()
        self.workers = [self._start(place) for place in range(WORKERS)]

    def _start(self, place: int) -> Any:
        worker = FORK.Process(target=self._work, args=(place,))
        worker.start()
        return worker

    def _work(self, place: int) -> None:
        """Count, append and pass on, for ever. The ledger has what is finished for certain."""
        # A lock of sharevar says when its last holder has died in the middle of a change.
        can_tell = hasattr(self.lock, "owner_died")
        row = place * COLUMNS
        while True:
            for _ in range(20):
                with self.lock:
                    if can_tell and self.lock.owner_died:
                        if len(self.journal) < self.count.value:
                            self.journal.append(place)
                        self.repairs.value += 1
                        self.lock.mark_consistent()
                    self.count.value += 1
                    self.journal.append(place)
                self.ledger[row + COUNTED] += 1
            self.items.put(place)
            self.ledger[row + PASSED] += 1

    def _drain(self) -> None:
        while True:
            try:
                self.items.get(timeout=1)
            except queue.Empty:
                continue
            self.received.value += 1

    def kill_one(self) -> None:
        """Kill a worker wherever it is, and start another in its place."""
        place = random.randrange(WORKERS)
        os.kill(self.workers[place].pid, signal.SIGKILL)
        self.workers[place].join()
        self.workers[place] = self._start(place)
        self.kills += 1

    def finished(self, column: int) -> int:
        return sum(self.ledger[column::COLUMNS])

    def look(self) -> list[str]:
        """The column of the screen."""
        noted = self.finished(COUNTED)
        lost = max(0, noted - self.count.value)
        operations = 2 * noted + self.finished(PASSED)
        if operations != self.operations:
            self.operations, self.since = operations, time.monotonic()
        standing = time.monotonic() - self.since
        return [
            f"{self.kills:,}", f"{operations:,}", f"{self.count.value:,}",
            f"{noted:,}", f"{self.received.value:,}",
            f"{self.repairs.value:,}" if hasattr(self.lock, "owner_died") else "none",
            f"{lost:,}",
            "runs" if standing < 1 else f"stands still for {standing:.0f} s",
        ]  # fmt: skip

    def end(self) -> None:
        for worker in self.workers:
            worker.kill()
            worker.join()

    def close(self) -> None:
        self.drainer.kill()
        self.drainer.join()
        self.manager.shutdown()

    def lost(self) -> int:
        """All that was finished and is not there. An operation that a worker had finished when
        it was killed, and had not noted, may be there besides."""
        deadline = time.monotonic() + 10
        while not self.items.empty() and time.monotonic() < deadline:
            time.sleep(0.01)
        self.drainer.kill()
        self.drainer.join()
        deaths = self.kills + WORKERS
        lost = 0
        # The drainer was killed, too, perhaps with an item that it had not counted.
        for column, found in (
            (COUNTED, self.count.value),
            (COUNTED, len(self.journal)),
            (PASSED, self.received.value + 1),
        ):
            noted = self.finished(column)
            lost += max(0, noted - found)
            assert found <= noted + deaths + 1, f"{found} is more than {noted} and {deaths}"
        return lost


ROWS = (
    "kills", "operations finished", "counted under a lock", "appended to a list",
    "passed through a queue", "locks repaired", "operations lost", "",
)  # fmt: skip


def storm(seconds: float, screen: Screen) -> int:
    storms = [Storm(sharevar), Storm(multiprocessing)]
    begin = time.monotonic()
    next_kill = next_frame = begin
    while (now := time.monotonic()) < begin + seconds:
        if now >= next_kill:
            for each in storms:
                each.kill_one()
            next_kill = max(next_kill + INTERVAL, now)
        if now >= next_frame:
            screen.show(_lines(storms, now - begin))
            next_frame = max(next_frame + 1 / FRAMES_PER_SECOND, now)
        time.sleep(max(0, min(next_kill, next_frame) - time.monotonic()))
    last = _lines(storms, seconds)
    for each in storms:
        each.end()
    ours = storms[0]
    lost = ours.lost()
    every = f"{ours.operations:,}"
    last += ["", f"After the end, of {every} operations on sharevar {lost} are lost."]
    screen.show(last)
    for each in storms:
        each.close()
    return lost


def _lines(storms: list[Storm], seconds: float) -> list[str]:
    columns = [each.look() for each in storms]
    lines = [
        f"The kill storm: {WORKERS} workers each, SIGKILL ten times a second {seconds:13.1f} s",
        "",
        f"{'':24}" + "".join(f"{each.name:>24}" for each in storms),
    ]
    for row, label in enumerate(ROWS):
        lines.append(f"{label:24}" + "".join(f"{column[row]:>24}" for column in columns))
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--record", metavar="FILE", help="write the screens as an SVG, too")
    arguments = parser.parse_args()
    screen = Screen(sys.stdout)
    lost = storm(arguments.seconds, screen)
    if arguments.record:
        screen.record(arguments.record)
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
