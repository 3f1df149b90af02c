"""Well-known packages do on sharevar what they do on plain Python.

They are installed into an environment of their own. Each program in ``packages/`` uses
one of them in the way in which it uses managers, queues or shared memory, prints what
came out, and tells of which class the variables were that the package made.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from support.environments import python_with

PROGRAMS = Path(__file__).parent / "packages"

# A download of some 50 MB is in the first of them.
pytestmark = [pytest.mark.long, pytest.mark.one_version, pytest.mark.timeout(700)]


@pytest.fixture(scope="module")
def python() -> Path:
    """An interpreter that finds the packages, and sharevar."""
    return python_with("packages")


def run(python: Path, *arguments: str, cwd: Path) -> tuple[str, list[str]]:
    """What a program printed, and the classes of which it told."""
    done = subprocess.run(
        [str(python), *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(PROGRAMS)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    told = [line for line in done.stderr.splitlines() if line.startswith("made: ")]
    return done.stdout, [line.removeprefix("made: ") for line in told]


@pytest.mark.parametrize(
    "program",
    [
        "use_aiomultiprocess.py fork",
        "use_aiomultiprocess.py spawn",
        "use_gymnasium.py fork",
        "use_gymnasium.py forkserver",
        "use_joblib.py",
        "use_mpire.py fork",
        "use_mpire.py forkserver",
        "use_pandarallel.py",
        "use_parallelbar.py",
        "use_ruffus.py",
    ],
)
def test_a_package_finds_no_difference(python: Path, tmp_path: Path, program: str) -> None:
    name, *arguments = program.split()
    path = str(PROGRAMS / name)
    plain, standard_classes = run(python, path, *arguments, cwd=tmp_path)
    ours, classes = run(python, "-m", "sharevar", path, *arguments, cwd=tmp_path)
    assert plain
    assert ours == plain
    assert len(classes) == len(standard_classes) > 0
    assert not any(name.startswith("sharevar.") for name in standard_classes)
    assert all(name.startswith("sharevar.") for name in classes), classes


def test_a_package_in_a_program_that_installs_sharevar(python: Path, tmp_path: Path) -> None:
    path = str(PROGRAMS / "use_mpire.py")
    plain, _ = run(python, path, "spawn", cwd=tmp_path)
    ours, classes = run(python, path, "spawn", "install", cwd=tmp_path)
    assert ours == plain
    assert classes
    assert all(name.startswith("sharevar.") for name in classes), classes
