"""What single operations cost, next to a local dict's, list's and multiprocessing.Lock's.

Run as ``python python/benches/operations.py``. Each pair runs interleaved in the same
process; the loop itself is measured beside them and subtracted; medians.
"""

from __future__ import annotations

import multiprocessing
import statistics
import time
from collections.abc import Callable
from typing import Any

from sharevar._native import Arena, Dict, List, Lock, Value

REPEATS = 61
STEPS = 10_000

KEYS = [f"key{number}" for number in range(100)] * (STEPS // 100)
PLACES = [number % 1000 for number in range(STEPS)]


def loop(_: Any) -> None:
    for _key in KEYS:
        pass


def get(container: Any) -> None:
    for key in KEYS:
        container[key]


def set_(container: Any) -> None:
    for key in KEYS:
        container[key] = 7


def method_get(container: Any) -> None:
    for key in KEYS:
        container.get(key)


def contains(container: Any) -> None:
    for key in KEYS:
        _ = key in container


def get_text(container: Any) -> None:
    for _ in KEYS:
        container["text"]


def index(container: Any) -> None:
    for place in PLACES:
        container[place]


def assign(container: Any) -> None:
    for place in PLACES:
        container[place] = 7


def append(container: Any) -> None:
    for _ in KEYS:
        container.append(7)


def pop(container: Any) -> None:
    for _ in KEYS:
        container.pop()


def call_lock(lock: Any) -> None:
    for _ in KEYS:
        lock.acquire()
        lock.release()


def with_lock(lock: Any) -> None:
    for _ in KEYS:
        with lock:
            pass


def seconds(work: Callable[[Any], None], subject: Any) -> float:
    start = time.perf_counter()
    work(subject)
    return time.perf_counter() - start


def main() -> None:
    """Print the table."""
    arena = Arena(256 << 20)
    dicts = Dict(arena), {}
    lists = List(arena), []
    for shared_or_local in dicts:
        for key in KEYS[:100]:
            shared_or_local[key] = 1
        shared_or_local["text"] = "a text of some twenty bytes"
    for shared_or_local in lists:
        shared_or_local.extend(range(1000))
    growing = List(arena), []
    locks = Lock(arena), multiprocessing.Lock()
    rows = [
        ("dict get int", get, dicts, 2.5),
        ("dict set int", set_, dicts, 3.0),
        ("dict .get() int", method_get, dicts, None),
        ("key in dict", contains, dicts, None),
        ("dict get 27 byte str", get_text, dicts, None),
        ("list index", index, lists, 3.0),
        ("list assign", assign, lists, None),
        ("list append", append, growing, 4.0),
        ("list pop", pop, growing, None),
        ("lock acquire, release", call_lock, locks, 1.2),
        ("with lock", with_lock, locks, None),
    ]
    times: dict[str, tuple[list[float], list[float], list[float]]] = {}
    for _ in range(REPEATS):
        for name, work, (shared, local), _limit in rows:
            of_shared, of_local, of_loop = times.setdefault(name, ([], [], []))
            of_loop.append(seconds(loop, None))
            of_shared.append(seconds(work, shared))
            of_local.append(seconds(work, local))
    print(f"{'ns per operation':24}{'shared':>8}{'local':>8}{'ratio':>8}{'limit':>8}")
    for name, _work, _subjects, limit in rows:
        shared_time, local_time, loop_time = (
            statistics.median(column) / STEPS * 1e9 for column in times[name]
        )
        shared_time -= loop_time
        local_time -= loop_time
        ratio = shared_time / local_time
        shown = "" if limit is None else f"{limit:.1f}"
        print(f"{name:24}{shared_time:8.1f}{local_time:8.1f}{ratio:8.2f}{shown:>8}")
    value = Value(arena, 0)
    start = time.perf_counter()
    for _ in range(STEPS):
        value.incr()
    print(f"{'value incr':24}{(time.perf_counter() - start) / STEPS * 1e9:8.1f}")


if __name__ == "__main__":
    main()
