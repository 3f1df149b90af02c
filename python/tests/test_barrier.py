"""Barrier: all or none, also when some are killed, late, or run an action that fails."""

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
from support.waiting import Promise, eventually, grown_limits

import sharevar

pytestmark = [pytest.mark.every_engine, pytest.mark.long]

fork = multiprocessing.get_context("fork")


def pass_and_report(barrier: Any, outcomes: Any, *timeout: float) -> None:
    try:
        outcomes.append(barrier.wait(*timeout))
    except threading.BrokenBarrierError:
        outcomes.append("broken")


def start(barrier: Any, outcomes: Any, count: int, context: Any = fork) -> list[Any]:
    children = [
        context.Process(target=pass_and_report, args=(barrier, outcomes)) for _ in range(count)
    ]
    for child in children:
        child.start()
    return children


def join(children: list[Any]) -> None:
    for child in children:
        child.join()


def test_all_are_released_and_each_has_an_index(context: Any) -> None:
    barrier, outcomes = sharevar.Barrier(4), sharevar.managers.ListProxy(sharevar.Arena())
    children = start(barrier, outcomes, 3, context)
    eventually(lambda: barrier.n_waiting == 3)
    assert list(outcomes) == []
    outcomes.append(barrier.wait())
    join(children)
    assert sorted(outcomes) == [0, 1, 2, 3]
    assert (barrier.parties, barrier.n_waiting, barrier.broken) == (4, 0, False)


def test_one_party_never_waits(maker: Any) -> None:
    calls: list[int] = []
    for barrier in (maker.Barrier(1), maker.Barrier(1, lambda: calls.append(1))):
        assert [barrier.wait(), barrier.wait(0)] == [0, 0]
    assert calls == [1, 1]


def test_no_parties_are_refused(maker: Any) -> None:
    for parties in (0, -1):
        with pytest.raises(ValueError):
            maker.Barrier(parties)


def rounds(barrier: Any, counts: Any, mine: int, times: int) -> None:
    for number in range(times):
        counts[mine] = number
        barrier.wait()
        assert list(counts) == [number] * len(counts)
        barrier.wait()


@pytest.mark.needs("processes")
@pytest.mark.one_version
def test_many_rounds_in_step(context: Any, manager: Any) -> None:
    barrier, counts = sharevar.Barrier(3), manager.list([0, 0, 0])
    children = [
        context.Process(target=rounds, args=(barrier, counts, mine, 200)) for mine in range(3)
    ]
    for child in children:
        child.start()
    for child in children:
        child.join()
        assert child.exitcode == 0


@pytest.mark.needs("processes")
def test_late_wakers_do_not_disturb_the_next_round(manager: Any) -> None:
    barrier, outcomes = sharevar.Barrier(2), manager.list()
    late = start(barrier, outcomes, 1)[0]
    eventually(lambda: barrier.n_waiting == 1)
    stop_in_wait(late.pid)
    assert barrier.wait() == 1
    # Released is released, whatever becomes of the barrier.
    with pytest.raises(threading.BrokenBarrierError):
        barrier.wait(0.01)
    barrier.reset()
    assert not barrier.broken
    others = start(barrier, outcomes, 2)
    join(others)
    barrier.abort()
    assert sorted(outcomes) == [0, 1]
    os.kill(late.pid, signal.SIGCONT)
    late.join()
    assert sorted(outcomes) == [0, 0, 1]


@pytest.mark.needs("processes")
@pytest.mark.parametrize("timeout", [(0.05,), (0,), (-1,)])
def test_a_time_out_breaks_it(manager: Any, timeout: tuple[float]) -> None:
    barrier, outcomes = sharevar.Barrier(3), manager.list()
    children = start(barrier, outcomes, 1)
    eventually(lambda: barrier.n_waiting == 1)
    with pytest.raises(threading.BrokenBarrierError):
        barrier.wait(*timeout)
    join(children)
    assert list(outcomes) == ["broken"]
    assert barrier.broken
    assert barrier.n_waiting == 0
    with pytest.raises(sharevar.BrokenBarrier):
        barrier.wait()


def test_the_time_out_that_it_was_made_with(maker: Any) -> None:
    barrier = maker.Barrier(2, timeout=0.05)
    begin = time.monotonic()
    with pytest.raises(threading.BrokenBarrierError):
        pickle.loads(pickle.dumps(barrier)).wait()
    assert time.monotonic() - begin >= 0.05


@pytest.mark.needs("processes")
def test_abort_and_reset(manager: Any) -> None:
    barrier, outcomes = sharevar.Barrier(3), manager.list()
    children = start(barrier, outcomes, 2)
    eventually(lambda: barrier.n_waiting == 2)
    barrier.abort()
    join(children)
    assert list(outcomes) == ["broken"] * 2
    assert barrier.broken
    barrier.reset()
    assert not barrier.broken
    children = start(barrier, outcomes, 2)
    eventually(lambda: barrier.n_waiting == 2)
    barrier.reset()
    join(children)
    assert list(outcomes) == ["broken"] * 4
    assert not barrier.broken
    join(start(barrier, outcomes, 3))
    assert sorted(outcomes[4:]) == [0, 1, 2]


