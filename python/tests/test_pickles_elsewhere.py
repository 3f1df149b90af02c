"""A pickled variable leads to it in any process of the same user, and in no other's."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from typing import Any

import pytest

import sharevar

PROGRAM = """
import os, pickle, sys
import sharevar
if sys.argv[1:]:
    # The modules are read before: another user may not.
    sharevar.shared("x", dict)
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
variables = pickle.loads(sys.stdin.buffer.read())
table, items, lock, fifo, account = variables
with lock:
    table["elsewhere"] = items[0]
items.append(os.getpid())
fifo.put("elsewhere")
"""


@sharevar.monitor
class Account:
    def __init__(self) -> None:
        self.balance = 0


def _run(variables: Any, *arguments: str) -> Any:
    # Not a child that multiprocessing has started, nor one that inherits anything.
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        input=pickle.dumps(variables),
        capture_output=True,
        env={**os.environ, "PYTHONPATH": os.path.dirname(__file__)},
        timeout=50,
    )


def test_a_program_of_the_same_user(manager: Any) -> None:
    variables = (
        manager.dict(), manager.list(["item"]), manager.Lock(), sharevar.Queue(), Account()
    )  # fmt: skip
    table, items, _, fifo, _ = variables
    done = _run(variables)
    assert done.returncode == 0, done.stderr.decode()
    assert table.copy() == {"elsewhere": "item"}
    assert len(items) == 2
    assert fifo.get() == "elsewhere"


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_a_program_of_another_user(manager: Any) -> None:
    table = manager.dict()
    done = _run((table, None, None, None, None), "another user")
    assert done.returncode != 0
    assert b"ArenaGone" in done.stderr
    assert b"another user" in done.stderr
    assert table.copy() == {}
