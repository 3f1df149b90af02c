"""Builds the wheel of pure Python, for platforms without shared memory of ours.

    python python/pure_wheel.py FOLDER

Its metadata are those of `pyproject.toml`, with another build system: maturin builds extension
modules alone, so this is a project of setuptools, which is made for the build.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

_SETUPTOOLS = """[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"

[tool.setuptools.packages.find]
include = ["sharevar*"]

[tool.setuptools.package-data]
sharevar = ["py.typed", "*.pyi"]

"""


def build(folder: Path) -> Path:
    """Builds the wheel in a folder."""
    with tempfile.TemporaryDirectory() as made:
        project = Path(made, "project")
        project.mkdir()
        for name in ("README.md", "LICENSE"):
            shutil.copy(ROOT / name, project)
        shutil.copytree(
            ROOT / "python" / "sharevar",
            project / "sharevar",
            ignore=shutil.ignore_patterns("*.so", "__pycache__"),
        )
        (project / "pyproject.toml").write_text(_SETUPTOOLS + _metadata())
        command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
        subprocess.run([*command, "--wheel-dir", made, str(project)], check=True)
        [wheel] = Path(made).glob("*.whl")
        folder.mkdir(parents=True, exist_ok=True)
        return Path(shutil.move(wheel, folder / wheel.name))


def _metadata() -> str:
    """The table `project`, with the version, for all platforms and without the command."""
    whole = (ROOT / "pyproject.toml").read_text()
    table = re.search(r"^\[project\]\n.*?\n(?=\[)", whole, re.DOTALL | re.MULTILINE)
    version = re.search(r'^version = "(.*)"$', (ROOT / "Cargo.toml").read_text(), re.MULTILINE)
    assert table is not None and version is not None
    text = table[0]
    for old, new in (
        ('dynamic = ["version"]', f'version = "{version[1]}"'),
        ("Operating System :: POSIX :: Linux", "Operating System :: OS Independent"),
    ):
        assert old in text, old
        text = text.replace(old, new)
    return text


if __name__ == "__main__":
    print(build(Path(sys.argv[1])))
