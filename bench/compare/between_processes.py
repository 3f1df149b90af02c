"""Costs of two processes with one object: a queue from one to the other, and counts of both."""

from __future__ import annotations

import multiprocessing
import statistics
import time
from typing import Any

from .loops import Result, compile_loop, describe, evaluate
from .rival import MIDDLE, Rival

fork = multiprocessing.get_context("fork")

ROUNDS = 5
NUMBERS = 2_000
LONG_ITEMS = 200
ADDITIONS = 2_000
# By both processes, in all rounds.
ADDED = 2 * ADDITIONS * ROUNDS
# A process that does not come so far is ended, and the failure is told.
MOST_SECONDS = 30


def produce(rival: Rival, barrier: Any, thing: Any, count: int) -> None:
    put = rival.operations()["put"]
    loop = compile_loop(put.code, {**put.names, "thing": thing})
    barrier.wait()
    loop([0], count)


def consume(rival: Rival, barrier: Any, expected: Any, count: int, answers: Any) -> None:
    get = rival.operations()["get"]
    loop = compile_loop(get.code, get.names)
    barrier.wait()
    start = time.perf_counter()
    loop([0], count - 1)
    got = evaluate("got", get.code, get, 0)
    taken = time.perf_counter() - start
    if isinstance(expected, int) and isinstance(got, bytes):
        got = int(got)
    answers.put(taken / count if got == expected else f"wrong: {str(got)[:40]}")


def add(rival: Rival, barrier: Any, answers: Any) -> None:
    operation = rival.operations()["add"]
    loop = compile_loop(operation.code, operation.names)
    barrier.wait()
    start = time.perf_counter()
    loop([0], ADDITIONS)
    answers.put((time.perf_counter() - start) / ADDITIONS)


def run(*targets: Any) -> None:
    """Runs both processes to their ends."""
    processes = [fork.Process(target=target, args=arguments) for target, *arguments in targets]
    for process in processes:
        process.start()
    end = time.monotonic() + MOST_SECONDS
    for process in processes:
        process.join(max(0, end - time.monotonic()))
    hung = [process for process in processes if process.is_alive()]
    for process in hung:
        process.kill()
        process.join()
    if hung:
        raise TimeoutError(f"not done after {MOST_SECONDS} s")
    if any(process.exitcode for process in processes):
        raise RuntimeError("a process has failed")


def stream(rival: Rival, thing: Any, count: int) -> Result:
    """The cost of an item that goes from one process to another."""
    times = []
    for _ in range(ROUNDS):
        barrier, answers = fork.Barrier(2), fork.Queue()
        try:
            run(
                (produce, rival, barrier, thing, count),
                (consume, rival, barrier, thing, count, answers),
            )
            answer = answers.get(timeout=MOST_SECONDS)
        except Exception as error:
            return Result(failure=describe(error))
        if isinstance(answer, str):
            return Result(failure=answer)
        times.append(answer)
    return Result(statistics.median(times) * 1e9, min(times) * 1e9)


def add_together(rival: Rival) -> tuple[Result, int]:
    """The cost of an addition beside another process that adds, and how many are lost."""
    operation = rival.operations()["add"]
    assert operation.result is not None
    times, lost = [], 0
    for _ in range(ROUNDS):
        before = evaluate(operation.result, "pass", operation, 0)
        barrier, answers = fork.Barrier(2), fork.SimpleQueue()
        try:
            run((add, rival, barrier, answers), (add, rival, barrier, answers))
            times += [answers.get(), answers.get()]
        except Exception as error:
            return Result(failure=describe(error)), 0
        lost += 2 * ADDITIONS - (evaluate(operation.result, "pass", operation, 0) - before)
    return Result(statistics.median(times) * 1e9, min(times) * 1e9), lost


def streams(rivals: list[Rival]) -> dict[str, dict[str, Result]]:
    having = [rival for rival in rivals if "put" in rival.operations()]
    return {
        "an int": {rival.name: stream(rival, 7, NUMBERS) for rival in having},
        "64 KiB": {rival.name: stream(rival, MIDDLE, LONG_ITEMS) for rival in having},
    }


def counts(rivals: list[Rival]) -> tuple[dict[str, Result], dict[str, int]]:
    """The additions of two processes, and how many each library loses."""
    results, lost = {}, {}
    for rival in rivals:
        # A count of one process is no rival.
        if "add" in rival.operations() and rival.name != "one process":
            results[rival.name], lost[rival.name] = add_together(rival)
    return results, lost
