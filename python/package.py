"""Packs the files of a release, and uses them with nothing else of this tree in sight.

    python python/package.py [--tests]

The source package of Python is built, looked into, installed in a clean virtual environment
and used; so is the wheel of pure Python; each crate is packed, and built from its package and
those of the others. The builds are not optimised: only that they succeed is asked.
`--tests` runs the Python tests from the unpacked source package instead, optimised.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import venv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pure_wheel

ROOT = Path(__file__).resolve().parent.parent
# Kept from run to run: dependencies are compiled once.
TARGET = ROOT / "target" / "package"
QUICK = {
    "CARGO_TARGET_DIR": str(TARGET),
    "CARGO_PROFILE_DEV_DEBUG": "false",
    "CARGO_PROFILE_DEV_OPT_LEVEL": "0",
    "CARGO_PROFILE_RELEASE_CODEGEN_UNITS": "16",
    "CARGO_PROFILE_RELEASE_DEBUG": "false",
    "CARGO_PROFILE_RELEASE_LTO": "off",
    "CARGO_PROFILE_RELEASE_OPT_LEVEL": "0",
}

# Examples of the README with one of these use what the pure wheel does not have.
ONLY_ON_LINUX = ("@sharevar.monitor", "name=", "app=")

# A program that starts processes from a file, which a string given to ``-c`` cannot.
USE = """
import multiprocessing
import sys
import sharevar

def count(hits, barrier):
    barrier.wait()
    hits.incr("n")

if __name__ == "__main__":
    assert sys.prefix in sharevar.__file__, sharevar.__file__
    for method in ("fork", "spawn", "forkserver"):
        context = multiprocessing.get_context(method)
        hits, barrier = sharevar.Manager().dict(n=0), sharevar.Barrier(3)
        children = [context.Process(target=count, args=(hits, barrier)) for _ in range(2)]
        for child in children:
            child.start()
        barrier.wait()
        for child in children:
            child.join()
        assert hits["n"] == 2, (method, hits)
"""


def run(*command: str | Path, cwd: Path = ROOT, extra: Mapping[str, str] = QUICK) -> str:
    """What the command prints; an error, with what it says, ends this program."""
    print("+", *(str(part) for part in command), flush=True)
    done = subprocess.run(
        command, cwd=cwd, env={**os.environ, **extra}, capture_output=True, text=True
    )
    if done.returncode != 0:
        sys.exit(f"{done.stdout}{done.stderr}\nexit code {done.returncode} of {command}")
    return done.stdout


def check(holds: bool, message: str) -> None:
    """Ends this program unless something holds."""
    if not holds:
        sys.exit(f"package.py: {message}")


def packages() -> list[dict[str, Any]]:
    """The crates of the workspace, as Cargo describes them."""
    described = json.loads(run("cargo", "metadata", "--no-deps", "--format-version", "1"))
    crates: list[dict[str, Any]] = described["packages"]
    return crates


def sources() -> Iterator[str]:
    """The files that must be in the source package."""
    for pattern in (
        "LICENSE",
        "Makefile",
        "Cargo.*",
        "*.md",
        "pyproject.toml",
        "docs/*.md",
        "examples/python/*.py",
        "crates/*/Cargo.toml",
        "crates/*/LICENSE",
        "crates/*/src/**/*.rs",
        "python/*.py",
        "python/sharevar/**/*.py",
        "python/tests/**/*.py",
    ):
        found = [path.relative_to(ROOT).as_posix() for path in ROOT.glob(pattern)]
        check(bool(found), f"there is no {pattern}: is the list of sources still right?")
        yield from found


def build_source_package() -> Path:
    """The archive, which has everything that is needed to build, test and read."""
    dist = TARGET / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    run(sys.executable, "-m", "maturin", "sdist", "--out", dist)
    (archive,) = dist.iterdir()
    with tarfile.open(archive) as opened:
        members = {member.name.partition("/")[2]: member for member in opened}
    missing = sorted(set(sources()) - members.keys())
    check(not missing, f"not in {archive.name}: {missing}")
    links = [name for name, member in members.items() if not member.isfile()]
    check(not links, f"links in {archive.name} lead nowhere: {links}")
    return archive


def use_source_package(archive: Path) -> None:
    """Installs it where nothing of this tree is seen, and uses it."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        venv.create(place / "venv", with_pip=True)
        python = place / "venv" / "bin" / "python"
        run(python, "-m", "pip", "install", "--quiet", archive, cwd=place)
        facts = json.loads(
            run(
                python,
                "-Ic",
                "import importlib.metadata, json, sharevar;"
                "print(json.dumps([sharevar.__version__,"
                " importlib.metadata.metadata('sharevar').json]))",
                cwd=place,
            )
        )
        version, metadata = facts
        check(version == metadata["version"], f"{version} is installed as {metadata}")
        readme = (ROOT / "README.md").read_text()
        check(
            metadata["description"].strip() == readme.strip(), "the README is not in METADATA"
        )
        for field in (
            "summary",
            "license_expression",
            "license_file",
            "keywords",
            "classifier",
        ):
            check(bool(metadata.get(field)), f"METADATA has no {field}")
        shown = run(python, "-Im", "sharevar", "--version", cwd=place)
        check(version in shown, f"--version says {shown}")
        program = place / "use.py"
        program.write_text(USE)
        run(python, program, cwd=place)
        run(python, "-m", "sharevar", program, cwd=place)
        for example in ("global", "list_and_lock", "hosted_list"):
            copy = shutil.copy(ROOT / "examples" / "python" / f"{example}.py", place)
            run(python, copy, cwd=place)


