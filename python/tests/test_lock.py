"""Lock and RLock, with holders that are killed and waiters that are interrupted."""

from __future__ import annotations

import multiprocessing
import multiprocessing.managers
import multiprocessing.synchronize
import os
import pickle
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from support.waiting import Promise, eventually, interrupted, sleeps

import sharevar

pytestmark = pytest.mark.every_engine

fork = multiprocessing.get_context("fork")


def acquire_and_report(lock: Any, connection: Any) -> None:
    lock.acquire()
    connection.send("held")
    connection.recv()
    lock.release()


def killed_holder(lock: Any) -> None:
    ours, theirs = fork.Pipe()
    child = fork.Process(target=acquire_and_report, args=(lock, theirs))
    child.start()
    theirs.close()
    assert ours.recv() == "held"
    os.kill(child.pid, signal.SIGKILL)
    child.join()
    assert child.exitcode == -signal.SIGKILL


@pytest.mark.parametrize("make", [sharevar.Lock, sharevar.RLock])
def test_mutual_exclusion_and_time_out(make: Callable[[], Any]) -> None:
    lock = make()
    ours, theirs = fork.Pipe()
    child = fork.Process(target=acquire_and_report, args=(lock, theirs))
    child.start()
    assert ours.recv() == "held"
    assert lock.acquire(False) is False
    assert lock.acquire(block=False) is False
    start = time.monotonic()
    assert lock.acquire(timeout=0.05) is False
    assert lock.acquire(True, 0.05) is False
    assert time.monotonic() - start >= 0.1
    ours.send("go")
    child.join()
    assert lock.acquire()
    lock.release()


def test_release_of_a_lock_that_is_not_held(maker: Any) -> None:
    # multiprocessing's lock raises the one, a manager's lock the other.
    for error in (sharevar.NotHeld, ValueError, RuntimeError):
        with pytest.raises(error):
            maker.Lock().release()
    with pytest.raises(AssertionError):
        maker.RLock().release()


def test_states() -> None:
    lock = sharevar.Lock()
    assert not lock.locked()
    with lock as entered:
        assert entered is True
        assert lock.locked()
        assert str(lock) == "<Lock(owner=MainProcess)>"
    assert not lock.locked()
    assert not lock.owner_died
    assert repr(lock) == "<Lock(owner=None)>"


def test_another_thread_may_release_a_lock(maker: Any) -> None:
    lock = maker.Lock()
    lock.acquire()
    thread = threading.Thread(target=lock.release)
    thread.start()
    thread.join()
    assert lock.acquire(False)
    lock.release()


def test_recursive_lock_is_taken_again_by_its_thread_only(maker: Any) -> None:
    lock = maker.RLock()
    same = pickle.loads(pickle.dumps(lock))
    outcomes = []
    with lock, same, lock:
        thread = threading.Thread(target=lambda: outcomes.append(lock.acquire(False)))
        thread.start()
        thread.join()
    assert outcomes == [False]
    assert lock.acquire(False)
    lock.release()
    with pytest.raises(AssertionError):
        same.release()


def take_twice(lock: Any, connection: Any) -> None:
    connection.send(lock.acquire(timeout=0.05))


def test_a_forked_child_does_not_hold_what_its_parent_holds() -> None:
    lock = sharevar.RLock()
    ours, theirs = fork.Pipe()
    with lock:
        child = fork.Process(target=take_twice, args=(lock, theirs))
        child.start()
        assert ours.recv() is False
        child.join()


@pytest.mark.parametrize("make", [sharevar.Lock, sharevar.RLock])
def test_the_next_one_gets_the_lock_of_a_killed_holder(make: Any) -> None:
    lock = make()
    for _ in range(3):
        killed_holder(lock)
        assert lock.acquire()
        assert lock.owner_died
        lock.mark_consistent()
        assert not lock.owner_died
        lock.release()


