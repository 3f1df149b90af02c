"""The command that the package installs. Its behaviour is tested in Rust."""

from __future__ import annotations

import json
import os
import subprocess
import sysconfig
from pathlib import Path

import sharevar

SCRIPT = Path(sysconfig.get_path("scripts"), "sharevar")


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([SCRIPT, *arguments], capture_output=True, text=True, timeout=50)


def test_it_reads_what_a_program_holds_and_changes_it() -> None:
    name = f"test-{os.getpid()}-command"
    manager = sharevar.Manager(name=name, capacity=1 << 24)
    try:
        stock = manager.shared("stock", dict)
        stock.update({"apples": 3, (1, b"\xff"): {2.5}})
        shown = command("get", name, "stock")
        assert (shown.returncode, shown.stderr) == (0, "")
        assert json.loads(shown.stdout) == {
            "$dict": [["apples", 3], [{"$tuple": [1, {"$bytes": "ff"}]}, {"$set": [2.5]}]]
        }
        assert command("set", name, "stock", "apples", "[1, null]").returncode == 0
        assert stock["apples"] == [1, None]
        listed = [json.loads(line) for line in command("ls", "--json").stdout.splitlines()]
        (own,) = (found for found in listed if found["name"] == name)
        assert own["processes"] == [os.getpid()]
        assert command("get", name, "absent").returncode == 1
        assert command("get").returncode == 2
        shown = command("--version")
        assert shown.stdout == f"sharevar {sharevar.__version__}\n"
    finally:
        sharevar.remove_manager(name)
