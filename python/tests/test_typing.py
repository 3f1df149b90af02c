"""What a type checker says: to a user's program, and of the native module's stub."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("mypy", reason="mypy is for the development interpreter only")

TYPED = Path(__file__).parent / "typed"

# Checking the standard library's stubs takes long where nothing is cached yet.
pytestmark = [pytest.mark.long, pytest.mark.timeout(500), pytest.mark.one_version]


def run(*arguments: str, cwd: Path) -> tuple[int, list[str]]:
    done = subprocess.run(
        [sys.executable, *arguments], cwd=cwd, capture_output=True, text=True, timeout=400
    )
    assert done.stderr == ""
    return done.returncode, done.stdout.splitlines()


def check(program: Path, cwd: Path) -> tuple[int, list[str]]:
    """As in a user's folder: the package is found where it is installed."""
    options = ("--strict", "--config-file=", "--no-error-summary")
    return run("-m", "mypy", *options, str(program), cwd=cwd)


def test_the_package_says_that_it_is_typed() -> None:
    import sharevar

    assert (Path(sharevar.__file__).parent / "py.typed").exists()


def test_a_users_program_type_checks_and_runs(tmp_path: Path) -> None:
    assert check(TYPED / "right.py", tmp_path) == (0, [])
    code, lines = run(str(TYPED / "right.py"), cwd=tmp_path)
    assert code == 0
    assert lines[-5:] == [
        "2 banana []",
        "3 ['apple', 'fig'] True 2 0 apple 3",
        "1 Ada 5",
        "True 1 [] namespace",
        "['a'] {'a': True} 1",
    ]


def test_a_users_mistakes_are_found(tmp_path: Path) -> None:
    program = TYPED / "wrong.py"
    expected = {
        number: mark.groups()
        for number, line in enumerate(program.read_text().splitlines(), start=1)
        if (mark := re.search(r"# E: (.+) (\[[\w-]+\])$", line))
    }
    code, lines = check(program, tmp_path)
    errors = [re.match(r".*?:(\d+): error: (.+) +(\[[\w-]+\])$", line) for line in lines]
    found = {int(error[1]): (error[2], error[3]) for error in errors if error}
    assert code == 1
    assert found.keys() == expected.keys(), lines
    for number, (message, error_code) in expected.items():
        assert message in found[number][0]
        assert error_code == found[number][1]


def test_the_native_modules_stub_is_true(tmp_path: Path) -> None:
    allowed = ("--allowlist", str(TYPED / "stubtest_allowed.txt"), "--ignore-unused-allowlist")
    code, lines = run("-m", "mypy.stubtest", "sharevar._native", *allowed, cwd=tmp_path)
    assert (code, lines) == (0, ["Success: no issues found in 1 module"])