def append_process(processes: Any) -> None:
    processes.append(os.getpid())


class Append:
    """An action that can be pickled."""

    def __init__(self, items: Any) -> None:
        self.items = items

    def __call__(self) -> None:
        self.items.append(os.getpid())


@pytest.mark.needs("processes")
@pytest.mark.one_version
def test_one_runs_the_action_before_any_goes_on(context: Any, manager: Any) -> None:
    ran, outcomes = manager.list(), manager.list()
    barrier = sharevar.Barrier(3, Append(ran))
    for number in range(1, 4):
        children = start(barrier, outcomes, 3, context)
        join(children)
        assert len(ran) == number
        assert ran[-1] in [child.pid for child in children]
    assert sorted(outcomes) == [0, 0, 0, 1, 1, 1, 2, 2, 2]


def pass_from_dict(home: Any, outcomes: Any) -> None:
    pass_and_report(home["barrier"], outcomes)


@pytest.mark.needs("processes")
def test_the_action_is_part_of_the_variable(context: Any, manager: Any) -> None:
    ran, outcomes = manager.list(), manager.list()
    home = manager.dict(barrier=sharevar.Barrier(1, Append(ran), arena=manager.arena))
    child = context.Process(target=pass_from_dict, args=(home, outcomes))
    child.start()
    child.join()
    assert list(outcomes) == [0]
    assert list(ran) == [child.pid]


@pytest.mark.needs("processes")
def test_an_action_that_cannot_be_pickled_goes_where_fork_takes_it(manager: Any) -> None:
    ran, outcomes = manager.list(), manager.list()
    barrier = sharevar.Barrier(2, lambda: ran.append(os.getpid()), arena=manager.arena)
    children = start(barrier, outcomes, 2)
    join(children)
    assert ran[0] in [child.pid for child in children]
    home = manager.dict(barrier=barrier)
    stranger = home["barrier"]
    children = start(barrier, outcomes, 1)
    eventually(lambda: barrier.n_waiting == 1)
    with pytest.raises(sharevar.NotShareable):
        stranger.wait()
    join(children)
    assert barrier.broken
    del home["barrier"]


@pytest.mark.needs("processes")
def test_an_action_that_fails_breaks_it(manager: Any) -> None:
    def fail() -> None:
        raise LookupError("in the action")

    barrier, outcomes = sharevar.Barrier(2, fail), manager.list()
    children = start(barrier, outcomes, 1)
    eventually(lambda: barrier.n_waiting == 1)
    with pytest.raises(LookupError, match="in the action"):
        barrier.wait()
    join(children)
    assert list(outcomes) == ["broken"]
    assert barrier.broken


@pytest.mark.needs("processes")
def test_a_time_out_does_not_break_what_is_complete(manager: Any) -> None:
    for limit in grown_limits():
        outcomes = manager.list()
        barrier = sharevar.Barrier(2, lambda limit=limit: time.sleep(2 * limit))
        child = fork.Process(target=pass_and_report, args=(barrier, outcomes, limit))
        child.start()
        eventually(lambda barrier=barrier: barrier.n_waiting == 1 or barrier.broken)
        try:
            assert barrier.wait() == 1
        except sharevar.BrokenBarrier:
            # It was not complete: the others did not come in time.
            child.join()
            continue
        child.join()
        assert list(outcomes) == [0]
        break


@pytest.mark.needs("processes")
def test_who_comes_during_the_action_is_of_the_next_round(manager: Any) -> None:
    outcomes = manager.list()
    running, go_on = fork.Event(), fork.Event()

    def action() -> None:
        running.set()
        go_on.wait(30)

    barrier = sharevar.Barrier(2, action)
    children = start(barrier, outcomes, 2)
    assert running.wait(30)
    assert barrier.n_waiting == 2
    third = start(barrier, outcomes, 1)
    go_on.set()
    join(children)
    assert sorted(outcomes) == [0, 1]
    eventually(lambda: barrier.n_waiting == 1)
    assert barrier.wait() == 1
    join(third)
    assert sorted(outcomes) == [0, 0, 1]


@pytest.mark.needs("processes")
def test_one_who_is_killed_while_it_waits_breaks_it(manager: Any) -> None:
    # Promised are 100 ms; a machine under load is forgiven ten times that.
    promise = Promise(1)
    for _ in promise.attempts():
        barrier, outcomes = sharevar.Barrier(4), manager.list()
        children = start(barrier, outcomes, 3)
        eventually(lambda barrier=barrier: barrier.n_waiting == 3)
        kill_child(children[1])
        with promise.measured():
            join(children)
        assert list(outcomes) == ["broken"] * 2
        assert barrier.broken
        barrier.reset()
        join(start(barrier, outcomes, 4))
        assert sorted(outcomes[2:]) == [0, 1, 2, 3]


