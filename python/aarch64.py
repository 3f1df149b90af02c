"""Builds a wheel and Rust tests for aarch64, and runs them under QEMU on another machine.

    RUSTC=... python python/aarch64.py [--python 3.11] [--profile checked] [--only wheel ...]

It is for Debian, whose packages have all that it takes::

    dpkg --add-architecture arm64 && apt-get update
    apt-get install rustc-web libstd-rust-web-dev:arm64 gcc-aarch64-linux-gnu qemu-user

RUSTC names a compiler with the standard library. Python for arm64 is unpacked in
``target/aarch64``, and not installed. A Rust test that starts its program again as another
process asks the kernel to start one for aarch64 (Debian: qemu-user-static, binfmt-support);
test programs that do so are left out where the kernel cannot. cargo-nextest runs the tests.

QEMU does not play the order in which a processor makes loads and stores visible: that is the
matter of the loom models. QEMU 7.2 answers any `madvise` by success, and leaves it undone; what
rests on MADV_DONTFORK and MADV_WIPEONFORK fails there.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import wheels

ROOT = Path(__file__).resolve().parent.parent
HERE = ROOT / "target" / "aarch64"
# Debian's files for arm64, which QEMU shows programs before those of this machine.
DEBIAN = HERE / "debian"
ENVIRONMENT = HERE / "environment"
TARGET = "aarch64-unknown-linux-gnu"
QEMU = ("qemu-aarch64", "-L", str(DEBIAN))
STARTED_BY_THE_KERNEL = Path("/proc/sys/fs/binfmt_misc/qemu-aarch64").exists()

EXAMPLES = ("global", "list_and_lock", "append_file", "hosted_list")
# Against plain objects of Python. Each takes minutes under QEMU.
PYTHON_TESTS = ("dict_proxy", "list_proxy", "set_proxy", "queue", "lock")

RUST_CRATES = ("sharevar-os", "sharevar-value", "sharevar-arena")
RUST_FEATURES = "sharevar-arena/crash-points"
RUST_TESTS = ("golden", "heap_model", "keys", "long_lock", "round_trips", "wait_point")
RUST_PROCESS_TESTS = ("participants", "segments")
# They are about what children do not inherit.
NOT_UNDER_QEMU = (
    "a_fork_before_the_arena_lives_keeps_nothing",
    "a_segment_is_kept_from_children_and_given_to_them",
    "without_a_witness_no_process_takes_part",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", default="3.11", help="the version that Debian has")
    parser.add_argument("--profile", default="checked", help="of Cargo, for the wheel")
    parser.add_argument("--only", nargs="+", choices=STEPS, default=list(STEPS))
    arguments = parser.parse_args()
    python = make_environment(arguments.python)
    for name in arguments.only:
        print(f"\n{name}", flush=True)
        STEPS[name](python, arguments.python, arguments.profile)


def make_environment(version: str) -> Path:
    """An environment whose interpreter is a script that has QEMU run Debian's."""
    interpreter = DEBIAN / "usr" / "bin" / f"python{version}"
    if not interpreter.exists():
        unpack_debian(f"python{version}:arm64")
    python = ENVIRONMENT / "bin" / "python"
    python.parent.mkdir(parents=True, exist_ok=True)
    # Processes that Python starts by the path of its interpreter come here, too.
    command = f'exec {" ".join(QEMU)} -0 "$0" {interpreter} "$@"'
    python.write_text(f"#!/bin/sh\n{command}\n")
    python.chmod(0o755)
    packages(version).mkdir(parents=True, exist_ok=True)
    (ENVIRONMENT / "pyvenv.cfg").write_text(f"home = {interpreter.parent}\n")
    script = ENVIRONMENT / "bin" / "sharevar"
    script.write_text(
        f"#!{python}\nimport sys\nfrom sharevar._native import command\nsys.exit(command())\n"
    )
    script.chmod(0o755)
    return python


def packages(version: str) -> Path:
    return ENVIRONMENT / "lib" / f"python{version}" / "site-packages"


