"""Interleaved rounds of compiled loops, and medians."""

from __future__ import annotations

import gc
import statistics
import textwrap
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from .groups import Row
from .rival import CONSTANTS, Operation

ROUNDS = 21
# A round of one library lasts about as long; all rounds of a slow operation, no longer than so.
SECONDS_OF_A_ROUND = 0.002
MOST_SECONDS = 4.0

Loop = Callable[[list[Any], int], None]


class Result(NamedTuple):
    """The cost of an operation, in nanoseconds; or the reason why there is no number."""

    median: float | None = None
    best: float | None = None
    failure: str | None = None


def compile_loop(code: str, names: dict[str, Any]) -> Loop:
    """A loop over items, in a function of its own, as the interpreter runs a user's."""
    # Names are cells of a function, which are read as fast as local variables.
    source = (
        f"def make({', '.join([*CONSTANTS, *names])}):\n"
        "    def loop(_items, _rounds):\n"
        "        for _ in range(_rounds):\n"
        "            for item in _items:\n"
        f"{textwrap.indent(code, ' ' * 16)}\n"
        "    return loop\n"
    )
    namespace: dict[str, Any] = {}
    exec(source, namespace)
    return namespace["make"](**CONSTANTS, **names)


def evaluate(expression: str, code: str, operation: Operation, item: Any) -> Any:
    """The value of an expression after the operation."""
    namespace = {**CONSTANTS, **operation.names, "item": item}
    exec(code, namespace)
    return eval(expression, namespace)


def seconds(loop: Loop, items: list[Any], rounds: int) -> float:
    start = time.perf_counter()
    loop(items, rounds)
    return time.perf_counter() - start


class Measured:
    """An operation of one library, while its rounds are made."""

    def __init__(self, row: Row, operation: Operation) -> None:
        self.row, self.operation = row, operation
        self.times: list[float] = []
        self.made = 0
        self.rounds = 1
        self.items = row.items
        self.failure: str | None = None
        try:
            self.loop = compile_loop(operation.code, operation.names)
            self.before = self.value("pass") if self.counts() else None
            first = self.run(1)
            if first * ROUNDS > MOST_SECONDS:
                # A tenth of the items is enough of what takes so long.
                self.items = row.items[:10]
            for _ in range(3):
                taken = self.run(self.rounds) / self.rounds
                self.rounds = max(1, int(SECONDS_OF_A_ROUND / max(taken, 1e-9)))
        except Exception as error:
            self.failure = describe(error)

    def counts(self) -> bool:
        return self.row.operation == "add"

    def value(self, code: str) -> Any:
        assert self.operation.result is not None
        return evaluate(self.operation.result, code, self.operation, self.items[-1])

    def run(self, rounds: int) -> float:
        self.made += rounds * len(self.items)
        return seconds(self.loop, self.items, rounds)

    def round(self) -> None:
        if self.failure is None:
            try:
                taken = self.run(self.rounds)
                self.times.append(taken / (self.rounds * len(self.items)))
            except Exception as error:
                self.failure = describe(error)

    def result(self, empty: float) -> Result:
        if self.failure is None:
            self.failure = self.wrong()
        if self.failure is not None:
            return Result(failure=self.failure)
        return Result(
            (statistics.median(self.times) - empty) * 1e9, (min(self.times) - empty) * 1e9
        )

    def wrong(self) -> str | None:
        """The fault of the value that the operation has read or stored."""
        try:
            if self.counts():
                given, expected = self.value("pass") - self.before, self.made
            elif self.operation.result is None:
                return None
            else:
                given, expected = self.value(self.operation.code), self.row.expected
        except Exception as error:
            return describe(error)
        if given == expected:
            return None
        return f"wrong: {str(given)[:40]} and not {str(expected)[:40]}"


def describe(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:120] if lines else ''}"


def measure(row: Row, operations: dict[str, Operation]) -> dict[str, Result]:
    """All libraries that have the operation, in turn."""
    empty = compile_loop("pass", {})
    measured = {name: Measured(row, operation) for name, operation in operations.items()}
    of_empty = []
    gc.collect()
    gc.disable()
    try:
        for _ in range(ROUNDS):
            of_empty.append(seconds(empty, row.items, 100) / (100 * len(row.items)))
            for each in measured.values():
                each.round()
    finally:
        gc.enable()
    loop = statistics.median(of_empty)
    return {name: each.result(loop) for name, each in measured.items()}
