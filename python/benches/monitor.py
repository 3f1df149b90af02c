"""What a monitor's method costs, beside a locked increment and a call of a standard manager.

Run as ``python python/benches/monitor.py``; ``--quick`` for a look. All of a table is
measured in turn in one run; medians, and the empty loop is subtracted.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from multiprocessing.managers import BaseManager
from typing import Any

import sharevar

QUICK = "--quick" in sys.argv
REPEATS = 9 if QUICK else 41
STEPS = 2_000
# A message takes long enough to be measured in few steps.
SLOW_STEPS = 100


class Plain:
    """What all sides have."""

    def __init__(self) -> None:
        self.count = 0
        self.last = 0
        self.few = list(range(10))

    def nothing(self) -> None:
        pass

    def add(self, by: int) -> int:
        self.count += by
        return self.count

    def add_and_note(self, by: int) -> int:
        self.count += by
        self.last = by
        return self.count

    def replace(self, item: int) -> None:
        self.few[0] = item

    def add_inside(self, by: int) -> int:
        return self.add(by)


@sharevar.monitor
class Shared(Plain):
    """The same in shared memory."""


class Locked:
    """An increment under a lock, as a program without monitors has it."""

    def __init__(self, manager: Any) -> None:
        self.lock, self.box = manager.Lock(), manager.Value("i", 0)

    def increment(self) -> None:
        with self.lock:
            self.box.value += 1


class StandardManager(BaseManager):
    """A server process."""


StandardManager.register("Plain", Plain)


def compile_loop(statement: str) -> Callable[[Any, int], None]:
    """The same source text for each side, compiled anew."""
    namespace: dict[str, Any] = {}
    source = f"def loop(it, steps):\n    for _ in range(steps):\n        {statement}\n"
    exec(source, namespace)
    return namespace["loop"]


def nanoseconds(loop: Callable[[Any, int], None], subject: Any, steps: int) -> float:
    start = time.perf_counter_ns()
    loop(subject, steps)
    return (time.perf_counter_ns() - start) / steps


LOCKED = "with it.lock: it.box.value += 1"

STATEMENTS = [
    ("a method that does nothing", "it.nothing()"),
    ("one that adds to an attribute", "it.add(1)"),
    ("one that sets two", "it.add_and_note(7)"),
    ("one that changes a list of 10", "it.replace(7)"),
    ("one that calls another", "it.add_inside(1)"),
    ("an attribute is read from outside", "it.count"),
    ("and set", "it.count = 7"),
]


def main() -> None:
    """Print the table."""
    server = StandardManager()
    server.start()
    manager = sharevar.Manager()
    plain, shared, theirs = Plain(), manager.monitor(Shared), server.Plain()
    sides = [(compile_loop(LOCKED), Locked(manager), STEPS)]
    for _, statement in STATEMENTS:
        sides.append((compile_loop(statement), shared, STEPS))
        sides.append((compile_loop(statement), plain, STEPS))
    sides.append((compile_loop("it.add(1)"), theirs, SLOW_STEPS))
    empty = compile_loop("pass")
    samples: list[list[float]] = [[] for _ in sides]
    for _ in range(REPEATS):
        nothing = nanoseconds(empty, None, STEPS)
        for (loop, subject, steps), taken in zip(sides, samples, strict=True):
            taken.append(nanoseconds(loop, subject, steps) - nothing)
    locked, *both, message = (statistics.median(taken) for taken in samples)
    print(f"{'ns':36}{'monitor':>9}{'plain':>8}{'to a locked increment':>24}")
    print(f"{'a locked increment':36}{locked:9.0f}{'':8}{1:24.1f}")
    for (name, _), ours, own in zip(STATEMENTS, both[::2], both[1::2], strict=True):
        print(f"{name:36}{ours:9.0f}{own:8.0f}{ours / locked:24.1f}")
    print(f"{'a call of a standard BaseManager':36}{message:9.0f}")
    adds = both[2]
    print()
    print(f"{'a method that adds / a locked increment':46}{adds / locked:6.1f}, limit 5")
    print(f"{'a BaseManager call / a method that adds':46}{message / adds:6.0f}, least 100")


if __name__ == "__main__":
    main()
