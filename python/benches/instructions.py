"""Counts the instructions of the commonest operations: they must be as in `instructions.toml`.

    python python/benches/instructions.py [--write] [--rust PROGRAM]

A time depends on what else the machine does, and these counts do not: those of the same build
differ by less than one in a hundred. So a rise of more than 3 % is a change of the code, and
it fails until the cause is mended, or the file has the new number and says why. ``--write``
puts the numbers into the file. ``--rust`` is the built benchmark `counted`.

The counts depend on the compiler, on the interpreter and on link-time optimisation. They are
compared only with a build like the one that the file names; elsewhere, and without valgrind,
this prints SKIPPED and the reason.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

FOLDER = Path(__file__).parent
FILE = FOLDER / "instructions.toml"
REPORTS = FOLDER.parent.parent / "target" / "instructions"
# What a number may rise by before it fails.
TOLERANCE = 0.03
MOST_SECONDS = 900
# In a row of the file, besides numbers.
KEPT = ("tolerance", "why")
# Behind the point, in the file.
DIGITS = {"instructions": 0, "system_calls": 2, "bytes": 1}

# A row of the file: what is counted, and how often it was found.
Row = dict[str, float]


class Part(NamedTuple):
    """What the program did between two marks."""

    instructions: int
    system_calls: int


class Counts(NamedTuple):
    """The parts of one operation, of few rounds and of many, each counted at least once."""

    rounds: int
    few: list[Part]
    many: list[Part]

    def row(self) -> Row:
        # The least of several counts, for operations that wait.
        few, many = min(self.few), min(self.many)
        row = {"instructions": (many.instructions - few.instructions) / self.rounds}
        if len(self.few) == 1:
            # Those of an operation that waits depend on how long it does.
            row["system_calls"] = (many.system_calls - few.system_calls) / self.rounds
        return row


def run_under_valgrind(command: list[str], report: Path) -> str:
    """Gives what the program prints; a report of an earlier run is replaced."""
    report.unlink(missing_ok=True)
    valgrind = [
        "valgrind",
        "--tool=callgrind",
        "--collect-systime=yes",
        "--combine-dumps=yes",
        "--dump-before=getppid",
        f"--callgrind-out-file={report}",
    ]
    done = subprocess.run(
        valgrind + command,
        env={**os.environ, "PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        timeout=MOST_SECONDS,
    )
    if done.returncode:
        raise SystemExit(f"{command} failed under valgrind:\n{done.stderr}")
    return done.stdout


def parts_of(report: Path) -> list[Part]:
    totals = re.findall(r"^totals: (.*)$", report.read_text(), re.MULTILINE)
    # A part without a system call has one number.
    return [Part(*[*map(int, total.split()), 0][:2]) for total in totals]


def count(command: list[str], report: Path) -> dict[str, Row]:
    """Runs a program with marks, and gives its operations, the loop around them subtracted."""
    names = [line.split() for line in run_under_valgrind(command, report).splitlines()]
    parts = parts_of(report)
    # Each operation has three marks, and the end of the program ends one more part.
    if len(parts) != 3 * len(names) + 1:
        raise SystemExit(f"{report} has {len(parts)} parts for {len(names)} operations")
    counts: dict[str, Counts] = {}
    for number, (name, few, many) in enumerate(names):
        of_name = counts.setdefault(name, Counts(int(many) - int(few), [], []))
        of_name.few.append(parts[3 * number + 1])
        of_name.many.append(parts[3 * number + 2])
    rows = {name: of_name.row() for name, of_name in counts.items()}
    loop = rows.pop("nothing")["instructions"]
    for row in rows.values():
        row["instructions"] -= loop
    return rows


def count_memory() -> dict[str, Row]:
    command = [sys.executable, str(FOLDER / "counted.py"), "--memory"]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return {name: {"bytes": float(size)} for name, size in map(str.split, printed.splitlines())}


def build() -> dict[str, str]:
    """What the counts depend on."""
    compiler = subprocess.run(
        ["rustc", "--version"], check=True, stdout=subprocess.PIPE, text=True
    )
    return {"rustc": compiler.stdout.split()[1], "python": platform.python_version()}


def rounded(row: Row) -> Row:
    """As the file has it; no system calls are not written."""
    rounded = {name: round(value, DIGITS[name]) for name, value in row.items()}
    return {name: value for name, value in rounded.items() if value or name != "system_calls"}


def as_line(name: str, row: dict[str, Any]) -> str:
    fields = [
        f'{key} = "{value}"' if isinstance(value, str) else f"{key} = {value:.10g}"
        for key, value in row.items()
    ]
    return f"{name} = {{ {', '.join(fields)} }}"


def compare(section: str, kept: dict[str, dict[str, Any]], found: dict[str, Row]) -> list[str]:
    """Prints a line for each number, and gives those that have risen, as the file has to be."""
    risen = []
    for name in sorted(kept.keys() - found.keys()):
        risen.append(f"[{section}] {name} is no longer counted: take it out")
    for name, row in found.items():
        if name not in kept:
            risen.append(f"[{section}] {as_line(name, rounded(row))}")
            continue
        for key, new in row.items():
            old = kept[name].get(key, 0)
            change = "" if old == 0 else f"{(new - old) / old:+.1%}"
            print(f"{section:8}{name:28}{key:14}{old:10g}{new:12.1f}{change:>9}")
            # What the file has rounded away is no rise.
            tolerance = kept[name].get("tolerance", TOLERANCE)
            if new > old * (1 + tolerance) + 10 ** -DIGITS[key]:
                risen.append(
                    f"[{section}] {as_line(name, {**rounded(row), 'why': '...'})}"
                    f"  # {key}: {old:g} before"
                )
    return risen


def write(found: dict[str, dict[str, Row]], kept: dict[str, dict[str, Any]]) -> None:
    """Replaces the numbers in the file; all else stays, rows that were not counted too."""
    lines = [FILE.read_text().split("\n\n")[0], "", "[build]"]
    lines += [f'{name} = "{value}"' for name, value in build().items()]
    for section, before in kept.items():
        lines += ["", f"[{section}]"]
        rows: dict[str, dict[str, Any]] = before
        if section in found:
            rows = {
                name: rounded(row)
                | {key: value for key, value in before.get(name, {}).items() if key in KEPT}
                for name, row in found[section].items()
            }
        lines += [as_line(name, row) for name, row in rows.items()]
    FILE.write_text("\n".join(lines) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--rust", type=Path)
    options = parser.parse_args()
    if sys.version_info < (3, 11):
        return print("SKIPPED: Python 3.10 has no tomllib to read instructions.toml with")
    import tomllib

    if shutil.which("valgrind") is None:
        return print("SKIPPED: instructions are counted with valgrind, which is not installed")
    if changed := [name for name in os.environ if name.startswith("CARGO_PROFILE_RELEASE_")]:
        return print(
            f"SKIPPED: {', '.join(changed)} makes other builds than Cargo.toml describes"
        )
    kept = tomllib.loads(FILE.read_text())
    known = kept.pop("build")
    if not options.write and known != build():
        return print(
            f"SKIPPED: the counts in {FILE.name} are of {known}, and this is {build()}"
        )
    REPORTS.mkdir(parents=True, exist_ok=True)
    found: dict[str, dict[str, Row]] = {}
    # A module that is not built would be an error of the program, and no reason to skip.
    found["python"] = count(
        [sys.executable, str(FOLDER / "counted.py")], REPORTS / "python.out"
    )
    if options.rust is not None:
        found["rust"] = count([str(options.rust)], REPORTS / "rust.out")
    found["memory"] = count_memory()
    if options.write:
        return write(found, kept)
    risen = [
        line for section in found for line in compare(section, kept[section], found[section])
    ]
    if risen:
        print(
            f"\nThese have risen by more than {TOLERANCE:.0%}, or are new. Look for the cause:"
            f" `callgrind_annotate {REPORTS}/python.out` (or rust.out). If it is worth its"
            f" price, write the line into {FILE} and say why:\n  " + "\n  ".join(risen)
        )
        sys.exit(1)


if __name__ == "__main__":
    main()
