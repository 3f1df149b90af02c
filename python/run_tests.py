"""Runs the Python tests, two parts of them at once for each processor.

    python python/run_tests.py [options of pytest]
    python python/run_tests.py python/tests/test_lock.py ...

Without files all are run. Tests show the same beside other work. The output of each part is
shown when it has ended.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parent.parent
TESTS = ROOT / "python" / "tests"

# Each is a part of its own, and they begin first, so that none is left over at the end.
LONGEST = (
    "test_standard_library.py",
    "test_packages.py",
    "test_servers.py",
    "test_typing.py",
    "test_runner.py",
    "test_start_methods.py",
)
# The others go into so many parts: more of them even out, and each costs a second to begin.
FURTHER_PARTS = 12

# They wait for more than half of their time.
PARTS_PER_PROCESSOR = 2

# Of pytest: all tests of a part were left out by its options.
NO_TESTS = 5


def parts(files: Collection[str] = ()) -> list[list[str]]:
    """The test files, all of them or those that are named, each in one part."""
    if files:
        return [[file] for file in files]
    files = sorted(path.name for path in TESTS.glob("test_*.py"))
    further = [name for name in files if name not in LONGEST]
    dealt = [further[first::FURTHER_PARTS] for first in range(FURTHER_PARTS)]
    return [*([name] for name in LONGEST), *dealt]


def run(pythons: Mapping[str, Path], arguments: Sequence[str]) -> list[str]:
    """Run all parts on each interpreter; the names of the interpreters on which one failed."""
    # Of pytest's options none has the name of a test file for its value.
    chosen = [
        each for each in arguments if Path(each.partition("::")[0]).name.startswith("test_")
    ]
    options = [each for each in arguments if each not in chosen]

    def run_part(name: str, part: list[str]) -> int:
        return _run_part(name, pythons[name], part, options)

    jobs = [(name, part) for part in parts(chosen) for name in pythons]
    with ThreadPoolExecutor(PARTS_PER_PROCESSOR * (os.cpu_count() or 1)) as pool:
        codes = list(pool.map(run_part, *zip(*jobs, strict=True)))
    ended = {name: set[int]() for name in pythons}
    for (name, _), code in zip(jobs, codes, strict=True):
        ended[name].add(code)
    return [name for name, codes in ended.items() if 0 not in codes or codes - {0, NO_TESTS}]


def _run_part(name: str, python: Path, part: list[str], options: Sequence[str]) -> int:
    """Run some files, and print what they printed; pytest's exit code."""
    files = [file if "/" in file else str(TESTS / file) for file in part]
    command = [str(python), "-m", "pytest", "-p", "no:cacheprovider", "--color=no", *options]
    begin = time.monotonic()
    # A file, not a pipe, whose end a process that a test left behind would hold open.
    with tempfile.TemporaryFile("w+", errors="replace") as output:
        done = subprocess.run(
            [*command, *files], cwd=ROOT, stdout=output, stderr=subprocess.STDOUT
        )
        output.seek(0)
        title = f"Python {name}: {' '.join(part)}, {time.monotonic() - begin:.0f} s"
        print(f"\n{title}\n{output.read()}", end="", flush=True)
    return done.returncode


if __name__ == "__main__":
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    sys.exit(bool(run({version: Path(sys.executable)}, sys.argv[1:])))
