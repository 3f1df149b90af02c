"""Tests that hang end when their time is over, whatever they wait for."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

pytestmark = [pytest.mark.long, pytest.mark.one_version]

HEAD = """
import ctypes, multiprocessing, os, signal, subprocess, sys, threading, time
import pytest
import support.time_limit
support.time_limit.{haste}
WAIT = [sys.executable, "-c", "import time; time.sleep(300)"]
"""

# Each has a wait that the failure itself does not end.
HANGS = """
def test_in_the_end_of_a_with():
    with subprocess.Popen(WAIT) as child:
        child.wait()

def test_in_a_finally():
    child = multiprocessing.get_context("spawn").Process(target=time.sleep, args=(300,))
    child.start()
    try:
        child.join()
    finally:
        child.join()

def test_in_whatever_is_done_about_it():
    try:
        time.sleep(300)
    finally:
        time.sleep(300)

def test_below_a_child():
    command = f"import subprocess; subprocess.run({WAIT!r}); print()"
    with subprocess.Popen([sys.executable, "-c", command], stdout=subprocess.PIPE) as child:
        child.stdout.read()

@pytest.fixture
def hangs():
    yield
    time.sleep(300)

def test_in_its_teardown_after_a_failure(hangs):
    assert hangs

@pytest.mark.timeout(30)
def test_that_does_not():
    child = os.fork()
    if child == 0:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        time.sleep(300)
    assert os.waitpid(child, 0)[1] == 256
"""

DEAF = """
def test_that_hears_no_signal():
    library, mutex = ctypes.PyDLL(None), ctypes.byref((ctypes.c_long * 8)())
    library.pthread_mutex_lock(mutex)
    library.pthread_mutex_lock(mutex)
"""

LEAVES_A_THREAD = """
@pytest.mark.timeout(30)
def test_that_leaves_a_thread():
    threading.Thread(target=time.sleep, args=(300,)).start()
"""


def run(folder: Path, tests: str, haste: str) -> subprocess.CompletedProcess[str]:
    """These tests, with a second for each."""
    program = folder / "test_hanging.py"
    program.write_text(HEAD.format(haste=haste) + textwrap.dedent(tests))
    options = ("-p", "support.time_limit", "-p", "no:cacheprovider", "--timeout", "1")
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options, "--rootdir", str(folder), str(program)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
        capture_output=True,
        text=True,
        timeout=50,
    )


def test_they_fail_and_the_next_one_runs(tmp_path: Path) -> None:
    done = run(tmp_path, HANGS, "AGAIN = 0.5")
    assert "5 failed, 1 passed, 1 error" in done.stdout, done.stdout + done.stderr
    assert done.stdout.count("Failed: Timeout (>1.0s)") >= 5


def test_what_hears_no_signal_ends_the_run(tmp_path: Path) -> None:
    done = run(tmp_path, DEAF, "LAST = 1.0")
    assert done.returncode != 0
    assert "in test_that_hears_no_signal" in done.stderr


def test_a_thread_that_is_left_does_not_keep_the_run(tmp_path: Path) -> None:
    done = run(tmp_path, LEAVES_A_THREAD, "LAST = 1.0")
    assert "1 passed" in done.stdout
    assert done.returncode != 0


def test_no_test_takes_its_clock() -> None:
    here = Path(__file__)
    for path in here.parent.rglob("*.py"):
        if path != here and path.parent.name != "support":
            taken = re.search(r"SIGALRM|setitimer", path.read_text())
            assert not taken, f"{path}: {taken}; see support/waiting.py"
