"""No count of arrivals, holders, waiters or places has a dead process in it.

Each test kills a process, leaves it a zombie, and asks at once: a count that first needs a
watch to come round, or the dead one to be reaped, fails.
"""

from __future__ import annotations

import multiprocessing
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest
from support.processes import stop_in_wait
from support.waiting import eventually, sleeps

import sharevar

fork = multiprocessing.get_context("fork")


def wait_without_reaping(child: Any) -> None:
    try:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    except ChildProcessError:
        # A child of the fork server, which reaps it.
        child.join()


def die(child: Any) -> None:
    os.kill(child.pid, signal.SIGKILL)
    wait_without_reaping(child)


# Ways in which a process ends while one of its threads waits.


def stand() -> None:
    signal.pause()


def leave() -> None:
    os._exit(0)


def become_another() -> None:
    os.execv(sys.executable, [sys.executable, "-c", "import signal; signal.pause()"])


def end_in_order() -> None:
    pass


def kill_itself() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def arrive(barrier: Any, outcomes: Any = None) -> None:
    try:
        barrier.wait()
        outcome = "passed"
    except threading.BrokenBarrierError:
        outcome = "broken"
    if outcomes is not None:
        outcomes.append(outcome)


def arrive_by_a_thread(barrier: Any, go: Any, end: Callable[[], None]) -> None:
    threading.Thread(target=arrive, args=(barrier,), daemon=True).start()
    go.wait()
    end()


ENDS = (leave, become_another, end_in_order, kill_itself)


def arrived(barrier: Any, context: Any, count: int = 1) -> Any:
    """A child that waits at the barrier; with it so many wait there."""
    child = context.Process(target=arrive, args=(barrier,))
    child.start()
    eventually(lambda: barrier.n_waiting == count)
    return child


def assert_broken(barrier: Any, *timeout: float) -> None:
    with pytest.raises(threading.BrokenBarrierError):
        barrier.wait(*timeout)
    assert (barrier.broken, barrier.n_waiting) == (True, 0)


def test_a_barrier_breaks_when_the_last_arrives_and_one_is_dead(context: Any) -> None:
    barrier = sharevar.Barrier(2)
    child = arrived(barrier, context)
    die(child)
    assert_broken(barrier)
    child.join()


def test_under_every_timeout_and_after_a_reset(manager: Any) -> None:
    for barrier in (sharevar.Barrier(2), manager.Barrier(2), sharevar.Barrier(2, None, 30)):
        for timeout in ((), (0,), (30,)):
            child = arrived(barrier, fork)
            die(child)
            assert_broken(barrier, *timeout)
            barrier.reset()
            child.join()
        # A reset leaves nothing of the dead behind.
        child = arrived(barrier, fork)
        die(child)
        barrier.reset()
        assert (barrier.broken, barrier.n_waiting) == (False, 0)
        living = fork.Process(target=arrive, args=(barrier,))
        living.start()
        assert barrier.wait(30) in (0, 1)
        for process in (living, child):
            process.join()


@pytest.mark.parametrize("end", ENDS)
def test_however_it_ends_while_a_thread_of_it_waits(end: Callable[[], None]) -> None:
    barrier, go = sharevar.Barrier(2), fork.Event()
    child = fork.Process(target=arrive_by_a_thread, args=(barrier, go, end))
    child.start()
    eventually(lambda: barrier.n_waiting == 1)
    go.set()
    if end is become_another:
        eventually(lambda: b"sharevar" not in command(child) and b"pause" in command(child))
    else:
        wait_without_reaping(child)
    assert_broken(barrier)
    child.kill()
    child.join()


def command(child: Any) -> bytes:
    with open(f"/proc/{child.pid}/cmdline", "rb") as file:
        return file.read()


def test_those_who_live_and_wait_are_told_when_the_last_arrives(manager: Any) -> None:
    barrier, outcomes = sharevar.Barrier(4), manager.list()
    living = [fork.Process(target=arrive, args=(barrier, outcomes)) for _ in range(2)]
    for number, child in enumerate(living):
        child.start()
        eventually(lambda number=number: barrier.n_waiting == number + 1)
    dead = arrived(barrier, fork, 3)
    # They sleep and cannot look, so only the one that comes last can find out.
    for child in living:
        stop_in_wait(child.pid)
    die(dead)
    assert_broken(barrier)
    for child in living:
        os.kill(child.pid, signal.SIGCONT)
    for child in (*living, dead):
        child.join()
    assert list(outcomes) == ["broken"] * 2


def test_the_action_does_not_run_when_one_is_dead(manager: Any) -> None:
    ran = manager.list()
    barrier = sharevar.Barrier(2, lambda: ran.append(1))
    child = arrived(barrier, fork)
    die(child)
    assert_broken(barrier)
    assert list(ran) == []
    child.join()


def test_one_that_is_killed_while_the_action_runs_has_not_passed() -> None:
    children: list[Any] = []
    barrier = sharevar.Barrier(2, lambda: die(children[0]))
    children.append(arrived(barrier, fork))
    assert_broken(barrier)
    children[0].join()


def test_who_comes_when_the_runner_of_the_action_is_dead() -> None:
    running = fork.Event()

    def action() -> None:
        running.set()
        signal.pause()

    barrier = sharevar.Barrier(2, action)
    children = [arrived(barrier, fork)]
    stop_in_wait(children[0].pid)
    children.append(fork.Process(target=arrive, args=(barrier,)))
    children[1].start()
    assert running.wait(30)
    die(children[1])
    assert_broken(barrier)
    os.kill(children[0].pid, signal.SIGCONT)
    for child in children:
        child.join()


