"""Forks of processes whose other threads use hosted objects meanwhile."""

from __future__ import annotations

import gc
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from support.hosted_objects import KEY
from support.processes import descriptors
from support.waiting import eventually

from sharevar._hosting import addresses, forks
from sharevar._native import HostClient
from sharevar.managers import BaseManager

fork = multiprocessing.get_context("fork")


class Manager(BaseManager):
    pass


Manager.register("Store", list)


def use(stores: list[Any]) -> None:
    for store in stores:
        store.append(1)


def test_proxies_and_clients_that_come_and_go_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever another thread may do before a line of the hooks, a trace function does."""
    failed: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", failed.append)
    with Manager(authkey=KEY) as manager:
        stores = [manager.Store() for _ in range(200)]
        clients: list[HostClient] = []
        parent = os.getpid()
        open_before = descriptors(parent)

        def meddle(frame: FrameType, event: str, argument: Any) -> Any:
            is_hook = os.getpid() == parent and frame.f_code.co_filename == forks.__file__
            if is_hook and len(stores) > 100:
                stores.pop()
                client = HostClient(addresses.to_text(manager.address), KEY)
                forks.note_client(client)
                clients.append(client)
            return meddle

        child = fork.Process(target=use, args=(stores,))
        sys.settrace(meddle)
        try:
            child.start()
        finally:
            sys.settrace(None)
        child.join(60)
        assert child.exitcode == 0
        assert len(stores) == 100
        use(stores)
        stores.clear()
        gc.collect()
        # Who drops the last of them finds that the child has ended.
        eventually(lambda: manager.Store() and manager._number_of_objects() <= 1)
        child.close()
        eventually(lambda: descriptors(parent) <= open_before)
    assert failed == []


INTERRUPTED = """
import ctypes, functools, os, signal

# Called first after a fork, and not by Python, which looks at the signal when it runs next:
# as if the signal had come during the fork. 0 is none.
number = ctypes.c_int(0)
os.register_at_fork(after_in_parent=functools.partial(ctypes.CDLL(None)["raise"], number))

from sharevar.managers import BaseManager

class Thing:
    def number(self):
        return 5

class Manager(BaseManager):
    pass

Manager.register("Thing", Thing)

def fork():
    child = os.fork()
    if child == 0:
        os._exit(thing.number() - 5)
    assert os.waitpid(child, 0)[1] == 0

if __name__ == "__main__":
    with Manager() as manager:
        thing = manager.Thing()
        for _ in range(3):
            number.value = signal.SIGINT
            try:
                fork()
            except KeyboardInterrupt:
                pass
            number.value = 0
            fork()
        assert thing.number() == 5
"""


def test_an_interrupt_during_a_fork_holds_up_no_later_one(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(INTERRUPTED)
    subprocess.run([sys.executable, program], stderr=subprocess.DEVNULL, check=True, timeout=50)
