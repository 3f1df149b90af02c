"""Greenlets of gevent and eventlet: each holds locks for itself and holds up no others."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import textwrap

import pytest

FRAMEWORKS = {
    "gevent": {
        "setup": "import gevent; from gevent import sleep",
        "patch": "import gevent.monkey; gevent.monkey.patch_all()",
        "tools": """
            def start(function, *arguments):
                return gevent.spawn(function, *arguments)

            def start_later(function, *arguments):
                return gevent.spawn_later(0.02, function, *arguments)

            def result(started):
                return started.get(timeout=30)
        """,
    },
    "eventlet": {
        "setup": "import eventlet; from eventlet import sleep",
        "patch": "import eventlet; eventlet.monkey_patch()",
        "tools": """
            def start(function, *arguments):
                return eventlet.spawn(function, *arguments)

            def start_later(function, *arguments):
                return eventlet.spawn_after(0.02, function, *arguments)

            def result(started):
                with eventlet.Timeout(30):
                    return started.wait()
        """,
    },
}

PROGRAM = """
manager = sharevar.Manager()

@sharevar.monitor
class Account:
    def __init__(self):
        self.balance, self.inside = 0, False

    def deposit(self):
        assert not self.inside, "two are inside"
        self.inside, before = True, self.balance
        sleep(0.005)
        self.balance, self.inside = before + 1, False

for home in (sharevar, manager):
    for make in (home.RLock, home.Condition):
        lock, log = make(), []

        def hold():
            with lock:
                with lock:
                    log.append("taken")
                    while len(log) < 3:
                        sleep(0.005)
                    log.append("given back")

        def ask():
            log.append(lock.acquire(False))
            log.append(lock.acquire(timeout=0.01))
            with lock:
                log.append("taken by the next")

        for greenlet in [start(hold), start(ask)]:
            result(greenlet)
        assert log == ["taken", False, False, "given back", "taken by the next"], log
        with lock:
            pass

    for make in (home.Lock, home.Semaphore, home.BoundedSemaphore):
        lock, inside = make(), []

        def use():
            with lock:
                inside.append(1)
                assert len(inside) == 1
                sleep(0.005)
                inside.pop()

        for greenlet in [start(use) for _ in range(4)]:
            result(greenlet)

    for make in (home.Queue, home.JoinableQueue):
        queue = make(1)
        start_later(queue.put, 5)
        assert result(start(queue.get)) == 5
        queue.put(1)
        start_later(queue.get)
        result(start(queue.put, 2))
        assert queue.get() == 2

    jobs = home.JoinableQueue()
    jobs.put(1)
    waits = start(jobs.join)
    start_later(lambda: (jobs.get(), jobs.task_done()))
    result(waits)

    event = home.Event()
    start_later(event.set)
    assert result(start(event.wait)) is True
    assert home.Event().wait(0.01) is False

    condition = home.Condition()

    def wait():
        with condition:
            return condition.wait(30)

    def notify():
        with condition:
            condition.notify()

    waits = start(wait)
    start_later(notify)
    assert result(waits) is True

    barrier = home.Barrier(3)
    waits = [start(barrier.wait) for _ in range(3)]
    assert sorted(map(result, waits)) == [0, 1, 2]

account = Account()
for greenlet in [start(account.deposit) for _ in range(5)]:
    result(greenlet)
assert account.balance == 5
print("right")
"""


@pytest.mark.parametrize("patched", [False, True], ids=["plain", "patched"])
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_greenlets_share_variables_as_threads_do(framework: str, patched: bool) -> None:
    if importlib.util.find_spec(framework) is None:
        pytest.skip(f"{framework} is not installed; the group of tests `packages` has it")
    parts = FRAMEWORKS[framework]
    head = [parts["patch"], "import sharevar"] if patched else ["import sharevar"]
    source = "\n".join([*head, parts["setup"], textwrap.dedent(parts["tools"]), PROGRAM])
    shown = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", source],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert (shown.stdout, shown.stderr) == ("right\n", "")


HOSTS = """
from sharevar.managers import BaseManager

class Manager(BaseManager):
    pass

Manager.register("table", dict)

def started():
    manager = Manager()
    manager.start()
    return manager

def served():
    return Manager(authkey=b"key").get_server()

for make in (started, served, lambda: sharevar.Manager().dict()._token):
    try:
        print(make())
    except Exception as error:
        print(type(error).__name__, "needs threads" in str(error))
"""


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_host_says_that_it_needs_threads(framework: str) -> None:
    if importlib.util.find_spec(framework) is None:
        pytest.skip(f"{framework} is not installed; the group of tests `packages` has it")
    source = "\n".join([FRAMEWORKS[framework]["patch"], "import sharevar", HOSTS])
    shown = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", source],
        capture_output=True, text=True, timeout=40,
    )  # fmt: skip
    assert (shown.stdout, shown.stderr) == ("RuntimeError True\n" * 3, "")


def test_a_program_without_greenlets_does_not_import_them() -> None:
    source = (
        "import sys, sharevar\n"
        "sharevar.RLock().acquire()\n"
        "print({'greenlet', 'gevent', 'eventlet'} & set(sys.modules))\n"
    )
    shown = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, timeout=60, check=True
    )
    assert shown.stdout == "set()\n"
