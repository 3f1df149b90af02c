"""What becomes of a lock whose holder ends: killed, or in order."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from multiprocessing import util
from typing import Any

import pytest

import sharevar

pytestmark = pytest.mark.long

fork = multiprocessing.get_context("fork")


def run(context: Any, function: Any, *arguments: Any) -> int:
    child = context.Process(target=function, args=arguments)
    child.start()
    child.join()
    assert child.exitcode is not None
    return int(child.exitcode)


def returns(lock: Any) -> None:
    lock.acquire()


def leaves_by_exit(lock: Any) -> None:
    lock.acquire()
    sys.exit(3)


def raises(lock: Any) -> None:
    lock.acquire()
    sys.stderr = open(os.devnull, "w")
    raise ValueError("a child's end")


def finds_it_in_a_dict(store: Any) -> None:
    # The proxy is gone at once, the lock held all the same.
    store["lock"].acquire()


def is_killed(lock: Any) -> None:
    lock.acquire()
    os.kill(os.getpid(), signal.SIGKILL)


def leaves_at_once(lock: Any) -> None:
    lock.acquire()
    os._exit(0)


def waits_with_held(lock: Any, started: Any) -> None:
    lock.acquire()
    started.send(None)
    threading.Event().wait()


@pytest.mark.parametrize("end", [returns, leaves_by_exit, raises])
def test_left_held_by_who_ends_in_order(context: Any, end: Any) -> None:
    lock = sharevar.Lock()
    assert run(context, end, lock) in (0, 1, 3)
    assert lock.locked()
    assert lock.acquire(False) is False
    assert lock.acquire(timeout=0.05) is False
    lock.release()
    assert lock.acquire(False)
    assert not lock.owner_died
    lock.release()


def test_left_held_through_a_proxy_that_is_gone(manager: Any) -> None:
    store = manager.dict(lock=manager.Lock())
    run(fork, finds_it_in_a_dict, store)
    assert store["lock"].acquire(False) is False
    store["lock"].release()


@pytest.mark.parametrize("end", [is_killed, leaves_at_once])
def test_given_to_the_next_when_the_holder_dies(end: Any) -> None:
    lock = sharevar.Lock()
    run(fork, end, lock)
    assert lock.acquire(False)
    assert lock.owner_died
    lock.release()


def test_a_terminated_child_has_died() -> None:
    lock = sharevar.Lock()
    ours, theirs = fork.Pipe()
    child = fork.Process(target=waits_with_held, args=(lock, theirs))
    child.start()
    ours.recv()
    child.terminate()
    child.join()
    assert lock.acquire()
    assert lock.owner_died
    lock.release()


def test_a_signal_is_given_back_by_no_death() -> None:
    lock = sharevar.Lock()
    run(fork, returns, lock)
    lock.release()
    run(fork, is_killed, lock)
    assert lock.acquire(False) is False
    lock.release()


def releases(lock: Any) -> None:
    lock.release()


def test_released_there_it_is_a_signal() -> None:
    lock = sharevar.Lock()
    lock.acquire()
    run(fork, releases, lock)
    run(fork, is_killed, lock)
    assert lock.acquire(False) is False


def test_one_that_is_owned_always_goes_to_the_next() -> None:
    lock = sharevar.Lock(owned=True)
    for end in (returns, is_killed):
        run(fork, end, lock)
        assert lock.acquire(False)
        assert lock.owner_died
        run(fork, releases, lock)


def test_one_that_is_not_owned_is_a_signal_from_the_start() -> None:
    lock = sharevar.Lock(owned=False)
    for end in (returns, is_killed):
        run(fork, end, lock)
        assert lock.acquire(False) is False
        lock.release()


@pytest.mark.parametrize("end", [returns, leaves_by_exit, is_killed])
def test_a_recursive_lock_always_goes_to_the_next(context: Any, end: Any) -> None:
    lock = sharevar.RLock()
    run(context, end, lock)
    assert lock.acquire(False)
    assert lock.owner_died
    lock.release()


def holds_until_its_finalizer(lock: Any, connection: Any) -> None:
    lock.acquire()

    def release() -> None:
        lock.release()
        connection.send(lock.acquire(False))

    util.Finalize(None, release, exitpriority=-1000)


def test_finalizers_may_still_use_it() -> None:
    lock = sharevar.Lock()
    ours, theirs = fork.Pipe()
    assert run(fork, holds_until_its_finalizer, lock, theirs) == 0
    assert ours.recv() is True
    assert lock.acquire(False) is False
    lock.release()


_MAIN = """
import atexit, os, sharevar, sys
lock = sharevar.shared("held by a main program", sharevar.Lock)
{before}
if os.fork():
    os.wait()
    taken = lock.acquire(False)
    print(taken, lock.owner_died)
else:
    {child}
"""


@pytest.mark.parametrize(
    ("before", "child", "outcome"),
    [
        ("", "lock.acquire()", "False False"),
        ("", "lock.acquire(); sys.exit(1)", "False False"),
        ("", "lock.acquire(); os.abort()", "True True"),
        ("atexit.register(lambda: os.getpid() != me and lock.acquire())", "", "False False"),
    ],
)
def test_a_program_that_ends(before: str, child: str, outcome: str) -> None:
    source = _MAIN.format(before="me = os.getpid(); " + before, child=child or "pass")
    done = subprocess.run(
        [sys.executable, "-c", source], stdout=subprocess.PIPE, text=True, timeout=50
    )
    assert done.stdout == outcome + "\n"