def pass_tests(archive: Path) -> None:
    """Runs the Python tests where there is nothing but the unpacked source package."""
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(archive) as opened:
            opened.extractall(folder, filter="data")
        (unpacked,) = Path(folder).iterdir()
        venv.create(unpacked / ".venv", with_pip=True)
        python = unpacked / ".venv" / "bin" / "python"
        install = (python, "-m", "pip", "install", "--quiet")
        run(*install, "--upgrade", "pip>=25.1", cwd=unpacked)
        optimised = {"CARGO_TARGET_DIR": str(TARGET)}
        run(*install, "--group", "dev", ".", cwd=unpacked, extra=optimised)
        sys.exit(subprocess.run([python, "python/run_tests.py"], cwd=unpacked).returncode)


def use_pure_wheel() -> None:
    """Installs the wheel for other platforms, and runs the README's examples on it."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        wheel = pure_wheel.build(place)
        check(wheel.name.endswith("-py3-none-any.whl"), f"{wheel.name} is for one platform")
        venv.create(place / "venv", with_pip=True)
        python = place / "venv" / "bin" / "python"
        run(python, "-m", "pip", "install", "--quiet", "--no-index", wheel, cwd=place)
        examples = re.findall(
            r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL
        )
        programs = [USE] + [
            each for each in examples if not any(part in each for part in ONLY_ON_LINUX)
        ]
        for number, source in enumerate(programs):
            program = place / f"program_{number}.py"
            program.write_text(source)
            run(python, program, cwd=place)
        run(python, "-m", "sharevar", place / "program_0.py", cwd=place)


def pack_crates() -> None:
    """Packs each crate and builds it from its package, as publishing them in order would."""
    crates, unpublished = packages(), []
    for crate in crates:
        name, folder = crate["name"], Path(crate["manifest_path"]).parent
        if crate["publish"] == []:
            unpublished += ["--exclude", name]
            continue
        for field in ("description", "license", "readme", "keywords", "categories"):
            check(bool(crate[field]), f"{name} has no {field}")
        for file in ("LICENSE", crate["readme"]):
            check((folder / file).is_file(), f"{name} has no {file}")
        for needed in crate["dependencies"]:
            if needed["kind"] == "dev" and needed["req"] == "*":
                # Without a version it is left out of the package, so that a crate may be
                # tested with one that depends on it.
                continue
            check(
                "path" not in needed or needed["req"] == f"^{crate['version']}",
                f"{name} {crate['version']} asks for {needed['name']} {needed['req']}",
            )
    discard_packed(crates)
    run("cargo", "package", "--workspace", *unpublished, "--allow-dirty")
    discard_packed(crates)


def discard_packed(crates: list[dict[str, Any]]) -> None:
    """Removes what Cargo keeps of these crates' packages from an earlier run.

    Cargo takes for granted that a version of a package never changes: it unpacks it once and
    compiles it once, so that a second run would build the sources of the first. The registry
    that it makes of the packages has no host, by which its folder's name begins with a dash.
    """
    names = [crate["name"] for crate in crates]
    run("cargo", "clean", "--quiet", *(part for name in names for part in ("--package", name)))
    home = Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo")
    for crate in crates:
        for unpacked in home.glob(f"registry/src/-*/{crate['name']}-{crate['version']}"):
            shutil.rmtree(unpacked)


if __name__ == "__main__":
    if sys.argv[1:] == ["--tests"]:
        pass_tests(build_source_package())
    pack_crates()
    use_source_package(build_source_package())
    use_pure_wheel()
