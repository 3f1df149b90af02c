"""What a name costs: ratios to the same without one, and how long a dump holds up a writer.

``python python/benches/names.py``. Medians of interleaved rounds, so that other work on the
machine meets both sides alike.
"""

from __future__ import annotations

import multiprocessing
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from typing import Any

import sharevar

ROUNDS = 15
MANAGERS = 1000
ENTRIES = 1_000_000


def ratio(
    of: Callable[[], Any], to: Callable[[], Any], turns: int
) -> tuple[float, float, float]:
    """The median of the ratios of each round, and the medians in microseconds."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS):
        for operation, taken in zip((of, to), times, strict=True):
            begin = time.perf_counter()
            for _ in range(turns):
                operation()
            taken.append((time.perf_counter() - begin) / turns * 1e6)
    ratios = [one / other for one, other in zip(*times, strict=True)]
    return statistics.median(ratios), *map(statistics.median, times)


def show(what: str, bound: float, measured: tuple[float, float, float]) -> None:
    found, of, to = measured
    print(f"{what:44} {found:5.2f}, bound {bound:4.2f}   ({of:.2f} µs to {to:.2f} µs)")


def write(name: str, is_over: Any, gaps: Any) -> None:
    """Change one key after the other, and tell the longest times that a change took."""
    table = sharevar.attach(name)["table"]
    longest: list[float] = []
    number = 0
    while not is_over.is_set():
        begin = time.perf_counter()
        table[number % ENTRIES] = number
        longest.append(time.perf_counter() - begin)
        number += 1
        if len(longest) > 10_000:
            longest = sorted(longest)[-10:]
    gaps.put((number, sorted(longest)[-10:]))


def longest_changes(name: str, during: Callable[[], Any]) -> tuple[float, int, list[float]]:
    """How long `during` took, how many changes were made meanwhile, and their longest."""
    context = multiprocessing.get_context("spawn")
    is_over, gaps = context.Event(), context.Queue()
    writer = context.Process(target=write, args=(name, is_over, gaps))
    writer.start()
    table = sharevar.attach(name)["table"]
    before = table[0]
    while table[0] == before:
        time.sleep(0.001)
    begin = time.perf_counter()
    during()
    taken = time.perf_counter() - begin
    is_over.set()
    number, longest = gaps.get()
    writer.join()
    return taken, number, longest


def main() -> None:
    name = f"bench-{os.getpid()}"
    named, plain = sharevar.Manager(name=name), sharevar.Manager()
    of, to = named.dict(name="d", a=1), plain.dict(a=1)
    show("dict, get", 1.05, ratio(lambda: of["a"], lambda: to["a"], 20_000))
    show(
        "dict, set",
        1.05,
        ratio(lambda: of.__setitem__("a", 2), lambda: to.__setitem__("a", 2), 20_000),
    )
    items, others = named.list([1], name="l"), plain.list([1])
    show("list, get", 1.05, ratio(lambda: items[0], lambda: others[0], 20_000))
    show("attach to Manager()", 2.0, ratio(lambda: sharevar.attach(name), sharevar.Manager, 50))

    held = [sharevar.Manager(name=f"{name}-{n}", capacity=1 << 20) for n in range(MANAGERS)]
    times = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        found = sharevar.manager_names()
        times.append(time.perf_counter() - begin)
    assert len(found) > len(held)
    print(f"{MANAGERS} managers listed in {statistics.median(times) * 1e3:.1f} ms, bound 100")
    del held

    table = named.dict(name="table")
    table.update({number: number for number in range(ENTRIES)})
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "table.dump")
        taken, number, quiet = longest_changes(name, lambda: time.sleep(1))
        print(f"without a dump: {number} changes, the longest {quiet[-1] * 1e3:.2f} ms")
        taken, number, loud = longest_changes(name, lambda: named.dump(path))
        size = os.path.getsize(path) / 1e6
        print(
            f"a dump of {ENTRIES} entries, {size:.0f} MB in {taken:.2f} s: {number} changes "
            f"meanwhile, the longest {loud[-1] * 1e3:.2f} ms, then "
            + ", ".join(f"{one * 1e3:.2f}" for one in loud[-2:-6:-1])
            + "; bound 10"
        )


if __name__ == "__main__":
    main()
