"""Semaphores: against the standard's, and with holders and waiters that are killed."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
import time
from typing import Any

import pytest
from support.processes import kill_child, stop_in_wait
from support.waiting import all_sleep, eventually, sleeps

import sharevar

pytestmark = pytest.mark.every_engine

fork = multiprocessing.get_context("fork")

KINDS = (sharevar.Semaphore, sharevar.BoundedSemaphore)


def tell(semaphore: Any, connection: Any, acquire: int, release: int) -> None:
    for _ in range(acquire):
        semaphore.acquire()
    for _ in range(release):
        semaphore.release()
    connection.send("done")
    connection.recv()


def other(semaphore: Any, acquire: int = 0, release: int = 0) -> tuple[Any, Any]:
    """A process that has acquired and released, and stands there until told to go."""
    ours, theirs = fork.Pipe()
    child = fork.Process(target=tell, args=(semaphore, theirs, acquire, release))
    child.start()
    theirs.close()
    assert ours.recv() == "done"
    return child, ours


@pytest.mark.parametrize("kind", KINDS)
def test_it_counts_as_the_standard_one_does(kind: Any) -> None:
    semaphores = (kind(2), getattr(multiprocessing, kind.__name__)(2))
    for semaphore in semaphores:
        assert semaphore.get_value() == 2
        assert semaphore.acquire() is True
        assert semaphore.acquire(block=True, timeout=1) is True
        assert semaphore.get_value() == 0
        assert semaphore.acquire(False) is False
        assert semaphore.acquire(block=False) is False
        assert semaphore.acquire(True, 0.01) is False
        assert semaphore.acquire(timeout=-1) is False
        assert semaphore._semlock._is_zero() is True
        assert semaphore._semlock._count() == 2
        assert semaphore._semlock._is_mine() is True
        assert semaphore.release() is None
        assert semaphore._semlock._get_value() == 1
        with semaphore as entered:
            assert entered is True
            assert semaphore.get_value() == 0
        assert semaphore.release() is None
        assert semaphore._semlock._count() == 0
    ours, standard = semaphores
    assert repr(ours) == str(ours) == repr(standard)
    assert ours._semlock.maxvalue == standard._semlock.maxvalue


def test_it_takes_the_names_of_threading_too(maker: Any) -> None:
    semaphore = maker.Semaphore()
    assert semaphore.acquire(blocking=True)
    assert semaphore.locked()
    assert semaphore.acquire(blocking=False) is False
    assert semaphore.acquire(blocking=True, timeout=0.01) is False
    semaphore.release(n=3)
    assert semaphore.get_value() == 3
    for standard in (semaphore, threading.Semaphore()):
        with pytest.raises(ValueError, match="n must be one or more"):
            standard.release(0)


def test_what_it_cannot_be_made_with() -> None:
    for kind in (*KINDS, threading.Semaphore):
        with pytest.raises(ValueError, match="semaphore initial value must be >= 0"):
            kind(-1)
    with pytest.raises(OverflowError):
        sharevar.Semaphore(1 << 31)


def test_a_bounded_one_refuses_what_was_not_acquired(maker: Any) -> None:
    semaphore = maker.BoundedSemaphore(2)
    assert str(semaphore) == "<BoundedSemaphore(value=2, maxvalue=2)>"
    for error in (ValueError, sharevar.TooManyReleases):
        with pytest.raises(error, match="Semaphore released too many times"):
            semaphore.release()
    semaphore.acquire()
    with pytest.raises(ValueError, match="Semaphore released too many times"):
        semaphore.release(2)
    assert semaphore.get_value() == 1
    semaphore.release()
    assert semaphore.get_value() == 2


@pytest.mark.needs("processes")
def test_shared_in_every_way(context: Any, manager: Any) -> None:
    semaphore = sharevar.BoundedSemaphore(3)
    child = context.Process(target=take_one, args=(semaphore,))
    child.start()
    child.join()
    assert child.exitcode == 0
    kept = manager.list()
    same = pickle.loads(pickle.dumps(semaphore))
    assert type(same) is sharevar.BoundedSemaphore
    assert same.acquire() and same.handle == semaphore.handle
    inner = sharevar.Semaphore(1, arena=manager.arena)
    kept.append(inner)
    assert kept[0].acquire() and inner.locked()


def take_one(semaphore: Any) -> None:
    assert semaphore.acquire(timeout=60)


def test_the_units_of_a_killed_holder_come_back() -> None:
    semaphore = sharevar.Semaphore(5)
    semaphore.acquire()
    for units in (1, 4, 2):
        child, _ = other(semaphore, acquire=units)
        assert semaphore.get_value() == 4 - units
        kill_child(child)
        assert semaphore.get_value() == 4
    assert semaphore._semlock._count() == 1


def test_all_of_many_killed_holders() -> None:
    semaphore = sharevar.BoundedSemaphore(12)
    children = [other(semaphore, acquire=1)[0] for _ in range(12)]
    assert semaphore.acquire(False) is False
    for child in children[::2]:
        kill_child(child)
    assert [semaphore.acquire(timeout=30) for _ in range(6)] == [True] * 6
    assert semaphore.acquire(False) is False
    for child in children[1::2]:
        kill_child(child)
    assert semaphore.get_value() == 6


def test_a_waiter_gets_what_a_killed_holder_held() -> None:
    semaphore = sharevar.Semaphore(1)
    holder, _ = other(semaphore, acquire=1)
    waiter = fork.Process(target=take_one, args=(semaphore,))
    waiter.start()
    eventually(lambda: sleeps(waiter.pid))
    kill_child(holder)
    waiter.join()
    assert waiter.exitcode == 0


def test_a_killed_waiter_takes_nothing_with_it() -> None:
    semaphore = sharevar.Semaphore(1)
    semaphore.acquire()
    waiters = [fork.Process(target=take_one, args=(semaphore,)) for _ in range(3)]
    for waiter in waiters:
        waiter.start()
    eventually(lambda: all_sleep(waiters))
    for waiter in waiters:
        kill_child(waiter)
    semaphore.release()
    assert semaphore.get_value() == 1
    assert semaphore.acquire(False)
    semaphore.release()


def test_one_killed_between_waking_and_taking_is_passed_over() -> None:
    semaphore = sharevar.Semaphore(1)
    semaphore.acquire()
    waiters = [fork.Process(target=take_one, args=(semaphore,)) for _ in range(2)]
    for waiter in waiters:
        waiter.start()
    eventually(lambda: all_sleep(waiters))
    # Stopped, it is woken and cannot take.
    first, second = waiters
    stop_in_wait(first.pid)
    semaphore.release()
    kill_child(first)
    second.join(60)
    assert second.exitcode == 0


def test_in_a_signal_nothing_is_given_back() -> None:
    filled = sharevar.Semaphore(0)
    producer, _ = other(filled, release=3)
    kill_child(producer)
    assert filled.get_value() == 3
    consumer, _ = other(filled, acquire=2)
    kill_child(consumer)
    assert filled.get_value() == 1


def test_a_killed_producer_makes_no_place_of_a_filled_one() -> None:
    empty, filled = sharevar.Semaphore(5), sharevar.Semaphore(0)
    ours, theirs = fork.Pipe()
    child = fork.Process(target=produce, args=(empty, filled, theirs))
    child.start()
    # The first is consumed before the producer dies: by then both are signals.
    assert ours.recv() == "three"
    filled.acquire()
    empty.release()
    kill_child(child)
    for _ in range(2):
        assert filled.acquire(False)
        empty.release()
    assert filled.acquire(False) is False
    assert empty.get_value() == 5


def produce(empty: Any, filled: Any, connection: Any) -> None:
    for _ in range(3):
        empty.acquire()
        filled.release()
    connection.send("three")
    connection.recv()


def test_ownership_may_be_settled() -> None:
    owned = sharevar.Semaphore(2, owned=True)
    child, _ = other(owned, acquire=1)
    owned.release()
    assert owned.get_value() == 2
    kill_child(child)
    assert owned.get_value() == 3
    free = sharevar.Semaphore(2, owned=False)
    child, _ = other(free, acquire=1)
    kill_child(child)
    assert free.get_value() == 1
    bounded = sharevar.BoundedSemaphore(2, owned=True)
    child, _ = other(bounded, acquire=1)
    bounded.release()
    kill_child(child)
    assert bounded.get_value() == 2


@pytest.mark.parametrize("handler_raises", [True, False])
def test_interrupt(handler_raises: bool) -> None:
    semaphore = sharevar.Semaphore(0)
    ours, theirs = fork.Pipe()
    child = fork.Process(target=be_interrupted, args=(semaphore, theirs, handler_raises))
    child.start()
    assert ours.recv() == "waiting"
    eventually(lambda: sleeps(child.pid))
    os.kill(child.pid, signal.SIGINT)
    assert ours.recv() == "interrupted"
    semaphore.release()
    assert ours.recv() == ("took nothing" if handler_raises else "took it")
    child.join()
    assert semaphore.get_value() == (1 if handler_raises else 0)


def be_interrupted(semaphore: Any, connection: Any, raises: bool) -> None:
    def handle(number: int, frame: Any) -> None:
        connection.send("interrupted")
        if raises:
            raise KeyboardInterrupt

    signal.signal(signal.SIGINT, handle)
    connection.send("waiting")
    try:
        semaphore.acquire()
        connection.send("took it")
    except KeyboardInterrupt:
        connection.send("took nothing")


def test_a_wait_stops_no_other_thread() -> None:
    semaphore = sharevar.Semaphore(0)
    thread = threading.Thread(target=semaphore.acquire)
    thread.start()
    begin = time.monotonic()
    assert semaphore.acquire(timeout=0.05) is False
    assert time.monotonic() - begin >= 0.05
    semaphore.release()
    thread.join()
    assert semaphore.get_value() == 0


def inside(semaphore: Any, now: Any, most: Any, times: int) -> None:
    for _ in range(times):
        with semaphore:
            with now.get_lock():
                now.value += 1
                most.value = max(most.value, now.value)
            with now.get_lock():
                now.value -= 1


@pytest.mark.one_version
def test_no_more_are_inside_than_there_are_units(context: Any) -> None:
    semaphore = sharevar.BoundedSemaphore(2)
    now, most = sharevar.Value("q"), sharevar.RawValue("q")
    children = [
        context.Process(target=inside, args=(semaphore, now, most, 2000))
        for _ in range(4)
    ]
    for child in children:
        child.start()
    for child in children:
        child.join()
        assert child.exitcode == 0
    assert 1 <= most.value <= 2
    assert semaphore.get_value() == 2


def test_a_standard_condition_can_use_it(maker: Any) -> None:
    condition = multiprocessing.Condition(maker.Semaphore(1))
    with condition:
        assert condition.wait(0.01) is False
        condition.notify()


def test_after_shutdown() -> None:
    manager = sharevar.Manager()
    semaphore = sharevar.Semaphore(1, arena=manager.arena)
    manager.arena.close()
    for call in (semaphore.acquire, semaphore.release, semaphore.get_value):
        with pytest.raises(sharevar.ClosedError):
            call()
    assert str(semaphore) == "<Semaphore(value=unknown)>"
