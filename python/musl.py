"""Builds a wheel and Rust tests for musl, and runs them with musl's loader.

    python python/musl.py [--python 3.11] [--profile release] [--only wheel ...]

It is for Debian, and takes lines for sources (``deb-src``) in apt's list, and::

    rustup target add x86_64-unknown-linux-musl
    apt-get update && apt-get install linux-libc-dev make musl-tools

Debian has no Python for musl. So one is compiled, once, from Debian's sources of Python,
libffi and zlib, into ``target/x86_64-unknown-linux-musl``. It has the modules that the tests
ask for, and is for nothing else. The C library is Debian's musl. cargo-nextest runs the Rust
tests.
"""

from __future__ import annotations

import os
import platform as machine
import shutil
import tarfile
from pathlib import Path

from another_platform import RUST_PROCESS_TESTS, RUST_TESTS, Platform, run, run_steps

MACHINE = machine.machine()
TARGET = f"{MACHINE}-unknown-linux-musl"
TAGS = (f"musllinux_1_2_{MACHINE}", f"musllinux_1_1_{MACHINE}")
# The libraries of these are there for another C library only.
LEFT_OUT = (
    "_bz2 _crypt _curses _curses_panel _dbm _gdbm _hashlib _lzma _sqlite3 _ssl _tkinter _uuid"
    " nis ossaudiodev readline"
)


def make(version: str) -> Platform:
    """An environment whose interpreter is one for musl, which is built first."""
    platform = Platform(TARGET, TAGS, version)
    interpreter = platform.folder / "python" / "bin" / f"python{version}"
    # They are removed when the interpreter is complete.
    if sources(platform).exists() or not interpreter.exists():
        build_interpreter(platform)
    platform.make_environment(interpreter.parent)
    platform.python.unlink(missing_ok=True)
    platform.python.symlink_to(interpreter)
    return platform


def sources(platform: Platform) -> Path:
    return platform.folder / "sources"


def build_interpreter(platform: Platform) -> None:
    """Compiles Python, and the libraries that its modules `ctypes` and `zlib` have in them."""
    folder = sources(platform)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    names = ("zlib", "libffi", f"python{platform.version}")
    run("apt-get", "source", "-qq", "--download-only", *names, cwd=folder)
    zlib, libffi, python = (unpack(folder, name) for name in names)
    libraries = folder / "libraries"
    environment = {
        "CC": str(make_compiler(folder)),
        "CPPFLAGS": f"-I{libraries / 'include'}",
        "LDFLAGS": f"-L{libraries / 'lib'}",
        # Nothing for another C library is found.
        "PKG_CONFIG_LIBDIR": str(libraries / "lib" / "pkgconfig"),
    }
    build(zlib, libraries, {**environment, "CFLAGS": "-fPIC"}, "--static")
    build(libffi, libraries, environment, "--disable-shared", "--disable-docs", "--with-pic")
    (python / "Modules" / "Setup.local").write_text(f"*disabled*\n{LEFT_OUT}\n")
    installed = platform.folder / "python"
    build(python, installed, environment, "--without-ensurepip", "--disable-test-modules")
    shutil.rmtree(folder)


def make_compiler(folder: Path) -> Path:
    """A script that calls musl's compiler as one for a machine whose only library is musl.

    That has the kernel's headers, too, and another name of the platform.
    """
    headers = folder / "kernel"
    headers.mkdir()
    for name in ("linux", "asm-generic"):
        (headers / name).symlink_to(Path("/usr/include", name))
    (headers / "asm").symlink_to(Path(f"/usr/include/{MACHINE}-linux-gnu/asm"))
    script = folder / "compiler"
    script.write_text(
        f'#!/bin/sh\ncase "$1" in *-print-multiarch) exec echo {MACHINE}-linux-musl; esac\n'
        f'exec musl-gcc -idirafter {headers} "$@"\n'
    )
    script.chmod(0o755)
    return script


def unpack(folder: Path, name: str) -> Path:
    """Unpacks the sources as their authors published them, without Debian's patches."""
    [archive] = folder.glob(f"{name}_*.orig.tar.*[!c]")
    with tarfile.open(archive) as opened:
        opened.extractall(folder / name, filter="data")
    [unpacked] = (folder / name).iterdir()
    return unpacked


def build(source: Path, prefix: Path, environment: dict[str, str], *options: str) -> None:
    run("./configure", f"--prefix={prefix}", *options, cwd=source, extra=environment)
    run("make", "-s", f"-j{len(os.sched_getaffinity(0))}", cwd=source)
    run("make", "-s", "install", cwd=source)


def pass_rust_tests(platform: Platform) -> None:
    platform.pass_rust_tests((*RUST_TESTS, *RUST_PROCESS_TESTS))


if __name__ == "__main__":
    run_steps(__doc__, make, pass_rust_tests)
