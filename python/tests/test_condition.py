"""Condition: waiters are notified in order, also when others are killed or interrupted."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
import time
from typing import Any

import pytest
from support.processes import kill_child
from support.waiting import Promise, eventually

import sharevar

pytestmark = pytest.mark.every_engine

fork = multiprocessing.get_context("fork")


def waiting(condition: Any) -> int:
    return int(condition._counts()[0])


def wait_and_report(condition: Any, number: int, woken: Any) -> None:
    with condition:
        if condition.wait():
            woken.append(number)


def start_waiters(condition: Any, woken: Any, count: int) -> list[Any]:
    """Processes that wait, in the order of their numbers."""
    children = []
    for number in range(count):
        before = waiting(condition)
        child = fork.Process(target=wait_and_report, args=(condition, number, woken))
        child.start()
        children.append(child)
        eventually(lambda before=before: waiting(condition) == before + 1)
    return children


@pytest.fixture(params=["Lock", "RLock", "its own", "in memory"])
def condition(request: pytest.FixtureRequest) -> Any:
    if request.param == "in memory":
        if request.node.get_closest_marker("needs"):
            pytest.skip("other processes have no variables of a memory engine")
        return sharevar.Manager("memory:").Condition()
    if request.param == "its own":
        return sharevar.Condition()
    return sharevar.Condition(getattr(sharevar, request.param)())


def test_wait_ends_in_time(condition: Any) -> None:
    with condition:
        for timeout in (0, -1, 0.05):
            start = time.monotonic()
            assert condition.wait(timeout) is False
            assert time.monotonic() - start >= timeout
    assert condition._counts() == (0, 0)


def test_without_the_lock_it_raises_as_both_libraries_do(condition: Any) -> None:
    for method in (condition.wait, condition.notify, condition.notify_all):
        for error in (AssertionError, RuntimeError, sharevar.NotOwner):
            with pytest.raises(error):
                method()


def test_the_lock_may_be_any_of_ours_and_no_other(maker: Any) -> None:
    lock = maker.Lock()
    condition = maker.Condition(lock)
    with condition:
        assert lock.locked()
    assert condition.acquire(timeout=1)
    assert not lock.acquire(False)
    condition.release()
    for wrong in (threading.Lock(), sharevar.RawValue("i"), maker.Condition()):
        with pytest.raises(TypeError):
            maker.Condition(wrong)


@pytest.mark.needs("processes")
def test_notified_in_the_order_of_arrival(condition: Any, manager: Any) -> None:
    woken = manager.list()
    children = start_waiters(condition, woken, 4)
    for expected in ([0], [0, 1]):
        with condition:
            condition.notify()
        eventually(lambda expected=expected: list(woken) == expected)
    with condition:
        condition.notify(n=10)
        condition.notify(0)
        condition.notify(-1)
    for child in children:
        child.join()
    assert sorted(woken) == [0, 1, 2, 3]
    assert condition._counts() == (0, 0)


def test_a_notification_without_waiters_is_nothing(condition: Any) -> None:
    with condition:
        condition.notify()
        condition.notify_all()
        assert condition.wait(0.02) is False


def test_recursion_is_given_back_and_restored(maker: Any) -> None:
    condition = maker.Condition()
    outcomes = []

    def notify() -> None:
        with condition:
            outcomes.append("in")
            condition.notify()

    with condition, condition, condition:
        thread = threading.Thread(target=notify)
        thread.start()
        assert condition.wait(30)
        assert condition._lock._recursion_count() == 3
        thread.join()
    assert outcomes == ["in"]
    assert not condition._lock.locked()


def test_wait_for(condition: Any) -> None:
    number = sharevar.RawValue("i", 0)

    def count() -> None:
        for _ in range(4):
            with condition:
                number.value += 1
                condition.notify()

    thread = threading.Thread(target=count)
    with condition:
        thread.start()
        assert condition.wait_for(lambda: number.value == 4) is True
        assert condition.wait_for(lambda: number.value == 5, timeout=0.05) is False
        assert condition.wait_for(lambda: "as it is") == "as it is"
    thread.join()


def bounce(condition: Any, turn: Any, mine: int, times: int) -> None:
    for _ in range(times):
        with condition:
            condition.wait_for(lambda: turn.value == mine)
            turn.value = 1 - mine
            condition.notify()


def test_two_processes_take_turns(context: Any) -> None:
    condition, turn = sharevar.Condition(), sharevar.RawValue("i", 0)
    children = [
        context.Process(target=bounce, args=(condition, turn, mine, 500)) for mine in (0, 1)
    ]
    for child in children:
        child.start()
    for child in children:
        child.join()
        assert child.exitcode == 0
    assert condition._counts() == (0, 0)


def test_a_pickled_one_finds_its_lock(manager: Any) -> None:
    lock = manager.Lock()
    condition = sharevar.Condition(lock)
    home = manager.dict(condition=condition)
    for same in (pickle.loads(pickle.dumps(condition)), home["condition"]):
        assert isinstance(same, sharevar.Condition)
        assert isinstance(same._lock, sharevar.Lock)
        with same:
            assert lock.locked()
        assert not lock.locked()
    del condition, lock, same
    with home["condition"] as entered:
        assert entered is True
    del home


def test_its_lock_goes_with_it() -> None:
    arena = sharevar.Arena()
    condition = sharevar.Condition(arena=arena)
    with condition:
        condition.wait(0)
    assert arena.references == 2
    del condition
    assert arena.check() == []
    assert arena.references == 0


@pytest.mark.needs("processes")
def test_who_is_killed_while_waiting_is_passed_over(condition: Any, manager: Any) -> None:
    woken = manager.list()
    children = start_waiters(condition, woken, 4)
    kill_child(children[0])
    kill_child(children[1])
    with condition:
        condition.notify()
    eventually(lambda: list(woken) == [2])
    kill_child(children[3])
    with condition:
        condition.notify_all()
    children[2].join()
    # Notifications of the dead are not kept for later waiters.
    with condition:
        assert condition.wait(0.2) is False
    assert list(woken) == [2]


@pytest.mark.needs("processes")
def test_who_is_killed_after_it_was_notified_has_not_used_it_up(
    condition: Any, manager: Any
) -> None:
    # Promised are 100 ms; a machine under load is forgiven ten times that.
    promise = Promise(1)
    for _ in promise.attempts():
        woken = manager.list()
        children = start_waiters(condition, woken, 3)
        with condition:
            condition.notify()
            # It is awake, and waits for the lock.
            eventually(lambda: condition._counts() == (2, 1))
            kill_child(children[0])
        with promise.measured():
            eventually(lambda woken=woken: list(woken) == [1])
        with condition:
            condition.notify()
        children[2].join()
        children[1].join()
        assert list(woken) == [1, 2]


def hold_for_ever(condition: Any, connection: Any) -> None:
    condition.acquire()
    connection.send("held")
    connection.recv()


@pytest.mark.needs("processes")
def test_the_holder_of_the_lock_is_killed(condition: Any, manager: Any) -> None:
    woken = manager.list()
    waiter = start_waiters(condition, woken, 1)[0]
    ours, theirs = fork.Pipe()
    holder = fork.Process(target=hold_for_ever, args=(condition, theirs))
    holder.start()
    assert ours.recv() == "held"
    kill_child(holder)
    with condition:
        assert condition._lock.owner_died
        condition.notify()
    waiter.join()
    assert list(woken) == [0]


def interrupted(condition: Any, connection: Any) -> None:
    with condition:
        try:
            condition.wait()
        except KeyboardInterrupt:
            connection.send(("interrupted", condition._lock._is_owned()))


@pytest.mark.needs("processes")
def test_interrupt_ends_the_wait_with_the_lock(condition: Any) -> None:
    ours, theirs = fork.Pipe()
    child = fork.Process(target=interrupted, args=(condition, theirs))
    child.start()
    eventually(lambda: waiting(condition) == 1)
    with condition:
        os.kill(child.pid, signal.SIGINT)
        # It has the lock before it goes on.
        assert not ours.poll(0.1)
    assert ours.recv() == ("interrupted", True)
    child.join()
    assert condition._counts() == (0, 0)


def test_who_leaves_by_an_exception_passes_the_notification_on(condition: Any) -> None:
    woken = []

    def second() -> None:
        eventually(lambda: waiting(condition) == 1)
        with condition:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)
            woken.append(condition.wait(30))

    def handler(number: int, frame: Any) -> None:
        # Runs inside the wait of the first, when the second waits too.
        with condition:
            assert waiting(condition) == 2
            condition.notify()
        raise InterruptedError

    previous = signal.signal(signal.SIGUSR1, handler)
    thread = threading.Thread(target=second)
    try:
        with condition:
            thread.start()
            with pytest.raises(InterruptedError):
                condition.wait()
            assert condition._lock._is_owned()
            assert condition._counts() == (0, 1)
    finally:
        signal.signal(signal.SIGUSR1, previous)
    thread.join()
    assert woken == [True]
    assert condition._counts() == (0, 0)


def test_a_wait_blocks_no_other_thread(condition: Any) -> None:
    result = []

    def wait() -> None:
        with condition:
            result.append(condition.wait(30))

    threads = [threading.Thread(target=wait) for _ in range(40)]
    for thread in threads:
        thread.start()
    # More than one chunk of places; all of one process.
    eventually(lambda: waiting(condition) == 40)
    with condition:
        condition.notify(39)
    eventually(lambda: len(result) == 39)
    with condition:
        condition.notify_all()
    for thread in threads:
        thread.join()
    assert result == [True] * 40


def processor_time(pid: int) -> float:
    """Seconds that a process has computed: its clock, as clock_getcpuclockid names it."""
    return time.clock_gettime(~pid << 3 | 2)


def test_a_hundred_waiters_cost_next_to_nothing() -> None:
    condition = sharevar.Condition()
    children = []
    for _ in range(10):
        child = fork.Process(target=ten_waiters, args=(condition,))
        child.start()
        children.append(child)
    eventually(lambda: waiting(condition) == 100)
    time.sleep(0.5)
    before, begin = sum(processor_time(child.pid) for child in children), time.monotonic()
    time.sleep(2)
    used = sum(processor_time(child.pid) for child in children) - before
    part = used / (time.monotonic() - begin)
    with condition:
        condition.notify_all()
    for child in children:
        child.join()
    print(f"100 waiters: {part:.2%} of a core")
    # One per cent is promised; a machine under load is forgiven ten times that.
    assert part < 0.1


def ten_waiters(condition: Any) -> None:
    def wait() -> None:
        with condition:
            assert condition.wait()

    threads = [threading.Thread(target=wait) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_names_of_the_standard_classes() -> None:
    condition = sharevar.Condition()
    assert str(condition).startswith("<Condition(<RLock(")
    assert repr(condition) == str(condition)
    with condition:
        condition._callmethod("notify", (3,))
        assert condition._callmethod("wait", (0.01,)) is False
