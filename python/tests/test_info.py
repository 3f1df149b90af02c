"""The state of managers and variables, as programs see it that look into others."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import threading
from pathlib import Path
from typing import Any

import pytest
from support.waiting import eventually

import sharevar
from sharevar.managers import ManagerInfo, VariableInfo

SCRIPT = Path(sysconfig.get_path("scripts"), "sharevar")

HOLD = """
import sys, sharevar
lock = sharevar.attach(sys.argv[1])["lock"]
lock.acquire()
print("ready", flush=True)
sys.stdin.readline()
"""


@sharevar.monitor
class Account:
    def __init__(self) -> None:
        self.balance = 3


def command(*arguments: str) -> Any:
    ended = subprocess.run(
        [SCRIPT, *arguments, "--json"], stdout=subprocess.PIPE, check=True, timeout=50
    )
    return [json.loads(line) for line in ended.stdout.splitlines()]


def test_kind_and_length_are_told_in_each_engine(manager: Any) -> None:
    dicts, lists = manager.dict(a=1, b=2), manager.list([1, 2, 3])
    assert dicts.info()[:2] == ("dict", 2) and lists.info()[:2] == ("list", 3)
    assert manager.set([1]).info().len == 1 and manager.Array("i", 5).info().len == 5
    queue = manager.Queue()
    queue.put("x")
    assert queue.info()[:2] == ("queue", 1)
    assert manager.Value("i", 1).info()[:2] == ("value", None)
    assert manager.Lock().info().kind == "lock"
    before = dicts.info().changes
    dicts["c"] = 3
    assert dicts.info().changes > before
    # Its attributes are the program's own.
    namespace = manager.Namespace(info=5)
    assert namespace.info == 5
    assert sharevar.variable_info(namespace)[:2] == ("namespace", 1)
    with pytest.raises(TypeError, match="a int is no shared variable"):
        sharevar.variable_info(5)


def test_bytes_and_locks_are_told_of_shared_memory() -> None:
    manager = sharevar.Manager()
    texts = manager.list(["x" * 100_000])
    told = texts.info().bytes
    assert isinstance(texts.info(), VariableInfo) and told is not None
    assert 100_000 < told < 110_000 and texts.info().lock is None
    semaphore = manager.Semaphore(3)
    for _ in range(2):
        semaphore.acquire()
    lock = semaphore.info().lock
    assert lock is not None and not lock.has_waiters and lock.waiting == ()
    assert lock.holders == ((os.getpid(), None, 2, False),)
    account = Account()
    told_of = sharevar.variable_info(account)
    assert (told_of.kind, told_of.len) == ("monitor", 1)
    assert told_of.lock is not None and told_of.lock.holders == ()


def test_a_manager_tells_its_memory_and_its_processes() -> None:
    manager = sharevar.Manager(capacity=1 << 24)
    info = manager.info()
    assert isinstance(info, ManagerInfo)
    assert (info.name, info.lifetime, info.capacity) == (None, "while_used", 1 << 24)
    assert (info.processes, info.elsewhere, info.id) == ((os.getpid(),), 0, manager.arena.id)
    large = manager.list(["x" * 1_000_000])
    assert manager.info().used > info.used + 1_000_000
    [pages] = [usage for usage in manager.info().blocks if usage.size == 0]
    assert pages.blocks >= 1 and pages.reserved > 1_000_000
    assert len(large) == 1
    manager.shutdown()
    with pytest.raises(AssertionError):
        manager.info()
    with sharevar.Manager("memory:") as memory:
        with pytest.raises(sharevar.Unsupported, match="memory"):
            memory.info()


def test_the_command_tells_the_same_under_the_same_names() -> None:
    name = f"test-{os.getpid()}-info"
    manager = sharevar.Manager(name=name, capacity=1 << 24)
    manager.dict({"apples": 3}, name="stock")
    lock = manager.Lock(name="lock")
    child = subprocess.Popen(
        [sys.executable, "-c", HOLD, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    waiter = threading.Thread(target=lock.acquire)
    try:
        assert child.stdout is not None and child.stdout.readline() == b"ready\n"
        waiter.start()
        eventually(lambda: lock.info().lock.waiting == (os.getpid(),))
        compare(name, manager, child.pid)
    finally:
        child.kill()
        child.communicate(timeout=50)
    waiter.join()
    # The dead holder's lock is this process's now.
    assert [holder.process for holder in lock.info().lock.holders] == [os.getpid()]


def compare(name: str, manager: Any, holder: int) -> None:
    """With what the command writes, field by field."""
    stock, lock = manager["stock"], manager["lock"]
    told = json.loads(json.dumps(manager.info()._replace(id=manager.info().id.hex())._asdict()))
    told["blocks"] = [usage._asdict() for usage in manager.info().blocks]
    assert told["processes"] == sorted([os.getpid(), holder])
    [listed] = [row for row in command("ls") if row["name"] == name]
    [shown] = command("show", name)
    [looked] = command("top", name, "--once", "--interval", "10")
    rows = [listed, shown, *(row for row in looked["managers"] if row["name"] == name)]
    for row in rows:
        assert row["problem"] is None
        for field, value in told.items():
            # The command's own part in the manager may take a block.
            if field not in ("blocks", "used"):
                assert row[field] == value, field
        assert row["used"] >= told["used"]
        assert {usage["size"] for usage in told["blocks"]} <= {
            usage["size"] for usage in row["blocks"]
        }
        assert row["blocks"][0].keys() == told["blocks"][0].keys()

    [inside] = looked["insides"]
    for rows in (shown["variables"], inside["variables"]):
        [row] = [row for row in rows if row["name"] == "stock"]
        fields = stock.info()._asdict()
        del fields["lock"]
        assert {field: row[field] for field in fields} == fields
    [row] = command("locks", name)
    state = lock.info().lock
    assert state is not None and row["holders"] == [state.holders[0]._asdict()]
    assert row["has_waiters"] and row["waiting"] == list(state.waiting)
    assert row["held_for"] <= state.held_for
