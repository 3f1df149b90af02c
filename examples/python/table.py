"""The small table: sharevar, plain objects and `multiprocessing.Manager`, side by side.

    python examples/python/table.py [--quick]

Every row runs the same source text on every side, compiled anew for each, so that no
side profits from what the interpreter learnt on another. The empty loop is
subtracted; keys are made before; repeats are interleaved, and medians shown. One
process, except for the last row.
"""

import multiprocessing
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import sharevar

KEYS = [f"key {number}" for number in range(100)]
INDEXES = list(range(100))

EMPTY = "pass"
GET = "subject[item]"
SET = "subject[item] = 7"
APPEND = "subject.append(7)"
ACQUIRE_RELEASE = "lock.acquire(); lock.release()"
INCREMENT_ENTRY = "lock.acquire(); subject['n'] = subject['n'] + 1; lock.release()"
INCREMENT_VALUE = "lock.acquire(); subject.value = subject.value + 1; lock.release()"


class Side(NamedTuple):
    """What a row's statement runs on."""

    subject: Any
    lock: Any
    rounds: int


class Row(NamedTuple):
    """One line of the table."""

    name: str
    statement: str
    items: list[Any]
    promise: str
    make_sides: Callable[[], dict[str, Side]]


def compile_loop(statement: str) -> Callable[..., None]:
    source = (
        "def loop(subject, lock, items, rounds):\n"
        "    for _ in rounds:\n"
        "        for item in items:\n"
        f"            {statement}\n"
    )
    namespace: dict[str, Any] = {}
    exec(source, namespace)
    return namespace["loop"]


def nanoseconds(loop: Callable[..., None], side: Side, items: list[Any]) -> float:
    rounds = range(side.rounds)
    start = time.perf_counter_ns()
    loop(side.subject, side.lock, items, rounds)
    return (time.perf_counter_ns() - start) / (side.rounds * len(items))


def measure(row: Row, repeats: int) -> dict[str, float]:
    """The median of each side, with fresh subjects in each repeat."""
    loops = {name: compile_loop(row.statement) for name in row.make_sides()}
    empty = compile_loop(EMPTY)
    empty_side = Side(None, None, 200)
    samples: dict[str, list[float]] = {name: [] for name in loops}
    for _ in range(repeats):
        for name, side in row.make_sides().items():
            gross = nanoseconds(loops[name], side, row.items)
            samples[name].append(gross - nanoseconds(empty, empty_side, row.items))
    return {name: statistics.median(taken) for name, taken in samples.items()}


def increment(subject: Any, lock: Any, times: int, barrier: Any) -> None:
    barrier.wait()
    for _ in range(times):
        with lock:
            subject["n"] = subject["n"] + 1


def increment_value(subject: Any, lock: Any, times: int, barrier: Any) -> None:
    barrier.wait()
    for _ in range(times):
        with lock:
            subject.value = subject.value + 1


def both_at_once(
    work: Callable[..., None], subject: Any, lock: Any, times: int
) -> float:
    """Two processes increment under the lock at once; nanoseconds for each increment."""
    barrier = multiprocessing.Barrier(3)
    processes = [
        multiprocessing.Process(target=work, args=(subject, lock, times, barrier))
        for _ in range(2)
    ]
    for process in processes:
        process.start()
    barrier.wait()
    start = time.perf_counter_ns()
    for process in processes:
        process.join()
    return (time.perf_counter_ns() - start) / (2 * times)


