"""The command that the package installs. Its behaviour is tested in Rust."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest
from support.waiting import eventually

import sharevar
from sharevar._family.reduction import handle_of

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


def test_a_name_that_is_no_text_hides_no_other(tmp_path: Path) -> None:
    with sharevar.Manager(name=f"test-{os.getpid()}-no-text", capacity=1 << 24) as manager:
        # By the name of a family's variable, which may be such a one.
        made = manager.arena.named("\ud800", sharevar.ListProxy)
        manager.dict(name="stock")["apples"] = 3
        assert manager.variables() == ["\ud800", "stock"]
        assert handle_of(manager.arena.find("\ud800")) == handle_of(made)
        shown = command("show", manager.name, "--json")
        assert (shown.returncode, shown.stderr) == (0, "")
        assert [one["name"] for one in json.loads(shown.stdout)["variables"]] == ["stock"]
        with pytest.raises(sharevar.NotDumpable, match="no Unicode text"):
            manager.dump(tmp_path / "dump")


def test_a_lock_that_an_ended_program_has_left_held_is_told() -> None:
    name = f"test-{os.getpid()}-left-held"
    with sharevar.Manager(name=name, capacity=1 << 24) as manager:
        manager.Lock(name="till")
        source = "import sharevar, sys; sharevar.attach(sys.argv[1])['till'].acquire()"
        subprocess.run([sys.executable, "-c", source, name], check=True, timeout=50)
        [lock] = map(json.loads, command("locks", name, "--json").stdout.splitlines())
        assert (lock["holders"], lock["is_left_held"]) == ([], True)
        assert "has ended" in command("locks", name).stdout

        def told() -> list[Any]:
            lines = command("doctor", "--json").stdout.splitlines()
            subject = f"manager {name}"
            return [found for found in map(json.loads, lines) if found["subject"] == subject]

        [finding] = told()
        text = 'the lock "till" is held, and the process that took it has ended'
        assert finding["ok"] and text in finding["text"]
        # It keeps a process from its work.
        waits = subprocess.Popen([sys.executable, "-c", source, name])
        eventually(lambda: [found["ok"] for found in told()] == [False])
        assert command("doctor").returncode == 3
        manager["till"].release()
        assert waits.wait(50) == 0
        manager["till"].release()
        assert "free" in command("locks", name).stdout
        assert f"manager {name}" not in command("doctor").stdout


def test_it_leaves_the_variables_of_the_package_alone() -> None:
    with sharevar.Manager(name=f"test-{os.getpid()}-internal", capacity=1 << 24) as manager:
        manager.dict(name="stock")["apples"] = 3
        for words in (("show",), ("get",), ("del",), ("watch", "--count", "1")):
            asked = command(words[0], manager.name, "sharevar:filled", *words[1:])
            assert asked.returncode == 1 and "has no variable" in asked.stderr, words
        assert manager.dict(name="stock").copy() == {"apples": 3}
