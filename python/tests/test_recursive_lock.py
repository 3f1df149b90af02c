"""RLock: its holder and its count, with holders that are killed and waiters interrupted."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from support.waiting import eventually, sleeps

import sharevar

pytestmark = pytest.mark.every_engine

fork = multiprocessing.get_context("fork")


def hold(lock: Any, depth: int, connection: Any) -> None:
    for _ in range(depth):
        lock.acquire()
    connection.send("held")
    connection.recv()


def in_thread(function: Callable[[], Any]) -> Any:
    outcome: list[Any] = []

    def run() -> None:
        try:
            outcome.append(function())
        except Exception as error:
            outcome.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return outcome[0]


def test_it_is_held_as_often_as_it_was_acquired() -> None:
    lock = sharevar.RLock()
    assert repr(lock) == "<RLock(None, 0)>"
    for count in (1, 2, 3):
        assert lock.acquire() is True
        assert lock._semlock._is_mine()
        assert lock._semlock._count() == count
        assert repr(lock) == f"<RLock(MainProcess, {count})>"
    assert in_thread(lambda: repr(lock)) == "<RLock(SomeOtherThread, nonzero)>"
    for count in (2, 1, 0):
        assert lock.locked()
        assert lock.release() is None
        assert lock._semlock._count() == count
    assert not lock.locked()
    assert not lock._semlock._is_mine()


def test_only_the_holding_thread_releases(maker: Any) -> None:
    lock = maker.RLock()
    for error in (sharevar.NotOwner, AssertionError, RuntimeError):
        with pytest.raises(error, match="not owned by thread"):
            lock.release()
    with lock:
        assert isinstance(in_thread(lock.release), AssertionError)
        assert isinstance(in_thread(lock._release_save), AssertionError)
        assert in_thread(lambda: lock.acquire(False)) is False
        assert in_thread(lock._is_owned) is False
        assert lock._recursion_count() == 1


def test_a_thread_that_ends_keeps_what_it_holds(maker: Any) -> None:
    lock = maker.RLock()
    assert in_thread(lock.acquire) is True
    # Its number is no other thread's, whatever the interpreter calls the new thread.
    assert in_thread(lambda: lock.acquire(False)) is False
    assert lock.acquire(False) is False


def test_it_takes_the_names_of_both_libraries() -> None:
    lock = sharevar.RLock()
    assert in_thread(lambda: lock.acquire(True, 1.0))
    start = time.monotonic()
    assert lock.acquire(timeout=0.02) is False
    assert lock.acquire(True, 0.02) is False
    assert time.monotonic() - start >= 0.04
    assert lock.acquire(block=False) is False
    assert lock.acquire(blocking=False) is False
    assert lock.acquire(timeout=-1) is False
    with pytest.raises(TypeError):
        sharevar.RLock(1)  # type: ignore[call-arg]


def test_given_back_entirely_and_restored(maker: Any) -> None:
    lock = maker.RLock()
    with lock, lock, lock:
        state = lock._release_save()
        assert not lock.locked()
        assert in_thread(lambda: lock.acquire() and lock.release()) is None
        lock._acquire_restore(state)
        assert lock._recursion_count() == 3
    assert not lock.locked()


def test_a_lock_is_given_back_entirely_and_restored(maker: Any) -> None:
    lock = maker.Lock()
    with lock:
        assert lock._is_owned()
        state = lock._release_save()
        assert not lock._is_owned()
        lock._acquire_restore(state)
        assert lock._is_owned()


@pytest.mark.parametrize("make", [sharevar.Lock, sharevar.RLock])
def test_an_interrupt_is_raised_once_the_lock_is_restored(make: Callable[[], Any]) -> None:
    lock = make()
    lock.acquire()
    state = lock._release_save()
    ours, theirs = fork.Pipe()
    child = fork.Process(target=hold, args=(lock, 1, theirs))
    child.start()
    assert ours.recv() == "held"
    main: Any = threading.main_thread()

    def interrupt() -> None:
        eventually(lambda: sleeps(os.getpid(), main.native_id))
        signal.pthread_kill(main.ident, signal.SIGINT)
        # The wait goes on all the same.
        assert lock.locked()
        os.kill(child.pid, signal.SIGKILL)

    interrupter = threading.Thread(target=interrupt)
    with pytest.raises(KeyboardInterrupt):
        interrupter.start()
        lock._acquire_restore(state)
    assert lock._is_owned()
    assert lock.owner_died
    lock.release()
    interrupter.join()
    child.join()


@pytest.mark.parametrize("depth", [1, 2, 7])
def test_the_next_one_gets_it_from_a_killed_holder(depth: int) -> None:
    lock = sharevar.RLock()
    ours, theirs = fork.Pipe()
    child = fork.Process(target=hold, args=(lock, depth, theirs))
    child.start()
    assert ours.recv() == "held"
    assert repr(lock) == "<RLock(SomeOtherProcess, nonzero)>"
    assert lock.acquire(False) is False
    os.kill(child.pid, signal.SIGKILL)
    assert lock.acquire()
    assert lock.owner_died
    assert lock._recursion_count() == 1
    with lock:
        lock.mark_consistent()
    assert not lock.owner_died
    lock.release()
    assert not lock.locked()
    child.join()


def test_a_forked_child_holds_nothing() -> None:
    lock = sharevar.RLock()
    ours, theirs = fork.Pipe()

    def look() -> None:
        theirs.send((lock._is_owned(), lock._recursion_count(), lock.acquire(False)))
        try:
            lock.release()
        except AssertionError as error:
            theirs.send(str(error))

    with lock, lock:
        child = fork.Process(target=look)
        child.start()
        assert ours.recv() == (False, 0, False)
        assert ours.recv() == "attempt to release recursive lock not owned by thread"
        child.join()
        assert lock._recursion_count() == 2


def increment(number: Any, lock: Any, times: int) -> None:
    for _ in range(times):
        with lock, lock:
            number.value += 1


def test_two_processes_lose_no_increment(context: Any) -> None:
    number, lock = sharevar.RawValue("q"), sharevar.RLock()
    children = [
        context.Process(target=increment, args=(number, lock, 10_000)) for _ in range(2)
    ]
    for child in children:
        child.start()
    for child in children:
        child.join()
    assert number.value == 20_000


def test_it_is_passed_on_in_every_way(manager: Any) -> None:
    lock = sharevar.RLock(arena=manager.arena)
    store = manager.dict(lock=lock)
    with lock:
        for same in (pickle.loads(pickle.dumps(lock)), store["lock"]):
            assert isinstance(same, sharevar.RLock)
            assert same._recursion_count() == 1
    assert sharevar.shared("a recursive lock", sharevar.RLock).acquire(False)
    sharevar.shared("a recursive lock", threading.RLock).release()


_WAITS = """
import sharevar, sys, threading
lock = sharevar.RLock()
holder = threading.Thread(target=lock.acquire)
holder.start()
holder.join()
other = threading.Thread(target=lambda: (sys.stdin.readline(), print("runs", flush=True)))
try:
    other.start()
    lock.acquire()
except KeyboardInterrupt:
    print("interrupted", lock._is_owned(), flush=True)
"""


def test_an_interrupted_wait_ends_and_blocks_no_thread() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _WAITS],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write("\n")
        child.stdin.flush()
        assert child.stdout.readline() == "runs\n"
        eventually(lambda: sleeps(child.pid))
        child.send_signal(signal.SIGINT)
        assert child.stdout.readline() == "interrupted False\n"
