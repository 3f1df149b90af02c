"""The cost of a get in a dict of few and of many entries, beside a local dict of as many."""

from __future__ import annotations

import concurrent.futures
import itertools
import random
import statistics
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import sharevar

from . import in_rust
from .between_processes import fork
from .loops import ROUNDS, Result, describe
from .table import Table

SIZES = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)
# Both dicts, their keys and those that are asked for.
BYTES_OF_AN_ENTRY = 500
GETS_OF_A_ROUND = 50_000
# More keys than any cache has room for the entries of.
MOST_KEYS_ASKED = 1_000_000

Asked = list[tuple[str, int]]


def available_bytes() -> int:
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return 0


def get_all(entries: Any, asked: Iterable[tuple[str, int]]) -> int:
    wrong = 0
    for key, number in asked:
        if entries[key] != number:
            wrong += 1
    return wrong


def walk(asked: Iterable[tuple[str, int]]) -> None:
    for _key, number in asked:
        if number != number:
            raise AssertionError


def measure(count: int) -> dict[str, tuple[float, float]]:
    """Both dicts with so many entries, in interleaved rounds: the median and the best."""
    shared = sharevar.Manager().dict()
    local: dict[str, int] = {}
    for first in range(0, count, 100_000):
        part = {f"key {number}": number for number in range(first, min(count, first + 100_000))}
        shared.update(part)
        local.update(part)
    generator = random.Random(1)
    numbers = [generator.randrange(count) for _ in range(min(count, MOST_KEYS_ASKED))]
    # Other strs than those in the dict, as a program has them that reads keys from elsewhere.
    asked = itertools.cycle([(f"key {number}", number) for number in numbers])
    times: dict[str, list[float]] = {"sharevar": [], "one process": [], "loop": []}
    for _ in range(ROUNDS):
        part_asked = list(itertools.islice(asked, GETS_OF_A_ROUND))
        for name, entries in (("sharevar", shared), ("one process", local)):
            start = time.perf_counter()
            wrong = get_all(entries, part_asked)
            times[name].append((time.perf_counter() - start) / GETS_OF_A_ROUND * 1e9)
            if wrong:
                raise ValueError(f"wrong: {wrong} of {GETS_OF_A_ROUND} values in {name}")
        start = time.perf_counter()
        walk(part_asked)
        times["loop"].append((time.perf_counter() - start) / GETS_OF_A_ROUND * 1e9)
    loop = min(times.pop("loop"))
    return {
        name: (statistics.median(taken) - loop, min(taken) - loop)
        for name, taken in times.items()
    }


def row(count: int, program: Path | None) -> dict[str, Result]:
    """Both languages, each in a process of its own, which gives the memory back."""
    results = {}
    try:
        with concurrent.futures.ProcessPoolExecutor(1, mp_context=fork) as pool:
            for name, both in pool.submit(measure, count).result().items():
                results[name] = Result(*both)
    except Exception as error:
        results["sharevar"] = Result(failure=describe(error))
    if program is not None:
        try:
            document = in_rust.run(program, "growth", str(count))
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            results["sharevar, Rust"] = Result(failure=describe(error))
        else:
            for name, result in document.items():
                results[f"{name}, Rust"] = Result(**result)
    return results


def compare_growth(rows: dict[str, dict[str, Result]]) -> list[str]:
    """By how much a get takes longer than at the smallest size, by the best rounds."""
    first, *others = rows
    notes = []
    for language in ("", ", Rust"):

        def best(name: str, size: str, language: str = language) -> float | None:
            return rows[size].get(f"{name}{language}", Result()).best

        for size in others:
            ours, ours_first = best("sharevar", size), best("sharevar", first)
            local, local_first = best("one process", size), best("one process", first)
            if not (ours and ours_first and local and local_first):
                continue
            notes.append(
                f"{size}{language}: sharevar takes {ours / local:.2f} times what a local dict"
                f" takes. It has risen to {ours / ours_first:.2f} times its cost with {first},"
                f" and the local one to {local / local_first:.2f} times; its rise in ns is"
                f" {(ours - ours_first) / (local - local_first):.2f} times the other's."
            )
    return notes


def measure_growth(program: Path | None) -> Table:
    room = available_bytes()
    rows = {
        f"{count:,} entries": row(count, program)
        for count in SIZES
        if count * BYTES_OF_AN_ENTRY < room
    }
    table = Table("growth", "A get of a key in no order, in a dict of many entries", rows)
    table.notes = compare_growth(rows)
    if len(rows) < len(SIZES):
        table.notes.append(f"no memory for {SIZES[len(rows)]:,} entries")
    return table
