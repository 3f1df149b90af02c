"""What a call of a hosted object costs, beside the standard library's manager.

Run as ``python python/benches/hosted.py``; ``--quick`` for a look. Both sides are
measured in turn in the same run. Awake is the best of many short batches: who has met
a busy processor stays slow for a while, whichever side it is.
"""

from __future__ import annotations

import asyncio
import copy
import multiprocessing
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from multiprocessing import managers as standard
from typing import Any, ClassVar

import sharevar.managers
from sharevar._variables import standard as originals

QUICK = "--quick" in sys.argv
BATCHES = 20 if QUICK else 100
CALLS = 1_000
SLEEPS = 30 if QUICK else 200
SLEEP = 0.02
ROUNDS = 3 if QUICK else 9
CALLS_TOGETHER = 2_000 if QUICK else 10_000
ITEMS = 2_000 if QUICK else 10_000
# Calls that are awaited at the same time.
AT_ONCE = 20
# Calls with one message.
IN_BATCH = 100

fork = multiprocessing.get_context("fork")


class Counter:
    """The object."""

    def __init__(self) -> None:
        self.count = 0

    def add(self, by: int) -> int:
        self.count += by
        return self.count

    def numbers(self, end: int) -> Iterator[int]:
        return iter(range(end))


class Ours(sharevar.managers.BaseManager):
    pass


class Theirs(originals.BaseManager):
    pass


class PlainProxy(originals.BaseProxy):
    """As plain Python has it; our base would find the standard wire by itself."""

    _exposed_ = ("add", "numbers")
    _method_to_typeid_: ClassVar = {"numbers": "Iterator"}

    def add(self, by: int) -> Any:
        return self._callmethod("add", (by,))

    def numbers(self, end: int) -> Any:
        return self._callmethod("numbers", (end,))


class PlainIterator(originals.BaseProxy):
    """As plain Python has it, which asks for each item."""

    _exposed_ = ("__next__",)

    def __iter__(self) -> Any:
        return self

    def __next__(self) -> Any:
        return self._callmethod("__next__")


class OurProxy(standard.BaseProxy):
    """The same."""

    _exposed_ = ("add", "numbers")

    def add(self, by: int) -> Any:
        return self._callmethod("add", (by,))

    def numbers(self, end: int) -> Any:
        return self._callmethod("numbers", (end,))


Ours.register("Counter", Counter, OurProxy)
Theirs.register("Counter", Counter, PlainProxy)
Theirs.register("Iterator", proxytype=PlainIterator, create_method=False)


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


def thousands_a_second(count: int, *alternatives: Callable[[], Any]) -> list[float]:
    """The most of some rounds in turn; each function makes so many."""
    best = [0.0 for _ in alternatives]
    for _ in range(ROUNDS):
        for place, run in enumerate(alternatives):
            begin = time.perf_counter()
            run()
            best[place] = max(best[place], count / (time.perf_counter() - begin) / 1000)
    return best


def iterate(counter: Any) -> None:
    for _ in counter.numbers(ITEMS):
        pass


def call(counter: Any) -> None:
    for _ in range(CALLS):
        counter.add(1)


def call_in_batches(counter: Any) -> None:
    for _ in range(CALLS // IN_BATCH):
        with counter._batch() as batch:
            for _ in range(IN_BATCH):
                batch.add(1)


def await_calls(adders: list[Callable[[int], Awaitable[Any]]]) -> None:
    """All calls, so many at once as there are functions."""

    async def some(add: Callable[[int], Awaitable[Any]]) -> None:
        for _ in range(CALLS // len(adders)):
            await add(1)

    async def main() -> None:
        await asyncio.gather(*map(some, adders))

    asyncio.run(main())


def in_thread(counter: Any) -> Callable[[int], Awaitable[Any]]:
    """How plain calls are awaited."""
    return lambda by: asyncio.to_thread(counter.add, by)


def show(name: str, ours: float, theirs: float, ratio: float, bound: str) -> None:
    print(f"{name:<46} {ours:>9.1f} {theirs:>9.1f} {ratio:>6.2f} {bound:>7}")


def main() -> None:
    with Ours() as our_manager, Theirs() as their_manager:
        counters = our_manager.Counter(), their_manager.Counter()
        assert counters[0]._hosted
        assert not hasattr(counters[1], "_hosted")
        title = "a call of a hosted object"
        print(f"{title:<46} {'ours':>9} {'standard':>9} {'ratio':>6} {'bound':>7}")
        ours, theirs = awake(counters)
        show("awake, microseconds", ours, theirs, theirs / ours, ">= 3")
        ours, theirs = after_sleep(counters)
        show("after 20 ms of sleep, microseconds", ours, theirs, theirs / ours, ">= 1")
        for clients in (1, 2, 4):
            ours, theirs = together(counters, clients)
            bound = ">= 3" if clients == 2 else ""
            name = f"{clients} clients, thousand calls a second"
            show(name, ours, theirs, ours / theirs, bound)
        our, their = counters
        ours, theirs = thousands_a_second(ITEMS, lambda: iterate(our), lambda: iterate(their))
        show("items of an iterator, thousand a second", ours, theirs, ours / theirs, "")
        for at_once in (1, AT_ONCE):
            copies = [copy.copy(our) for _ in range(at_once)]
            ours, theirs = thousands_a_second(
                CALLS,
                lambda copies=copies: await_calls([one.add_async for one in copies]),
                lambda at_once=at_once: await_calls([in_thread(their)] * at_once),
            )
            name = f"awaited, {at_once} at once, thousand calls a second"
            show(name, ours, theirs, ours / theirs, "")
        ours, single, theirs = thousands_a_second(
            CALLS, lambda: call_in_batches(our), lambda: call(our), lambda: call(their)
        )
        name = f"{IN_BATCH} with one message, thousand calls a second"
        show(name, ours, theirs, ours / theirs, "")
        print(f"    beside single calls of ours {single:>24.1f} {ours / single:>16.2f}")


if __name__ == "__main__":
    main()
