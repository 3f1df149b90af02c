"""Runs the Python tests on other versions of Python that this machine has.

    python python/versions.py [--quick] [3.10 3.13 ...]

Of those found it takes the oldest, the newest and a free-threaded one; or those that
are named. Each has a virtual environment of its own, ``.venv-3.13``, with a module
built for it. Tests that are marked ``one_version`` run on the development interpreter
only; with ``--quick`` those that are marked ``long``, too.
"""

from __future__ import annotations

import argparse
import glob
import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import run_tests

ROOT = Path(__file__).parent.parent
SUPPORTED = range(10, 15)
# PyO3 builds for no older free-threaded one.
FREE_THREADED_SINCE = [3, 14]

# Where the usual tools put interpreters, besides the search path.
PLACES = (
    os.path.join(os.environ.get("PYENV_ROOT", "~/.pyenv"), "versions/*/bin"),
    os.path.join(os.environ.get("XDG_DATA_HOME", "~/.local/share"), "uv/python/*/bin"),
)

DESCRIBE = (
    "import json, sys, sysconfig, venv; print(json.dumps([sys.implementation.name,"
    " sys.version_info[:3], bool(sysconfig.get_config_var('Py_GIL_DISABLED')),"
    " sys.executable]))"
)


class Interpreter(NamedTuple):
    """One that was found."""

    version: tuple[int, ...]
    free_threaded: bool
    path: str

    @property
    def name(self) -> str:
        """As in ``python3.13t``."""
        return f"{self.version[0]}.{self.version[1]}" + "t" * self.free_threaded


def find() -> list[Interpreter]:
    """One of each supported version, the newest of its kind, oldest version first."""
    newest: dict[str, Interpreter] = {}
    for path in _candidates():
        interpreter = _describe(path)
        if interpreter is not None:
            known = newest.get(interpreter.name)
            if known is None or known.version < interpreter.version:
                newest[interpreter.name] = interpreter
    return sorted(newest.values())


def choose(found: list[Interpreter]) -> list[Interpreter]:
    """The oldest, the newest and the newest free-threaded, but not the one we run in."""
    own = _describe(sys.executable)
    others = [i for i in found if own is None or i.name != own.name]
    ordinary = [i for i in others if not i.free_threaded]
    free_threaded = [i for i in others if i.free_threaded]
    return sorted({*ordinary[:1], *ordinary[-1:], *free_threaded[-1:]})


def build_for(interpreter: Interpreter) -> Path:
    """Builds the module in the interpreter's environment; returns its ``python``."""
    python = _make_environment(interpreter)
    maturin = Path(sys.executable).parent / "maturin"
    _run(
        [maturin, "develop", "--profile", "checked", "--group", "test", "--quiet"],
        {"VIRTUAL_ENV": str(python.parent.parent)},
    )
    return python


def main(names: list[str], selected: str) -> int:
    """Say what was found and used; 0 if all selected tests passed on all of them."""
    found = find()
    chosen = [i for i in found if i.name in names] if names else choose(found)
    print("found:", ", ".join(f"Python {i.name} ({i.path})" for i in found))
    if not any(i.free_threaded for i in found):
        print("no free-threaded Python is here, so none was tested")
    if not chosen:
        print("only one version here" if not names else f"not here: {names}")
        return bool(names)
    # One build after the other: they share Cargo's folder.
    pythons = {interpreter.name: build_for(interpreter) for interpreter in chosen}
    print("the tests run on", ", ".join(pythons), flush=True)
    failed = run_tests.run(pythons, ("-m", selected))
    print("tested on:", ", ".join(pythons))
    if failed:
        print("failed on:", ", ".join(failed))
    return bool(failed)


def _candidates() -> Iterable[str]:
    folders = [*os.get_exec_path(), *PLACES]
    for folder in folders:
        for minor in SUPPORTED:
            for name in (f"python3.{minor}", f"python3.{minor}t"):
                yield from glob.glob(os.path.join(os.path.expanduser(folder), name))


def _describe(path: str) -> Interpreter | None:
    # Some on the search path only stand for one that is not installed.
    done = subprocess.run([path, "-c", DESCRIBE], capture_output=True, text=True)
    if done.returncode != 0:
        return None
    implementation, version, free_threaded, executable = json.loads(done.stdout)
    if implementation != "cpython" or (free_threaded and version < FREE_THREADED_SINCE):
        return None
    return Interpreter(tuple(version), free_threaded, executable)


def _make_environment(interpreter: Interpreter) -> Path:
    environment = ROOT / f".venv-{interpreter.name}"
    python = environment / "bin" / "python"
    if not (environment / "bin" / "pip").exists():
        # With our own pip: not every interpreter brings one.
        _run([interpreter.path, "-m", "venv", "--clear", "--without-pip", environment])
        pip = (sys.executable, "-m", "pip", "--python", python)
        _run([*pip, "install", "--quiet", "pip"])
    return python


def _run(command: list[str | Path], added: dict[str, str] | None = None) -> None:
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **(added or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode != 0:
        sys.exit(f"{done.stdout}\n{' '.join(map(str, command))}: {done.returncode}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="without tests that are long")
    parser.add_argument("versions", nargs="*", help="as in 3.13 or 3.14t")
    arguments = parser.parse_args()
    left_out = "not one_version and not long" if arguments.quick else "not one_version"
    sys.exit(main(arguments.versions, left_out))