def test_a_sleeping_waiter_goes_on_when_the_holder_is_killed() -> None:
    # Promised are 100 ms; a machine under load is forgiven ten times that.
    promise = Promise(1)
    for _ in promise.attempts():
        lock = sharevar.Lock()
        ours, theirs = fork.Pipe()
        child = fork.Process(target=acquire_and_report, args=(lock, theirs))
        child.start()
        assert ours.recv() == "held"
        thread = threading.Thread(target=lock.acquire)
        thread.start()
        eventually(lambda thread=thread: sleeps(os.getpid(), thread.native_id))
        with promise.measured():
            os.kill(child.pid, signal.SIGKILL)
            thread.join()
        child.join()
        assert lock.owner_died
        lock.release()


def test_a_manager_lock_takes_the_names_of_both_libraries(manager: Any) -> None:
    lock = manager.Lock()
    assert lock.acquire(blocking=True)
    assert lock.acquire(blocking=False) is False
    assert lock.acquire(block=False) is False
    assert lock.acquire(True, timeout=0.01) is False
    lock.release()
    with lock:
        pass


def test_interrupt_ends_the_wait_and_takes_nothing() -> None:
    lock = sharevar.Lock()
    lock.acquire()
    for _ in range(5):
        with pytest.raises(KeyboardInterrupt), interrupted(signal.SIGINT):
            lock.acquire()
    lock.release()
    assert lock.acquire(False)
    lock.release()


def test_a_handler_that_does_not_raise_lets_the_wait_go_on() -> None:
    lock = sharevar.Lock()
    lock.acquire()
    handled = []

    def handler(number: int, frame: Any) -> None:
        handled.append(number)
        if len(handled) == 1:
            lock.release()

    previous = signal.signal(signal.SIGUSR1, handler)
    try:
        with interrupted(signal.SIGUSR1):
            assert lock.acquire()
    finally:
        signal.signal(signal.SIGUSR1, previous)
    assert handled == [signal.SIGUSR1]
    lock.release()


def increment(number: Any, lock: Any, times: int) -> None:
    for _ in range(times):
        with lock:
            number.value += 1


def test_two_processes_lose_no_increment(context: Any) -> None:
    number, lock = sharevar.RawValue("q"), sharevar.Lock()
    children = [
        context.Process(target=increment, args=(number, lock, 20_000)) for _ in range(2)
    ]
    for child in children:
        child.start()
    for child in children:
        child.join()
    assert number.value == 40_000


def test_a_standard_condition_can_use_it(maker: Any) -> None:
    for lock in (maker.Lock(), maker.RLock()):
        condition = multiprocessing.Condition(lock)
        with condition:
            assert condition.wait(0.01) is False
            condition.notify()


def test_deep_copy_is_refused(maker: Any) -> None:
    import copy

    with pytest.raises(TypeError):
        copy.deepcopy(maker.Lock())


@pytest.mark.parametrize("managed", [False, True])
@pytest.mark.parametrize("kind", ["Lock", "RLock", "Semaphore", "Condition"])
def test_whether_to_wait_is_any_object_that_is_true_or_not(kind: str, managed: bool) -> None:
    maker: Any = sharevar.Manager() if managed else sharevar
    lock = getattr(maker, kind)()
    assert lock.acquire(1) and lock.acquire(0) == (kind in ("RLock", "Condition"))


@pytest.mark.parametrize(
    "kind", ["Lock", "RLock", "Semaphore", "BoundedSemaphore", "Condition", "Event", "Barrier"]
)
def test_primitives_pass_for_those_of_multiprocessing(kind: str) -> None:
    arguments = (2,) if kind == "Barrier" else ()
    standard = getattr(multiprocessing.synchronize, kind)
    assert isinstance(getattr(sharevar, kind)(*arguments), standard)
    managed = getattr(sharevar.Manager(), kind)(*arguments)
    assert not isinstance(managed, standard)
    assert isinstance(managed, multiprocessing.managers.BaseProxy)


def test_a_living_holder_of_this_machine_loses_no_lock(manager: Any) -> None:
    for lock in (manager.Lock(), manager.RLock()):
        numbers = manager.list()
        with pytest.raises(sharevar.NotOwner):
            lock.fence(numbers)
        with lock:
            assert lock.lost is False and (lock.token is None or lock.token > 0)
            fenced = lock.fence(numbers)
            fenced.append(1)
            assert type(fenced) is type(numbers)
        assert numbers[:] == [1] and lock.token is None and not lock.lost
