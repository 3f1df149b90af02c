"""Interpreters that find packages which sharevar itself does not need."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path

import sharevar

ROOT = Path(__file__).parents[3]


def python_with(group: str) -> Path:
    """An interpreter that finds sharevar and the packages of a dependency group.

    They are installed into an environment of their own, once for each version of Python and
    each change of ``pyproject.toml``.
    """
    environment = ROOT / f".venv-{group}"
    installed = environment / "installed"
    wanted = sys.version + (ROOT / "pyproject.toml").read_text()
    executable = environment / "bin" / "python"
    if not installed.exists() or installed.read_text() != wanted:
        make = [sys.executable, "-m", "venv", "--clear", "--without-pip", str(environment)]
        pip = [sys.executable, "-m", "pip", "--python", str(executable)]
        for command in (make, [*pip, "install", "--quiet", "--group", group]):
            subprocess.run(command, cwd=ROOT, check=True, timeout=300)
        names = {"base": str(environment), "platbase": str(environment)}
        libraries = Path(sysconfig.get_path("purelib", vars=names))
        location = Path(sharevar.__file__).parent.parent
        (libraries / "sharevar.pth").write_text(f"{location}\n")
        installed.write_text(wanted)
    return executable