def rows(ours: Any, theirs: Any, quick: bool) -> list[Row]:
    fast, slow = (20, 1) if quick else (200, 3)

    def filled_dicts() -> dict[str, Side]:
        contents = dict.fromkeys(KEYS, 5)
        return {
            "sharevar": Side(ours.dict(contents), None, fast),
            "plain": Side(dict(contents), None, fast),
            "Manager": Side(theirs.dict(contents), None, slow),
        }

    def filled_lists() -> dict[str, Side]:
        return {
            "sharevar": Side(ours.list(INDEXES), None, fast),
            "plain": Side(list(INDEXES), None, fast),
            "Manager": Side(theirs.list(INDEXES), None, slow),
        }

    def empty_lists() -> dict[str, Side]:
        return {
            "sharevar": Side(ours.list(), None, fast),
            "plain": Side([], None, fast),
            "Manager": Side(theirs.list(), None, slow),
        }

    def locks() -> dict[str, Side]:
        return {
            "sharevar": Side(None, sharevar.Lock(), fast),
            "plain": Side(None, multiprocessing.Lock(), fast),
            "Manager": Side(None, theirs.Lock(), slow),
        }

    def locked_dicts() -> dict[str, Side]:
        return {
            "sharevar": Side(ours.dict(n=0), sharevar.Lock(), fast),
            "plain": Side({"n": 0}, multiprocessing.Lock(), fast),
            "Manager": Side(theirs.dict(n=0), theirs.Lock(), slow),
        }

    def locked_values() -> dict[str, Side]:
        return {
            "sharevar": Side(sharevar.RawValue("q", 0), sharevar.Lock(), fast),
            "plain": Side(
                multiprocessing.RawValue("q", 0), multiprocessing.Lock(), fast
            ),
            "Manager": Side(theirs.Value("q", 0), theirs.Lock(), slow),
        }

    def locked_boxes() -> dict[str, Side]:
        return {
            "sharevar": Side(ours.Value("q", 0), sharevar.Lock(), fast),
            "plain": Side(
                multiprocessing.RawValue("q", 0), multiprocessing.Lock(), fast
            ),
            "Manager": Side(theirs.Value("q", 0), theirs.Lock(), slow),
        }

    return [
        Row("dict get int", GET, KEYS, "2.5", filled_dicts),
        Row("dict set int", SET, KEYS, "3", filled_dicts),
        Row("list index", GET, INDEXES, "3", filled_lists),
        Row("list append", APPEND, INDEXES, "4", empty_lists),
        Row("Lock acquire + release", ACQUIRE_RELEASE, INDEXES, "1.2", locks),
        Row("locked +1 of a dict entry", INCREMENT_ENTRY, INDEXES, "", locked_dicts),
        Row("locked +1 of a box", INCREMENT_VALUE, INDEXES, "1.2", locked_boxes),
        Row("locked +1 of a ctypes value", INCREMENT_VALUE, INDEXES, "1.2", locked_values),
    ]


def two_processes(ours: Any, theirs: Any, quick: bool) -> dict[str, float]:
    many, few = (5_000, 100) if quick else (100_000, 1_000)
    shared, plain, served = ours.dict(n=0), multiprocessing.RawValue("q", 0), theirs.dict(n=0)
    taken = {
        "sharevar": both_at_once(increment, shared, sharevar.Lock(), many),
        "plain": both_at_once(increment_value, plain, multiprocessing.Lock(), many),
        "Manager": both_at_once(increment, served, theirs.Lock(), few),
    }
    counts = (shared["n"], plain.value, served["n"])
    if counts != (2 * many, 2 * many, 2 * few):
        raise SystemExit(f"increments were lost: {counts} instead of {many} and {few}")
    print(f"two processes: all {shared['n']:,} increments under sharevar.Lock counted")
    return taken


def main() -> None:
    quick = "--quick" in sys.argv
    with sharevar.Manager() as ours, multiprocessing.Manager() as theirs:
        table = [
            (row.name, row.promise, measure(row, 3 if quick else 15))
            for row in rows(ours, theirs, quick)
        ]
        table.append(("locked +1, two processes", "", two_processes(ours, theirs, quick)))
    print()
    print("ns for each operation; 'plain' is a local object, or multiprocessing.Lock")
    print(
        f"{'operation':<28} {'sharevar':>9} {'plain':>9} {'ratio':>6} {'bound':>6}"
        f" {'Manager':>11} {'times faster':>13}"
    )
    for name, promise, taken in table:
        ours_taken, plain, served = taken["sharevar"], taken["plain"], taken["Manager"]
        print(
            f"{name:<28} {ours_taken:>9,.0f} {plain:>9,.0f} {ours_taken / plain:>6.2f}"
            f" {promise:>6} {served:>11,.0f} {served / ours_taken:>13,.0f}"
        )


if __name__ == "__main__":
    main()