def test_looking_at_a_barrier_tells_of_the_dead() -> None:
    looks: tuple[Callable[[Any], object], ...] = (
        lambda barrier: barrier.n_waiting == 0,
        lambda barrier: barrier.broken,
        lambda barrier: str(barrier) == "<Barrier: broken>",
    )
    for look in looks:
        barrier = sharevar.Barrier(3)
        child = arrived(barrier, fork)
        die(child)
        assert look(barrier)
        barrier.abort()
        assert barrier.broken
        child.join()


def hold(lock: Any, ready: Any) -> None:
    lock.acquire()
    ready.set()
    stand()


@pytest.mark.parametrize("kind", ["Lock", "RLock", "Semaphore", "BoundedSemaphore"])
def test_one_try_gets_what_a_dead_one_holds(kind: str, manager: Any) -> None:
    for home in (sharevar, manager):
        lock, ready = getattr(home, kind)(), sharevar.Event()
        child = fork.Process(target=hold, args=(lock, ready))
        child.start()
        assert ready.wait(30)
        # Asked before, a moment ago.
        assert not lock.acquire(False)
        die(child)
        assert lock.acquire(False)
        lock.release()
        child.join()


def test_units_of_the_dead_are_free_units() -> None:
    for semaphore in (sharevar.Semaphore(3), sharevar.BoundedSemaphore(3)):
        semaphore.acquire()
        children = []
        for _ in range(2):
            ready = fork.Event()
            children.append(fork.Process(target=hold, args=(semaphore, ready)))
            children[-1].start()
            assert ready.wait(30)
        assert semaphore.get_value() == 0
        for number, child in enumerate(children):
            die(child)
            assert semaphore.get_value() == number + 1
        # A unit that has come back is not given back once more.
        semaphore.release()
        assert semaphore.get_value() == 3
        if isinstance(semaphore, sharevar.BoundedSemaphore):
            with pytest.raises(ValueError):
                semaphore.release()
        for child in children:
            child.join()


def wait_for_notification(condition: Any, ready: Any) -> None:
    with condition:
        ready.set()
        condition.wait()


def test_dead_waiters_of_a_condition_are_not_shown() -> None:
    condition, ready = sharevar.Condition(sharevar.Lock()), fork.Event()
    child = fork.Process(target=wait_for_notification, args=(condition, ready))
    child.start()
    assert ready.wait(30)
    with condition:
        assert condition._sleeping_count.get_value() == 1
        die(child)
        assert condition._sleeping_count.get_value() == 0
        assert str(condition).endswith(", 0)>")
    child.join()


def get_and_die(items: Any) -> None:
    items.get()
    kill_itself()


def put_and_die(items: Any) -> None:
    items.put(1)
    kill_itself()


def test_items_and_places_of_a_queue_belong_to_no_process(manager: Any) -> None:
    for items in (sharevar.Queue(1), sharevar.JoinableQueue(1), manager.Queue(1)):
        producer = fork.Process(target=put_and_die, args=(items,))
        producer.start()
        wait_without_reaping(producer)
        assert (items.qsize(), items.full()) == (1, True)
        with pytest.raises(queue.Full):
            items.put_nowait(2)
        consumer = fork.Process(target=get_and_die, args=(items,))
        consumer.start()
        wait_without_reaping(consumer)
        assert (items.qsize(), items.full()) == (0, False)
        items.put_nowait(2)
        assert items.get_nowait() == 2
        for child in (producer, consumer):
            child.join()


def wait_for_place(items: Any, ready: Any) -> None:
    ready.set()
    items.put(1)


def test_a_place_that_a_dead_one_waited_for_is_anothers(manager: Any) -> None:
    items, ready = manager.Queue(1), fork.Event()
    items.put(0)
    child = fork.Process(target=wait_for_place, args=(items, ready))
    child.start()
    assert ready.wait(30)
    eventually(lambda: sleeps(child.pid))
    die(child)
    assert items.get() == 0
    items.put_nowait(1)
    assert (items.get_nowait(), items.empty()) == (1, True)
    child.join()


def test_a_task_that_a_dead_one_took_is_unfinished_until_it_is_said_to_be_done(
    manager: Any,
) -> None:
    for tasks in (sharevar.JoinableQueue(), manager.JoinableQueue()):
        tasks.put("task")
        child = fork.Process(target=get_and_die, args=(tasks,))
        child.start()
        child.join()
        joined = threading.Event()

        def join(tasks: Any = tasks, joined: threading.Event = joined) -> None:
            tasks.join()
            joined.set()

        waiter = threading.Thread(target=join)
        waiter.start()
        # The survivor does it again, and says so for both.
        tasks.put("task")
        assert tasks.get() == "task"
        tasks.task_done()
        assert not joined.wait(0.1)
        tasks.task_done()
        waiter.join(30)
        assert joined.is_set()
        with pytest.raises(ValueError):
            tasks.task_done()


def wait_for_event(event: Any, ready: Any) -> None:
    ready.set()
    event.wait()


def test_a_dead_waiter_takes_nothing_of_an_event() -> None:
    event, ready = sharevar.Event(), fork.Event()
    child = fork.Process(target=wait_for_event, args=(event, ready))
    child.start()
    assert ready.wait(30)
    woken: list[bool] = []
    thread = threading.Thread(target=lambda: woken.append(event.wait(30)))
    thread.start()
    eventually(lambda: sleeps(child.pid))
    die(child)
    event.set()
    thread.join()
    assert woken == [True]
    event.clear()
    assert not event.wait(0)
    child.join()
