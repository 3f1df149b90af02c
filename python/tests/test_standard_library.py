"""CPython's own tests of multiprocessing, run through the drop-in.

Nothing of them is in this repository: they are those that the interpreter carries.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import pytest
from standard_library import report, runs
from standard_library.selection import EXCLUDED, GROUPS, group_of

# For one group, which takes a tenth of it; a test that hangs ends its group sooner.
SECONDS = 480

# These have to be sharevar's while the tests run: otherwise they would show nothing.
REPLACED = {
    "Array", "Barrier", "BaseManager", "BoundedSemaphore", "Condition", "Event",
    "JoinableQueue", "Lock", "Manager", "Queue", "RLock", "RawArray", "RawValue", "Semaphore",
    "SimpleQueue", "SyncManager", "Value",
}  # fmt: skip

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(
        find_spec("test") is None or find_spec("test._test_multiprocessing") is None,
        reason="this interpreter comes without test._test_multiprocessing",
    ),
    # The groups run side by side, and each waits for those that began before it.
    pytest.mark.timeout(3 * SECONDS),
]


@pytest.fixture(scope="module")
def all_tests() -> list[str]:
    """Every test of the interpreter, as ``Class.test``."""
    return runs.list_tests()


@pytest.fixture(scope="module")
def verdicts(
    request: pytest.FixtureRequest,
    all_tests: list[str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[tuple[str, str], Future[runs.Verdict]]]:
    """All groups that were asked for: most of their time they wait, so side by side."""
    asked_for = [
        (item.callspec.params["group"], item.callspec.params["start_method"])
        for item in request.session.items
        if isinstance(item, pytest.Function)
        and item.originalname == test_they_pass.__name__
    ]
    folder = tmp_path_factory.mktemp("standard_library")
    with ThreadPoolExecutor((os.cpu_count() or 1) + 1) as workers:
        yield {
            (group, method): workers.submit(
                runs.compare,
                [t for t in all_tests if group_of(t) == group and t not in EXCLUDED],
                method,
                folder / group / method,
                SECONDS,
            )
            for group, method in asked_for
        }


@pytest.mark.parametrize(
    "group",
    [
        # As long as all the others, and least about what is shared.
        pytest.param(group, marks=pytest.mark.one_version) if group == "processes" else group
        for group in GROUPS
    ],
)
def test_they_pass(
    group: str,
    start_method: str,
    all_tests: list[str],
    verdicts: dict[tuple[str, str], Future[runs.Verdict]],
    pytestconfig: pytest.Config,
) -> None:
    verdict = verdicts[group, start_method].result()
    excluded = [t for t in all_tests if group_of(t) == group and t in EXCLUDED]
    line = report.Line(start_method, verdict, excluded)
    pytestconfig.stash.setdefault(report.LINES, []).append(line)
    if verdict.failures or verdict.ended_badly:
        print(verdict.ours.output)
    assert verdict.failures == []
    assert not verdict.ended_badly
    assert verdict.ours.passed
    assert set(verdict.ours.replaced) >= REPLACED


@pytest.mark.one_version
def test_what_is_left_out_does_fail(all_tests: list[str], tmp_path: Path) -> None:
    tests = [test for test in all_tests if test in EXCLUDED]
    run = runs.run(tests, "spawn", tmp_path / "run", SECONDS, on=("-m", "sharevar"))
    assert sorted(run.failed) == sorted(tests)


# As ``python -m unittest``, but that one thing is wrong.
MISTAKEN = (
    "import sys, unittest; from multiprocessing.synchronize import *;"
    " del sys.argv[1:3]; {}; unittest.main(module=None)"
)


@pytest.mark.one_version
def test_a_failure_is_found(tmp_path: Path) -> None:
    mistake = MISTAKEN.format("Lock.__init__ = RLock.__init__")
    tests = ["WithProcessesTestLock.test_lock", "WithProcessesTestLock.test_rlock"]
    run = runs.run(tests, "fork", tmp_path / "run", SECONDS, on=("-c", mistake))
    assert (run.passed, run.failed) == (tests[1:], tests[:1])
    assert run.exit_code != 0


@pytest.mark.one_version
def test_a_test_that_hangs_is_found(tmp_path: Path) -> None:
    mistake = MISTAKEN.format("Event.is_set = Event.wait")
    tests = ["WithProcessesTestEvent.test_event", "WithProcessesTestEvent.test_repr"]
    for seconds in (5, 20, 100):
        folder = tmp_path / f"run {seconds}"
        run = runs.run(tests, "fork", folder, seconds, on=("-c", mistake))
        if run.broke_off:
            # Otherwise the machine needs longer to begin.
            break
    assert (run.broke_off, run.not_begun) == (tests[:1], tests[1:])
    assert run.exit_code != 0
