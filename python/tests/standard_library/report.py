"""What is printed at the end: how many of the interpreter's own tests ran on sharevar."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import NamedTuple

import pytest

from .runs import Verdict
from .selection import EXCLUDED, WITH_THREADS


class Line(NamedTuple):
    """One group of tests under one start method."""

    start_method: str
    verdict: Verdict
    excluded: list[str]


_HEADS = ("start method", "ran", "passed", "skipped themselves", "failed on both", "failed")

LINES = pytest.StashKey[list[Line]]()


def write(lines: Iterable[Line], write_line: Callable[[str], None]) -> None:
    """A row for each start method, then what was left out and why."""
    lines = list(lines)
    _write_row(_HEADS, write_line)
    for method in dict.fromkeys(line.start_method for line in lines):
        verdicts = [line.verdict for line in lines if line.start_method == method]
        failed = sum(len(v.failures) + v.ended_badly for v in verdicts)
        both = sum(len(v.failed_on_both) for v in verdicts)
        passed = sum(len(v.ours.passed) for v in verdicts)
        skipped = sum(len(v.ours.skipped) for v in verdicts)
        ran = passed + skipped + both + failed
        _write_row((method, ran, passed, skipped, both, failed), write_line)
    replaced = sorted({name for line in lines for name in line.verdict.ours.replaced})
    write_line(f"names of multiprocessing that were sharevar's: {', '.join(replaced)}")
    for test in sorted({test for line in lines for test in line.verdict.failed_on_both}):
        write_line(f"fails on the standard library here, too: {test}")
    for test in sorted({test for line in lines for test in line.verdict.ours.at_second}):
        write_line(f"passed when it ran again: {test}")
    excluded = {test for line in lines for test in line.excluded}
    for test in sorted(excluded):
        write_line(f"left out: {test}: {EXCLUDED[test]}")
    write_line(f"left out: WithThreads*: {WITH_THREADS}")


def title() -> str:
    """The heading."""
    version = ".".join(map(str, sys.version_info[:3]))
    return f"CPython {version}'s own tests of multiprocessing, on sharevar"


def _write_row(cells: Iterable[object], write_line: Callable[[str], None]) -> None:
    widths = map(len, _HEADS)
    write_line("  ".join(f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True)))
