"""Factories of `sharevar.shared` make variables where other programs find the name."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from support import engine_servers

import sharevar

PROGRAM = """
import sys
import sharevar

@sharevar.monitor
class Account:
    def __init__(self, balance):
        self.balance = balance

    def deposit(self, amount):
        self.balance += amount
        return self.balance

def put(queue):
    queue.put(1)
    return queue.qsize()

def was_set(event):
    before = event.is_set()
    event.set()
    return before

def count(namespace):
    namespace.count = getattr(namespace, "count", 0) + 1
    return namespace.count

def add(numbers):
    numbers.add(len(numbers))
    return len(numbers)

def use(lock):
    with lock:
        return lock.acquire(False) and lock.release() is None

def notified(condition):
    with condition:
        return condition.wait(0)

USES = [
    (lambda: Account(3), lambda box: box.value.deposit(1)),
    (lambda: sharevar.Queue(), put),
    (lambda: sharevar.JoinableQueue(), put),
    (lambda: sharevar.PriorityQueue(), put),
    (lambda: sharevar.Event(), was_set),
    (lambda: sharevar.NamespaceProxy(), count),
    (lambda: sharevar.SetProxy(), add),
    (lambda: sharevar.Lock(), use),
    (lambda: sharevar.RLock(), use),
    (lambda: sharevar.Condition(), notified),
    (lambda: sharevar.Condition(sharevar.Lock()), notified),
    (lambda: sharevar.Barrier(3), lambda barrier: barrier.parties),
    (lambda: sharevar.Semaphore(2), lambda units: units.acquire() and units.release()),
    (lambda: sharevar.BoundedSemaphore(2), lambda units: units.acquire() and units.release()),
    (lambda: [sharevar.Queue()], lambda queues: put(queues[0])),
]
for number, (make, use_it) in enumerate(USES):
    print(use_it(sharevar.shared(f"variable {number}", make)), end=" ")
"""
FIRST = "4 1 1 1 False 1 1 False True False False 3 None None 1 "
SECOND = "5 2 2 2 True 2 2 False True False False 3 None None 2 "


@pytest.fixture(params=["app", pytest.param("engine", marks=pytest.mark.redis)])
def way(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """The environment by which programs find the variables, which live until the test ends."""
    with ExitStack() as kept:
        if request.param == "app":
            name = f"test-{os.getpid()}-factories"
            kept.enter_context(sharevar.Manager(name=name, pickle=True))
            yield {"SHAREVAR_APP": name}
        else:
            if not engine_servers.PROGRAMS:
                pytest.skip("there is no valkey-server or redis-server here")
            server = engine_servers.server(next(iter(engine_servers.PROGRAMS)))
            manager = kept.enter_context(server.manager())
            yield {"SHAREVAR_ENGINE": manager.address}


def test_programs_that_are_no_relatives_use_one(way: dict[str, str]) -> None:
    for expected in (FIRST, SECOND):
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env={**os.environ, **way},
            capture_output=True,
            text=True,
            timeout=50,
        )
        assert (done.stdout, done.stderr) == (expected, "")
