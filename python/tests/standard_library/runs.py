"""Running the interpreter's tests, on sharevar and on nothing but the interpreter."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

# Spelled out: importing the module needs the environment that runs give it.
_MODULE = "standard_library.installed"
_START_METHOD = "SHAREVAR_TESTS_START_METHOD"
_RECORD = "SHAREVAR_TESTS_RECORD"
_LISTING = f"import json, {_MODULE} as m; print(json.dumps(m.test_names()))"


@dataclass
class Run:
    """How the tests went that one process ran."""

    passed: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    # Was begun and did not end: it hung, or took the process with it.
    broke_off: list[str] = field(default_factory=list)
    not_begun: list[str] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)
    # Passed when they ran again.
    at_second: list[str] = field(default_factory=list)
    exit_code: int | None = None
    output: str = ""


@dataclass
class Verdict:
    """One group of tests under one start method."""

    ours: Run
    # Of those that failed on ours: which the standard library fails here as well.
    failed_on_both: list[str]

    @property
    def failures(self) -> list[str]:
        """What counts against sharevar."""
        unlike = {*self.ours.failed, *self.ours.broke_off} - set(self.failed_on_both)
        return sorted(unlike) + self.ours.not_begun

    @property
    def ended_badly(self) -> bool:
        """Whether the process failed, although every test in it was in order."""
        accounted_for = self.ours.failed or self.ours.broke_off or self.ours.not_begun
        return self.ours.exit_code != 0 and not accounted_for


def list_tests() -> list[str]:
    """Every test that the interpreter carries, as ``Class.test``."""
    done = subprocess.run(
        [sys.executable, "-c", _LISTING],
        env=_environment({_START_METHOD: "spawn"}),
        stdout=subprocess.PIPE,
        check=True,
        timeout=60,
    )
    names: list[str] = json.loads(done.stdout)
    return names


def compare(
    tests: Sequence[str], start_method: str, folder: Path, seconds: float
) -> Verdict:
    """Run on sharevar; what fails there runs on the standard library alone, too.

    As the interpreter's own runner does, what fails runs again first: many of its tests give
    others a second, which a machine that has other work may not have.
    """
    ours = run(tests, start_method, folder / "ours", seconds, on=("-m", "sharevar"))
    if doubtful := ours.failed + ours.broke_off + ours.not_begun:
        again = run(doubtful, start_method, folder / "again", seconds, on=("-m", "sharevar"))
        ours = replace(
            again,
            passed=ours.passed + again.passed,
            skipped=ours.skipped + again.skipped,
            at_second=again.passed,
            output=ours.output + again.output,
        )
    doubtful = ours.failed + ours.broke_off
    if not doubtful:
        return Verdict(ours, [])
    theirs = run(doubtful, start_method, folder / "theirs", seconds)
    return Verdict(ours, [name for name in doubtful if name not in theirs.passed])


def run(
    tests: Sequence[str],
    start_method: str,
    folder: Path,
    seconds: float,
    on: Sequence[str] = (),
) -> Run:
    """Run the tests in one process; ``on`` comes before ``-m unittest``."""
    folder.mkdir(parents=True)
    record = folder / "record"
    environment = _environment({_START_METHOD: start_method, _RECORD: str(record)})
    names = [f"{_MODULE}.{test}" for test in tests]
    with open(folder / "output", "w") as output:
        process = subprocess.Popen(
            [sys.executable, *on, "-m", "unittest", "-v", *names],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            pass
        finally:
            # The children of a test that hangs are still there.
            _kill_group(process.pid)
            exit_code = process.wait()
    result = _read(record, tests)
    result.exit_code = exit_code
    result.output = (folder / "output").read_text(errors="replace")
    return result


def _read(record: Path, tests: Sequence[str]) -> Run:
    result = Run()
    begun = []
    outcomes = {
        "passed": result.passed,
        "skipped": result.skipped,
        "failed": result.failed,
    }
    lines = record.read_text().splitlines() if record.exists() else []
    for entry in map(json.loads, lines):
        if "replaced" in entry:
            result.replaced = entry["replaced"]
        elif "started" in entry:
            begun.append(entry["started"])
        else:
            outcomes[entry["outcome"]].append(entry["ended"])
    ended = {*result.passed, *result.skipped, *result.failed}
    result.broke_off = [name for name in begun if name not in ended]
    result.not_begun = [name for name in tests if name not in begun]
    return result


def _kill_group(leader: int) -> None:
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        pass


def _environment(added: dict[str, str]) -> dict[str, str]:
    tests = str(Path(__file__).parent.parent)
    inherited = os.environ.get("PYTHONPATH")
    path = tests if not inherited else os.pathsep.join([tests, inherited])
    return {**os.environ, "PYTHONPATH": path, **added}
