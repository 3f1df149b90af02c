"""One and two processes that read the same dict at once, and a local one each."""

from __future__ import annotations

import itertools
import multiprocessing.connection
import statistics
import subprocess
import time
from pathlib import Path
from typing import Any, NamedTuple

import sharevar

from . import in_rust
from .between_processes import fork
from .loops import Result, describe
from .table import Table

KEYS = [(f"key {number}", number) for number in range(1_000)]
ROUNDS = 15
SECONDS_OF_A_ROUND = 0.1
# A look at the clock costs as much as some gets.
GETS_BETWEEN_LOOKS = 10 * len(KEYS)
# A reader that has not answered by then has died or hangs.
MOST_SECONDS = 30

# The nanoseconds of a get by the clock, and of the processor's time.
Times = tuple[float, float]


class Rounds(NamedTuple):
    one: list[Times]
    two: list[tuple[Times, Times]]


def read(entries: Any) -> Times:
    gets, start, used = 0, time.perf_counter(), time.thread_time()
    while time.perf_counter() - start < SECONDS_OF_A_ROUND:
        for key, number in itertools.chain.from_iterable(itertools.repeat(KEYS, 10)):
            if entries[key] != number:
                raise ValueError(f"wrong: {key}")
        gets += GETS_BETWEEN_LOOKS
    return (
        (time.perf_counter() - start) / gets * 1e9,
        (time.thread_time() - used) / gets * 1e9,
    )


def read_when_asked(shared: Any, pipe: multiprocessing.connection.Connection) -> None:
    """A reader: a round whenever it is told of which dict, until it is told of none."""
    dicts = {"sharevar": shared, "one process": dict(shared.items())}
    while (name := pipe.recv()) is not None:
        pipe.send(read(dicts[name]))


def answer(pipe: multiprocessing.connection.Connection) -> Times:
    if not pipe.poll(MOST_SECONDS):
        raise TimeoutError("a reader does not answer")
    times: Times = pipe.recv()
    return times


def in_python() -> dict[str, Rounds]:
    shared = sharevar.Manager().dict(KEYS)
    pipes, processes = [], []
    for _ in range(2):
        ours, theirs = fork.Pipe()
        process = fork.Process(target=read_when_asked, args=(shared, theirs), daemon=True)
        process.start()
        theirs.close()
        pipes.append(ours)
        processes.append(process)
    results = {name: Rounds([], []) for name in ("sharevar", "one process")}
    try:
        for _ in range(ROUNDS):
            for name, rounds in results.items():
                for pipe in pipes:
                    pipe.send(name)
                    rounds.one.append(answer(pipe))
                for pipe in pipes:
                    pipe.send(name)
                rounds.two.append((answer(pipes[0]), answer(pipes[1])))
        for pipe in pipes:
            pipe.send(None)
    finally:
        for process in processes:
            process.join(1)
            process.kill()
    return results


def together(both: tuple[Times, Times]) -> float:
    """The nanoseconds of a get where either reader's gets count."""
    (first, _), (second, _) = both
    return 1 / (1 / first + 1 / second)


def compare(name: str, rounds: Rounds) -> str:
    one = min(clock for clock, _ in rounds.one)
    two = min(map(together, rounds.two))
    alone = statistics.median(processor for _, processor in rounds.one)
    beside = statistics.median(processor for both in rounds.two for _, processor in both)
    return (
        f"{name}: two readers make {one / two:.2f} times the gets of one by the clock (best"
        f" rounds), {2 * alone / beside:.2f} times by the processor's time (medians)"
    )


def measure_readers(program: Path | None) -> Table:
    table = Table(
        "readers",
        "A get by one and by two processes at once",
        {"one reader": {}, "two readers, either's gets": {}},
        # Its notes are the result.
        has_plot=False,
    )
    one, two = table.rows.values()
    everything: dict[str, Rounds] = {}
    try:
        everything.update(in_python())
    except Exception as error:
        one["sharevar"] = Result(failure=describe(error))
    if program is not None:
        try:
            for name, rounds in in_rust.run(program, "readers").items():
                everything[f"{name}, Rust"] = Rounds(**rounds)
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            one["sharevar, Rust"] = Result(failure=describe(error))
    for name, rounds in everything.items():
        for row, times in (
            (one, [clock for clock, _ in rounds.one]),
            (two, [together(both) for both in rounds.two]),
        ):
            row[name] = Result(statistics.median(times), min(times))
        table.notes.append(compare(name, rounds))
    return table
