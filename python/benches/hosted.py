"""What a call of a hosted object costs, beside the standard library's manager.

Run as ``python python/benches/hosted.py``; ``--quick`` for a look. Both sides are
measured in turn in the same run. Awake is the best of many short batches: who has met
a busy processor stays slow for a while, whichever side it is.
"""

from __future__ import annotations

import multiprocessing
import statistics
import sys
import time
from multiprocessing import managers as standard
from typing import Any

import sharevar.managers
import sharevar.standard

QUICK = "--quick" in sys.argv
BATCHES = 20 if QUICK else 100
CALLS = 1_000
SLEEPS = 30 if QUICK else 200
SLEEP = 0.02
ROUNDS = 3 if QUICK else 9
CALLS_TOGETHER = 2_000 if QUICK else 10_000

fork = multiprocessing.get_context("fork")


class Counter:
    """The object."""

    def __init__(self) -> None:
        self.count = 0

    def add(self, by: int) -> int:
        self.count += by
        return self.count


class Ours(sharevar.managers.BaseManager):
    pass


class Theirs(sharevar.standard.BaseManager):
    pass


class PlainProxy(sharevar.standard.BaseProxy):
    """As plain Python has it; our base would find the standard wire by itself."""

    _exposed_ = ("add",)

    def add(self, by: int) -> Any:
        return self._callmethod("add", (by,))


class OurProxy(standard.BaseProxy):
    """The same."""

    _exposed_ = ("add",)

    def add(self, by: int) -> Any:
        return self._callmethod("add", (by,))


Ours.register("Counter", Counter, OurProxy)
Theirs.register("Counter", Counter, PlainProxy)


def batch(counter: Any) -> float:
    """Microseconds for a call."""
    begin = time.perf_counter_ns()
    for _ in range(CALLS):
        counter.add(1)
    return (time.perf_counter_ns() - begin) / CALLS / 1000


def awake(counters: tuple[Any, ...]) -> list[float]:
    batches: list[list[float]] = [[] for _ in counters]
    for _ in range(BATCHES):
        for counter, samples in zip(counters, batches, strict=True):
            samples.append(batch(counter))
    return [min(samples) for samples in batches]


def after_sleep(counters: tuple[Any, ...]) -> list[float]:
    taken: list[list[float]] = [[] for _ in counters]
    for _ in range(SLEEPS):
        for counter, samples in zip(counters, taken, strict=True):
            time.sleep(SLEEP)
            begin = time.perf_counter_ns()
            counter.add(1)
            samples.append((time.perf_counter_ns() - begin) / 1000)
    return [statistics.median(samples) for samples in taken]


def call_many(counter: Any, start: Any, done: Any) -> None:
    counter.add(1)
    start.wait()
    for _ in range(CALLS_TOGETHER):
        counter.add(1)
    done.wait()


def together(counters: tuple[Any, ...], clients: int) -> list[float]:
    """Thousands of calls a second, of so many client processes at once."""
    rates: list[list[float]] = [[] for _ in counters]
    for _ in range(ROUNDS):
        for counter, samples in zip(counters, rates, strict=True):
            start, done = fork.Barrier(clients + 1), fork.Barrier(clients + 1)
            children = [
                fork.Process(target=call_many, args=(counter, start, done))
                for _ in range(clients)
            ]
            for child in children:
                child.start()
            start.wait()
            begin = time.perf_counter()
            done.wait()
            samples.append(clients * CALLS_TOGETHER / (time.perf_counter() - begin) / 1000)
            for child in children:
                child.join()
    return [max(samples) for samples in rates]


def show(name: str, ours: float, theirs: float, ratio: float, bound: str) -> None:
    print(f"{name:<42} {ours:>9.1f} {theirs:>9.1f} {ratio:>6.2f} {bound:>7}")


def main() -> None:
    with Ours() as our_manager, Theirs() as their_manager:
        counters = our_manager.Counter(), their_manager.Counter()
        assert counters[0]._hosted
        assert not hasattr(counters[1], "_hosted")
        title = "a call of a hosted object"
        print(f"{title:<42} {'ours':>9} {'standard':>9} {'ratio':>6} {'bound':>7}")
        ours, theirs = awake(counters)
        show("awake, microseconds", ours, theirs, theirs / ours, ">= 3")
        ours, theirs = after_sleep(counters)
        show("after 20 ms of sleep, microseconds", ours, theirs, theirs / ours, ">= 1")
        for clients in (1, 2, 4):
            ours, theirs = together(counters, clients)
            bound = ">= 3" if clients == 2 else ""
            name = f"{clients} clients, thousand calls a second"
            show(name, ours, theirs, ours / theirs, bound)


if __name__ == "__main__":
    main()