@pytest.mark.needs("processes")
def test_one_who_is_killed_in_the_action_breaks_it(manager: Any) -> None:
    outcomes, runner = manager.list(), manager.list()

    def action() -> None:
        runner.append(os.getpid())
        signal.pause()

    promise = Promise(1)
    for _ in promise.attempts():
        del outcomes[:], runner[:]
        barrier = sharevar.Barrier(3, action)
        children = start(barrier, outcomes, 3)
        eventually(lambda: len(runner) == 1)
        # One too many waits for the next round, and must not hang either.
        children += start(barrier, outcomes, 1)
        os.kill(runner[0], signal.SIGKILL)
        with promise.measured():
            join(children)
        assert list(outcomes) == ["broken"] * 3
        assert barrier.broken


def interrupted(barrier: Any, outcomes: Any) -> None:
    try:
        barrier.wait()
    except KeyboardInterrupt:
        outcomes.append("interrupted")


@pytest.mark.needs("processes")
def test_who_is_interrupted_has_not_arrived(manager: Any) -> None:
    barrier, outcomes = sharevar.Barrier(3), manager.list()
    child = fork.Process(target=interrupted, args=(barrier, outcomes))
    child.start()
    eventually(lambda: barrier.n_waiting == 1)
    children = start(barrier, outcomes, 1)
    eventually(lambda: barrier.n_waiting == 2)
    os.kill(child.pid, signal.SIGINT)
    child.join()
    assert list(outcomes) == ["interrupted"]
    assert (barrier.n_waiting, barrier.broken) == (1, False)
    children += start(barrier, outcomes, 2)
    join(children)
    assert sorted(outcomes[1:]) == [0, 1, 2]


def test_a_thousand_parties() -> None:
    barrier = sharevar.Barrier(1000)
    indices: list[list[int]] = [[], []]

    def go() -> None:
        for round_ in indices:
            round_.append(barrier.wait())

    threading.stack_size(128 << 10)
    try:
        threads = [threading.Thread(target=go) for _ in range(1000)]
        for thread in threads:
            thread.start()
    finally:
        threading.stack_size(0)
    for thread in threads:
        thread.join()
    assert [sorted(round_) for round_ in indices] == [list(range(1000))] * 2


def test_reset_of_a_thousand() -> None:
    barrier = sharevar.Barrier(1001)
    outcomes: list[Any] = []
    threading.stack_size(128 << 10)
    try:
        threads = [
            threading.Thread(target=pass_and_report, args=(barrier, outcomes))
            for _ in range(1000)
        ]
        for thread in threads:
            thread.start()
    finally:
        threading.stack_size(0)
    eventually(lambda: barrier.n_waiting == 1000)
    barrier.reset()
    for thread in threads:
        thread.join()
    assert outcomes == ["broken"] * 1000
    assert (barrier.n_waiting, barrier.broken) == (0, False)


def processor_time(pid: int) -> float:
    """Seconds that a process has computed: its clock, as clock_getcpuclockid names it."""
    return time.clock_gettime(~pid << 3 | 2)


def ten_waiters(barrier: Any) -> None:
    threads = [threading.Thread(target=barrier.wait) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_a_hundred_waiters_cost_next_to_nothing() -> None:
    barrier = sharevar.Barrier(101)
    children = [fork.Process(target=ten_waiters, args=(barrier,)) for _ in range(10)]
    for child in children:
        child.start()
    eventually(lambda: barrier.n_waiting == 100)
    time.sleep(0.5)
    before, begin = sum(processor_time(child.pid) for child in children), time.monotonic()
    time.sleep(2)
    used = sum(processor_time(child.pid) for child in children) - before
    part = used / (time.monotonic() - begin)
    barrier.wait()
    join(children)
    print(f"100 waiters: {part:.2%} of a core")
    # One per cent is promised; a machine under load is forgiven ten times that.
    assert part < 0.1


def test_names_of_the_standard_classes() -> None:
    barrier = sharevar.Barrier(2)
    assert repr(barrier) == str(barrier)
    assert str(barrier) == "<Barrier: waiters=0/2>"
    assert barrier._callmethod("__getattribute__", ("parties",)) == 2
    barrier._callmethod("abort")
    assert str(barrier) == "<Barrier: broken>"


def test_nothing_is_left_of_it() -> None:
    arena = sharevar.Arena()
    barrier = sharevar.Barrier(2, Append(sharevar.managers.ListProxy(arena)), arena=arena)
    thread = threading.Thread(target=pass_and_report, args=(barrier, []))
    thread.start()
    barrier.wait()
    thread.join()
    del barrier, thread
    assert arena.check() == []
    assert arena.references == 0
