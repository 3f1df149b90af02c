"""Builds the wheels of a release, for the platforms at hand, and tries them.

    python python/wheels.py [--python 3.13 ...] [--target x86_64-unknown-linux-gnu ...]

Zig links for all platforms, against the oldest library of the platform's tag. A platform is at
hand if its standard library of Rust is (``rustup target add``, or a compiler of a distribution,
named by RUSTC). Wheels for this machine's own platform are built for the interpreters that are
here, installed by them and used. Wheels for others need no interpreter; they are checked, and
not run: `make test-aarch64` runs one under QEMU, and `make test-musl` one with musl. `make
test-package` uses the one of pure Python. All are in ``target/wheels`` in the end, with the
source package and checksums. The release workflow has everything at hand.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import platform
import struct
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import pure_wheel
from versions import SUPPORTED, Interpreter, find

ROOT = Path(__file__).parent.parent
WHEELS = ROOT / "target" / "wheels"

# The tag of each platform, by Rust's name of it.
PLATFORMS = {
    "x86_64-unknown-linux-gnu": "manylinux_2_17",
    "aarch64-unknown-linux-gnu": "manylinux_2_17",
    "x86_64-unknown-linux-musl": "musllinux_1_2",
    "aarch64-unknown-linux-musl": "musllinux_1_2",
}
VERSIONS = (*(f"3.{minor}" for minor in SUPPORTED), "3.14t")
OWN = f"{platform.machine()}-unknown-linux-{'gnu' if platform.libc_ver()[0] else 'musl'}"

# A wheel is good if a variable is shared, and survives the kill of its user.
SMOKE = """
import multiprocessing, os, signal, sharevar

def work(counts, lock):
    counts.incr("turns")
    lock.acquire()
    os.kill(os.getpid(), signal.SIGKILL)

if __name__ == "__main__":
    manager = sharevar.Manager(capacity="64M")
    counts, lock = manager.dict(), manager.Lock()
    for method in ("fork", "spawn"):
        worker = multiprocessing.get_context(method).Process(target=work, args=(counts, lock))
        worker.start()
        worker.join()
        with lock:
            assert lock.owner_died
            lock.mark_consistent()
    assert counts.copy() == {"turns": 2}, counts.copy()
    print("sharevar", sharevar.__version__, "works")
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", nargs="+", choices=VERSIONS, default=VERSIONS)
    parser.add_argument("--target", nargs="+", choices=PLATFORMS, default=installed_targets())
    arguments = parser.parse_args()
    found = {interpreter.name: interpreter for interpreter in find()}
    for target in sorted(PLATFORMS.keys() - set(arguments.target)):
        print(f"{target}: left to the release workflow (no standard library of Rust is here)")
    made = [build("sdist"), pure_wheel.build(WHEELS)]
    for target in arguments.target:
        for version in arguments.python:
            if target != OWN:
                made.append(build_wheel(target, f"python{version}", "release"))
            elif version in found:
                made.append(build_wheel(target, found[version].path, "release"))
                use(made[-1], found[version])
            else:
                print(f"{target}, Python {version}: left to the release workflow (not here)")
    run([sys.executable, "-m", "twine", "check", "--strict", *map(str, made)])
    sums = "".join(
        f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in made
    )
    (WHEELS / "SHA256SUMS").write_text(sums)
    print(sums, end="")


def installed_targets() -> list[str]:
    """The platforms whose standard library of Rust is here."""
    return [target for target in PLATFORMS if has_standard_library(target)]


def has_standard_library(target: str) -> bool:
    """Whether the compiler has it for this platform."""
    command = [os.environ.get("RUSTC", "rustc"), "--print", "target-libdir", "--target", target]
    return any(Path(run(command, capture_output=True).stdout.strip()).glob("libstd-*"))


def build_wheel(target: str, python: str, profile: str) -> Path:
    """The wheel of one platform for an interpreter, by its path or its name, in a profile.

    It has no debug sections.
    """
    options = ["--zig", "--target", target, "--compatibility", PLATFORMS[target]]
    wheel = build("build", "--profile", profile, *options, "--interpreter", python)
    with zipfile.ZipFile(wheel) as opened:
        [extension] = [name for name in opened.namelist() if name.endswith(".so")]
        debug = [each for each in sections(opened.read(extension)) if each.startswith(".debug")]
    if debug:
        sys.exit(f"{wheel.name} has debug sections: {', '.join(debug)}")
    return wheel


def sections(elf: bytes) -> list[str]:
    """The names of the sections of a library for a machine of 64 bits, little-endian."""
    (table,) = struct.unpack_from("<Q", elf, 0x28)
    size, count, of_names = struct.unpack_from("<HHH", elf, 0x3A)
    places = range(table, table + size * count, size)
    headers = [struct.unpack_from("<IIQQQ", elf, place) for place in places]
    names = headers[of_names][4]
    return [elf[names + name : elf.index(b"\0", names + name)].decode() for name, *_ in headers]


def build(*command: str) -> Path:
    """Runs maturin; the file that it has made."""
    with tempfile.TemporaryDirectory(dir=ROOT / "target") as made:
        # maturin asks the first Python of the search path for Zig.
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        maturin = [sys.executable, "-m", "maturin", *command, "--out", made]
        run(maturin, env={**os.environ, "PATH": path})
        [file] = Path(made).iterdir()
        WHEELS.mkdir(exist_ok=True)
        return file.replace(WHEELS / file.name)


def use(wheel: Path, interpreter: Interpreter) -> None:
    """Installs a wheel into an environment of its own, and uses it from elsewhere."""
    with tempfile.TemporaryDirectory() as folder:
        python = Path(folder, "environment", "bin", "python")
        # With our own pip: not every interpreter brings one.
        run([interpreter.path, "-m", "venv", "--without-pip", str(python.parents[1])])
        pip = [sys.executable, "-m", "pip", "--python", str(python)]
        run([*pip, "install", "--quiet", "--no-index", str(wheel)])
        program = Path(folder, "smoke.py")
        program.write_text(SMOKE)
        print(interpreter.name, end=": ", flush=True)
        run([str(python), str(program)], cwd=folder, timeout=60)


def run(command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, **{"cwd": ROOT, "check": True, "text": True, **options})  # type: ignore[call-overload,no-any-return]


if __name__ == "__main__":
    main()
