"""Measures all libraries, prints tables, and writes them as JSON and as plots.

python -m compare --out FOLDER [--plots FOLDER] [--parts PART ...]
"""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import importlib
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from . import between_processes, build_rust, in_rust, start_up
from .groups import GROUPS
from .growth import measure_growth
from .loops import describe, measure
from .readers import measure_readers
from .rival import Rival
from .rivals import MODULES
from .table import Table, show

# Libraries for Python, libraries for Rust, and sharevar alone in both languages.
PARTS = ("python", "rust", "growth", "readers")
# A library that hangs must not hold up the run for ever.
MOST_SECONDS = 1200


def start_rivals(
    folder: Path, stack: contextlib.ExitStack
) -> tuple[list[Rival], dict[str, str]]:
    """The libraries that work here, and the others with their reasons."""
    rivals: list[Rival] = []
    missing: dict[str, str] = {}
    for name in MODULES:
        try:
            classes = importlib.import_module(f"compare.rivals.{name}").RIVALS
        except Exception as error:
            missing[name.removeprefix("of_")] = describe(error)
            continue
        for make in classes:
            rival = make()
            try:
                rival.start(folder)
            except Exception as error:
                missing[rival.name] = describe(error)
            else:
                stack.callback(rival.stop)
                rivals.append(rival)
    return rivals, missing


def measure_all(rivals: list[Rival]) -> list[Table]:
    operations = {rival.name: rival.operations() for rival in rivals}
    tables = []
    for group in GROUPS:
        rows = {}
        for row in group.rows:
            having = {
                name: each[row.operation]
                for name, each in operations.items()
                if row.operation in each
            }
            rows[row.operation] = measure(row, having)
        tables.append(Table(group.name, group.title, rows))
    tables.append(
        Table(
            "queues", "A queue from one process to another", between_processes.streams(rivals)
        )
    )
    results, lost = between_processes.counts(rivals)
    table = Table("counts", "Two processes add to one count", {"add, two at once": results})
    table.notes += [
        f"{name} lost {number:,} of {between_processes.ADDED:,} additions"
        for name, number in lost.items()
        if number
    ] or ["no library lost an addition"]
    tables.append(table)
    life = {"a whole program": start_up.measure_start_up()}
    tables.append(Table("start-up", "A program that sets and gets one entry, and ends", life))
    return tables


def measure_parts(
    parts: Sequence[str], program: Path | None
) -> tuple[list[Table], dict[str, str]]:
    """The tables, and the libraries that are missing in them."""
    tables: list[Table] = []
    missing: dict[str, str] = {}
    if "python" in parts:
        with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
            rivals, missing = start_rivals(Path(folder), stack)
            tables += measure_all(rivals)
    # The others' servers have ended by now.
    if "rust" in parts and program is not None:
        table, not_started = in_rust.operations(program)
        missing |= not_started
        tables.append(table)
    if "growth" in parts:
        tables.append(measure_growth(program))
    if "readers" in parts:
        tables.append(measure_readers(program))
    return tables, missing


def machine() -> dict[str, str]:
    model = "unknown"
    with contextlib.suppress(OSError), open("/proc/cpuinfo") as lines:
        model = next(
            line.split(":")[1].strip() for line in lines if line.startswith("model name")
        )
    return {
        "processor": model,
        "processors": str(os.cpu_count()),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load": f"{os.getloadavg()[0]:.1f}",
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--plots", type=Path)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    options = parser.parse_args()
    program, missing = build_rust.build(options.out / "rust")
    faulthandler.dump_traceback_later(MOST_SECONDS, exit=True)
    begun = time.monotonic()
    around = machine()
    tables, not_started = measure_parts(options.parts, program)
    missing |= not_started
    for table in tables:
        print(show(table))
    for name, reason in missing.items():
        print(f"{name} is missing: {reason}")
    options.out.mkdir(parents=True, exist_ok=True)
    document = {
        "machine": around,
        "missing": missing,
        "groups": [table.as_json() for table in tables],
    }
    (options.out / "results.json").write_text(json.dumps(document, indent=1) + "\n")
    try:
        from .plot import draw
    except ImportError as error:
        print(f"there are no plots: {error}")
    else:
        draw(tables, options.plots or options.out)
    print(f"{time.monotonic() - begun:.0f} seconds; results in {options.out}", file=sys.stderr)


if __name__ == "__main__":
    main()
