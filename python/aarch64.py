"""Builds a wheel and Rust tests for aarch64, and runs them under QEMU on another machine.

    python python/aarch64.py [--python 3.11] [--profile release] [--only wheel ...]

It is for Debian, and takes::

    rustup target add aarch64-unknown-linux-gnu
    dpkg --add-architecture arm64 && apt-get update
    apt-get install gcc-aarch64-linux-gnu qemu-user

Zig links the wheel, and Debian's compiler the tests in Rust. Python for arm64 is unpacked in
``target/aarch64-unknown-linux-gnu``, and not installed. A Rust test that starts its program
again as another process asks the kernel to start one for aarch64 (Debian: qemu-user-static,
binfmt-support); test programs that do so are left out where the kernel cannot. cargo-nextest
runs the tests.

QEMU does not play the order in which a processor makes loads and stores visible: that is the
matter of the loom models. QEMU 7.2 answers any `madvise` by success, and leaves it undone; what
rests on MADV_DONTFORK and MADV_WIPEONFORK fails there.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from another_platform import RUST_PROCESS_TESTS, RUST_TESTS, Platform, run, run_steps

TARGET = "aarch64-unknown-linux-gnu"
TAGS = ("manylinux_2_17_aarch64", "manylinux_2_28_aarch64")
STARTED_BY_THE_KERNEL = Path("/proc/sys/fs/binfmt_misc/qemu-aarch64").exists()
# They are about what children do not inherit.
NOT_UNDER_QEMU = (
    "a_fork_before_the_arena_lives_keeps_nothing",
    "a_segment_is_kept_from_children_and_given_to_them",
    "without_a_witness_no_process_takes_part",
)


def make(version: str) -> Platform:
    """An environment whose interpreter is a script that has QEMU run Debian's."""
    platform = Platform(TARGET, TAGS, version)
    interpreter = debian(platform) / "usr" / "bin" / f"python{version}"
    if not interpreter.exists():
        unpack_debian(f"python{version}:arm64", platform)
    platform.make_environment(interpreter.parent)
    # Processes that Python starts by the path of its interpreter come here, too.
    command = f'exec {qemu(platform)} -0 "$0" {interpreter} "$@"'
    platform.python.write_text(f"#!/bin/sh\n{command}\n")
    platform.python.chmod(0o755)
    return platform


def debian(platform: Platform) -> Path:
    """Debian's files for arm64, which QEMU shows programs before those of this machine."""
    return platform.folder / "debian"


def qemu(platform: Platform) -> str:
    return f"qemu-aarch64 -L {debian(platform)}"


def unpack_debian(package: str, platform: Platform) -> None:
    """Unpacks a package and those for arm64 that it needs."""
    kinds = ("recommends", "suggests", "conflicts", "breaks", "replaces", "enhances")
    left_out = [f"--no-{kind}" for kind in (*kinds, "pre-depends")]
    listed = run("apt-cache", "depends", "--recurse", *left_out, package, capture_output=True)
    # Each comes as a line of its own, and indented below those that need it.
    lines = set(listed.stdout.split("\n"))
    needed = sorted(line for line in lines if line.endswith(":arm64") and line[0] != " ")
    files = platform.folder / "packages"
    shutil.rmtree(files, ignore_errors=True)
    files.mkdir(parents=True)
    run("apt-get", "download", "-qq", *needed, cwd=files)
    for file in files.iterdir():
        run("dpkg-deb", "--extract", file, debian(platform))


def pass_rust_tests(platform: Platform) -> None:
    """Runs them under QEMU, without those for which that lacks something."""
    name = TARGET.upper().replace("-", "_")
    environment = {
        f"CARGO_TARGET_{name}_LINKER": "aarch64-linux-gnu-gcc",
        f"CARGO_TARGET_{name}_RUNNER": qemu(platform),
        # For those that the kernel starts.
        "QEMU_LD_PREFIX": str(debian(platform)),
    }
    others = RUST_PROCESS_TESTS if STARTED_BY_THE_KERNEL else ()
    if not others:
        print("left out, as the kernel starts no program for aarch64:", *RUST_PROCESS_TESTS)
    platform.pass_rust_tests((*RUST_TESTS, *others), NOT_UNDER_QEMU, environment)


if __name__ == "__main__":
    run_steps(__doc__, make, pass_rust_tests)
