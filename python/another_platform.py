"""A Python of another platform than this machine's, and what it runs of this project.

`aarch64.py` and `musl.py` tell where that Python comes from and how it starts.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import wheels

ROOT = Path(__file__).resolve().parent.parent

EXAMPLES = ("global", "list_and_lock", "append_file", "hosted_list")
# Against plain objects of Python. Each takes minutes under QEMU.
PYTHON_TESTS = ("dict_proxy", "list_proxy", "set_proxy", "queue", "lock")

RUST_CRATES = ("sharevar-os", "sharevar-value", "sharevar-arena")
RUST_FEATURES = "sharevar-arena/crash-points"
RUST_TESTS = ("golden", "heap_model", "keys", "long_lock", "round_trips", "wait_point")
# They start their own program again, as another process.
RUST_PROCESS_TESTS = ("participants", "segments")


@dataclass(frozen=True)
class Platform:
    """A platform, by Rust's name of it, and the version of Python that stands for it."""

    target: str
    # Of the tags of wheels that its Python takes, from the index.
    tags: tuple[str, ...]
    version: str

    @property
    def folder(self) -> Path:
        """All that is made for it."""
        return ROOT / "target" / self.target

    @property
    def environment(self) -> Path:
        """A virtual environment, but for its interpreter, which the caller puts there."""
        return self.folder / "environment"

    @property
    def python(self) -> Path:
        return self.environment / "bin" / "python"

    @property
    def packages(self) -> Path:
        return self.environment / "lib" / f"python{self.version}" / "site-packages"

    def make_environment(self, home: Path) -> None:
        """Makes an environment without an interpreter, for the one in that folder."""
        self.python.parent.mkdir(parents=True, exist_ok=True)
        self.packages.mkdir(parents=True, exist_ok=True)
        (self.environment / "pyvenv.cfg").write_text(f"home = {home}\n")
        script = self.environment / "bin" / "sharevar"
        script.write_text(
            f"#!{self.python}\nimport sys\n"
            "from sharevar._native import command\nsys.exit(command())\n"
        )
        script.chmod(0o755)

    def install(self, *what: str | Path) -> None:
        """Installs wheels by this machine's own pip, which the other Python may not have."""
        platforms = [part for tag in self.tags for part in ("--platform", tag)]
        options = ("--python-version", self.version, "--only-binary", ":all:", "--no-compile")
        command = (sys.executable, "-m", "pip", "install", "--quiet", "--upgrade")
        run(*command, "--target", self.packages, *platforms, *options, *what)

    def use_wheel(self, profile: str) -> None:
        """Builds the wheel and uses it, from a folder with nothing of this tree."""
        wheel = wheels.build_wheel(self.target, f"python{self.version}", profile)
        self.install("--no-deps", wheel)
        program = self.folder / "smoke.py"
        program.write_text(wheels.SMOKE)
        run(self.python, program, cwd=self.folder)

    def use_examples(self) -> None:
        for name in EXAMPLES:
            print(f"{name}:", flush=True)
            run(self.python, ROOT / "examples" / "python" / f"{name}.py", cwd=self.folder)

    def pass_python_tests(self) -> None:
        self.install("--group", "test")
        options = ("-p", "no:cacheprovider", "-m", "not long", "--timeout", "300", "-q")
        tests = [ROOT / "python" / "tests" / f"test_{name}.py" for name in PYTHON_TESTS]
        run(self.python, "-m", "pytest", *options, *tests)

    def pass_storm(self) -> None:
        program = ROOT / "examples" / "python" / "kill_storm.py"
        run(self.python, program, "--seconds", "5", cwd=self.folder)

    def pass_rust_tests(
        self,
        programs: tuple[str, ...],
        left_out: tuple[str, ...] = (),
        extra: Mapping[str, str] | None = None,
    ) -> None:
        """Runs test programs, each test in a process of its own."""
        what = ["--no-fail-fast", "--lib", "--target", self.target, "--features", RUST_FEATURES]
        what += [f"--package={crate}" for crate in RUST_CRATES]
        what += [f"--test={program}" for program in programs]
        skipped = [part for test in left_out for part in ("--skip", test)]
        profiles = ("--cargo-profile", "checked", "--profile", "emulated")
        run("cargo", "nextest", "run", *profiles, *what, "--", *skipped, extra=extra)


def run_steps(
    description: str,
    make: Callable[[str], Platform],
    pass_rust_tests: Callable[[Platform], None],
) -> None:
    """The command line: which steps, with which version, and in which profile."""
    steps: dict[str, Callable[[Platform, str], None]] = {
        "wheel": Platform.use_wheel,
        "examples": lambda platform, _: platform.use_examples(),
        "python": lambda platform, _: platform.pass_python_tests(),
        "storm": lambda platform, _: platform.pass_storm(),
        "rust": lambda platform, _: pass_rust_tests(platform),
    }
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--python", default="3.11", help="the version that Debian has")
    parser.add_argument("--profile", default="checked", help="of Cargo, for the wheel")
    parser.add_argument("--only", nargs="+", choices=steps, default=list(steps))
    arguments = parser.parse_args()
    platform = make(arguments.python)
    for name in arguments.only:
        print(f"\n{name}", flush=True)
        steps[name](platform, arguments.profile)


def run(
    *command: str | Path,
    cwd: Path = ROOT,
    extra: Mapping[str, str] | None = None,
    capture_output: bool = False,
) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **(extra or {})}
    return subprocess.run(
        command, cwd=cwd, env=environment, check=True, text=True, capture_output=capture_output
    )