def unpack_debian(package: str) -> None:
    """Unpacks a package and those for arm64 that it needs."""
    kinds = ("recommends", "suggests", "conflicts", "breaks", "replaces", "enhances")
    left_out = [f"--no-{kind}" for kind in (*kinds, "pre-depends")]
    listed = run("apt-cache", "depends", "--recurse", *left_out, package, capture_output=True)
    # Each comes as a line of its own, and indented below those that need it.
    lines = set(listed.stdout.split("\n"))
    needed = sorted(line for line in lines if line.endswith(":arm64") and line[0] != " ")
    files = HERE / "packages"
    shutil.rmtree(files, ignore_errors=True)
    files.mkdir(parents=True)
    run("apt-get", "download", "-qq", *needed, cwd=files)
    for file in files.iterdir():
        run("dpkg-deb", "--extract", file, DEBIAN)


def install(version: str, *what: str | Path) -> None:
    """Installs wheels for aarch64 by this machine's own pip, which takes seconds."""
    platforms = ("--platform", "manylinux_2_17_aarch64", "--platform", "manylinux_2_28_aarch64")
    options = ("--python-version", version, "--only-binary", ":all:", "--no-compile")
    command = (sys.executable, "-m", "pip", "install", "--quiet", "--upgrade")
    run(*command, "--target", packages(version), *platforms, *options, *what)


def use_wheel(python: Path, version: str, profile: str) -> None:
    """Builds the wheel and uses it, from a folder with nothing of this tree."""
    wheel = wheels.build_by_zig(TARGET, f"python{version}", profile)
    install(version, "--no-deps", wheel)
    program = HERE / "smoke.py"
    program.write_text(wheels.SMOKE)
    run(python, program, cwd=HERE)


def use_examples(python: Path, version: str, profile: str) -> None:
    for name in EXAMPLES:
        print(f"{name}:", flush=True)
        run(python, ROOT / "examples" / "python" / f"{name}.py", cwd=HERE)


def pass_python_tests(python: Path, version: str, profile: str) -> None:
    install(version, "--group", "test")
    options = ("-p", "no:cacheprovider", "-m", "not long", "--timeout", "300", "-q")
    tests = [ROOT / "python" / "tests" / f"test_{name}.py" for name in PYTHON_TESTS]
    run(python, "-m", "pytest", *options, *tests)


def pass_storm(python: Path, version: str, profile: str) -> None:
    program = ROOT / "examples" / "python" / "kill_storm.py"
    run(python, program, "--seconds", "5", cwd=HERE)


def pass_rust_tests(python: Path, version: str, profile: str) -> None:
    name = TARGET.upper().replace("-", "_")
    environment = {
        f"CARGO_TARGET_{name}_LINKER": "aarch64-linux-gnu-gcc",
        f"CARGO_TARGET_{name}_RUNNER": " ".join(QEMU),
        # For those that the kernel starts.
        "QEMU_LD_PREFIX": str(DEBIAN),
    }
    programs = [*RUST_TESTS]
    if STARTED_BY_THE_KERNEL:
        programs += RUST_PROCESS_TESTS
    else:
        print("left out, as the kernel starts no program for aarch64:", *RUST_PROCESS_TESTS)
    what = ["--no-fail-fast", "--lib", "--target", TARGET, "--features", RUST_FEATURES]
    what += [f"--package={crate}" for crate in RUST_CRATES]
    what += [f"--test={program}" for program in programs]
    skipped = [part for test in NOT_UNDER_QEMU for part in ("--skip", test)]
    # Each test in a process of its own.
    command = ("cargo", "nextest", "run", "--cargo-profile", "checked", "--profile", "emulated")
    run(*command, *what, "--", *skipped, extra=environment)


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


STEPS = {
    "wheel": use_wheel,
    "examples": use_examples,
    "python": pass_python_tests,
    "storm": pass_storm,
    "rust": pass_rust_tests,
}

if __name__ == "__main__":
    main()
