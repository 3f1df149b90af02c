"""CPython's own tests of multiprocessing, run through the drop-in."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

CLASSES = (
    "TestSyncManagerTypes",
    "WithManagerTestContainers",
    "WithManagerTestLock",
    "WithProcessesTestArray",
    "WithProcessesTestCondition",
    "WithProcessesTestLock",
    "WithProcessesTestSharedCTypes",
    "WithProcessesTestValue",
)


def test_they_pass(tmp_path: Path, start_method: str) -> None:
    pytest.importorskip("test._test_multiprocessing")
    (tmp_path / "standard_tests.py").write_text(
        "import test._test_multiprocessing\n"
        "install = test._test_multiprocessing.install_tests_in_module_dict\n"
        f"install(globals(), {start_method!r})\n"
    )
    names = [f"standard_tests.{name}" for name in CLASSES]
    done = subprocess.run(
        [sys.executable, "-m", "sharevar", "-m", "unittest", *names],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        timeout=55,
    )
    assert done.returncode == 0, done.stderr
    assert "OK" in done.stderr
