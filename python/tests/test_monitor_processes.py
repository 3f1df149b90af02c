"""Monitors whose callers are many: in turn, waiting, interrupted, forked and killed."""

from __future__ import annotations

import functools
import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from support.accounts import Account, check_that_a_forked_child_is_outside
from support.threads import in_thread
from support.waiting import eventually, interrupted, sleeps

import sharevar

pytestmark = pytest.mark.long

fork = multiprocessing.get_context("fork")


def deposit_often(account: Any, times: int) -> None:
    for _ in range(times):
        account.deposit(1)


def test_no_call_is_lost(manager: Any, context: Any) -> None:
    account = manager.monitor(Account)
    children = [context.Process(target=deposit_often, args=(account, 200)) for _ in range(3)]
    for child in children:
        child.start()
    deposit_often(account, 200)
    for child in children:
        child.join()
        assert child.exitcode == 0
    assert (account.balance, len(account)) == (800, 800)


def test_threads_take_turns() -> None:
    account = Account()
    threads = [threading.Thread(target=deposit_often, args=(account, 300)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (account.balance, len(account)) == (1200, 1200)


def stand_inside(account: Any, connection: Any) -> None:
    def method(self: Any) -> None:
        self.balance = 99
        self.history.append("half")
        connection.send("inside")
        connection.recv()
        self.owner = "stood"

    account.run(method)


def test_a_reader_sees_the_old_state_and_a_caller_waits(manager: Any) -> None:
    account = manager.monitor(Account, "Ada", 3)
    ours, theirs = fork.Pipe()
    child = fork.Process(target=stand_inside, args=(account, theirs))
    child.start()
    assert ours.recv() == "inside"
    assert (account.balance, account.history) == (3, [])
    caller = threading.Thread(target=account.deposit, args=(1,))
    caller.start()
    eventually(lambda: sleeps(os.getpid(), caller.native_id))
    ours.send("go")
    caller.join()
    child.join()
    assert (account.balance, account.owner) == (100, "stood")


def test_who_is_killed_inside_has_changed_nothing(manager: Any) -> None:
    account = manager.monitor(Account, "Ada", 3)
    before = dict(vars(account))
    for _ in range(20):
        ours, theirs = fork.Pipe()
        child = fork.Process(target=stand_inside, args=(account, theirs))
        child.start()
        assert ours.recv() == "inside"
        os.kill(child.pid, signal.SIGKILL)
        child.join()
        assert dict(vars(account)) == before
        account.run(lambda self: None)


def move_for_ever(account: Any, connection: Any) -> None:
    def move(self: Any) -> None:
        self.balance += 1
        self.history.append(len(self.history))
        self.owner = "x" * (self.balance % 300)

    connection.send("ready")
    while True:
        account.run(move)


def test_killed_at_any_moment_all_or_nothing(manager: Any) -> None:
    account = manager.monitor(Account, "", 0)
    for round in range(40):
        ours, theirs = fork.Pipe()
        children = [
            fork.Process(target=move_for_ever, args=(account, theirs)) for _ in range(2)
        ]
        for child in children:
            child.start()
        for _ in children:
            ours.recv()
        target = account.balance + round
        while account.balance < target:
            pass
        for child in children:
            os.kill(child.pid, signal.SIGKILL)
        for child in children:
            child.join()

        def check(self: Any) -> None:
            assert self.history == list(range(self.balance))
            assert self.owner == "x" * (self.balance % 300)

        account.run(check)


def test_ctrl_c_while_waiting_loses_nothing(manager: Any) -> None:
    account = manager.monitor(Account, "Ada", 3)
    ours, theirs = fork.Pipe()
    child = fork.Process(target=stand_inside, args=(account, theirs))
    child.start()
    assert ours.recv() == "inside"
    with pytest.raises(KeyboardInterrupt), interrupted():
        account.deposit(1)
    ours.send("go")
    child.join()
    assert account.deposit(1) == 100
    assert account.history == ["half", (1, None)]


def report(account: Any, connection: Any) -> None:
    connection.send(account.balance)
    account.deposit(1)


def test_a_fork_inside_a_method() -> None:
    account = Account("Ada", 3)
    ours, theirs = fork.Pipe()

    def start(self: Any) -> Any:
        self.balance = 10
        child = fork.Process(target=report, args=(self, theirs))
        child.start()
        # It has a copy of what is changed here, and is not inside.
        assert ours.recv() == 3
        return child

    account.run(start).join()
    assert account.balance == 11


def test_a_forked_child_cannot_end_its_parents_method() -> None:
    account = Account("Ada", 3)
    check_that_a_forked_child_is_outside(account)
    assert in_thread(lambda: account.deposit(1)) == 5


class Token:
    """Something whose end can be seen."""


def test_what_a_method_had_ends_with_it() -> None:
    account = Account()

    def use(self: Any, how: str) -> None:
        tokens = [Token() for _ in range(4)]
        ends.extend(weakref.ref(token) for token in tokens)
        self.owner, self.token = tokens[0], tokens[1]
        self.token = tokens[2]
        self.history.append(tokens[3])
        if how == "nested":
            self.run(functools.partial(use, how="plain"))
        if how == "failing":
            self.run(lambda self: [setattr(self, "token", Token()), 1 // 0])

    for how in ("plain", "nested", "failing"):
        ends: list[weakref.ref[Token]] = []
        if how == "failing":
            with pytest.raises(ZeroDivisionError):
                account.run(functools.partial(use, how=how))
        else:
            account.run(functools.partial(use, how=how))
        assert [end() for end in ends] == [None] * len(ends)


def test_what_is_refused_leaves_nothing() -> None:
    account = Account()

    def refuse(times: int) -> int:
        for _ in range(times):
            try:
                account.deposit = 1
            except AttributeError:
                pass
        return sys.getallocatedblocks()

    before = refuse(1000)
    assert refuse(5000) < before + 2500


def test_objects_are_freed(manager: Any) -> None:
    def count() -> int:
        gc.collect()
        return int(manager.arena.references)

    before = count()
    accounts = [manager.monitor(Account, str(number)) for number in range(50)]
    assert count() > before
    for account in accounts:
        account.run(lambda self: self.history.append(self.owner))
        with pytest.raises(ZeroDivisionError):
            account.run(lambda self: 1 // 0)
    del accounts, account
    assert count() == before


@sharevar.monitor
class Starter:
    """Starts processes in its methods."""

    def __init__(self) -> None:
        self.count = 0

    def increment(self) -> int:
        self.count += 1
        return self.count

    def start_and_wait(self, context: Any, told: Any) -> int:
        child = context.Process(target=increment_and_tell, args=(self, told))
        child.start()
        child.join()
        return int(child.exitcode)

    def start(self, context: Any, told: Any) -> int:
        child = context.Process(target=increment_and_tell, args=(self, told))
        child.start()
        self.count = 10
        return int(child.pid)


def increment_and_tell(starter: Any, told: Any) -> None:
    try:
        told.put(starter.increment())
    except sharevar.SharevarError as error:
        told.put(str(error))


def test_a_child_that_its_starters_method_waits_for_gives_up(context: Any) -> None:
    starter, told = Starter(), sharevar.SimpleQueue()
    assert starter.start_and_wait(context, told) == 0
    assert "started inside a method of the monitor" in told.get()
    assert starter.count == 0


def test_a_child_waits_for_the_method_that_started_it(context: Any) -> None:
    starter, told = Starter(), sharevar.SimpleQueue()
    pid = starter.start(context, told)
    assert told.get() == 11
    for child in multiprocessing.active_children():
        assert child.pid == pid
        child.join()
    assert starter.count == 11


@sharevar.monitor
class ThreadStarter:
    """Starts threads in its methods."""

    def __init__(self) -> None:
        self.count = 0

    def increment(self) -> int:
        self.count += 1
        return self.count

    def wait_for_thread(self, told: list[str]) -> None:
        thread = threading.Thread(target=lambda: told.append(error_of(self.increment)))
        thread.start()
        thread.join()

    def wait_for_executor(self, told: list[str]) -> None:
        with ThreadPoolExecutor(1) as executor:
            told.append(executor.submit(error_of, self.increment).result())

    def wait_for_grandchild(self, told: list[str]) -> None:
        def start_another() -> None:
            inner = threading.Thread(target=lambda: told.append(error_of(self.increment)))
            inner.start()
            inner.join()

        thread = threading.Thread(target=start_another)
        thread.start()
        thread.join()

    def wait_for_fork_of_thread(self, told: list[str]) -> None:
        def start_process() -> None:
            ours, theirs = fork.Pipe()
            child = fork.Process(target=lambda: theirs.send(error_of(self.increment)))
            child.start()
            told.append(ours.recv())
            child.join()

        thread = threading.Thread(target=start_process)
        thread.start()
        thread.join()

    def start(self, release: threading.Event, told: list[str]) -> threading.Thread:
        def increment() -> None:
            release.wait()
            told.append(error_of(self.increment))

        thread = threading.Thread(target=increment)
        thread.start()
        return thread

    def stay_until_something_waits(self, thread: threading.Thread, longer: float) -> None:
        eventually(lambda: sleeps(os.getpid(), thread.native_id))
        time.sleep(longer)


def error_of(call: Callable[[], object]) -> str:
    try:
        return str(call())
    except sharevar.SharevarError as error:
        return str(error)


@pytest.mark.parametrize("way", ["thread", "executor", "grandchild", "fork_of_thread"])
def test_a_thread_that_its_starters_method_waits_for_gives_up(way: str) -> None:
    starter, told = ThreadStarter(), list[str]()
    getattr(starter, f"wait_for_{way}")(told)
    assert len(told) == 1 and "was started inside a method of the monitor" in told[0]
    assert starter.count == 0


WAITS_FOR_A_THREAD_THAT_IT_HAS_NOT_STARTED = """
import _thread, queue, sys
from concurrent.futures import ThreadPoolExecutor
import sharevar

@sharevar.monitor
class Counter:
    def __init__(self):
        self.count = 0

    def increment(self):
        self.count += 1

    def wait_for_idle_worker(self):
        return executor.submit(self.increment).exception()

    def wait_for_bare_thread(self):
        def increment():
            try:
                self.increment()
            except Warning as warning:
                told.put(warning)
        _thread.start_new_thread(increment, ())
        return told.get()

executor, told = ThreadPoolExecutor(1), queue.Queue()
executor.submit(int).result()
print(repr(getattr(Counter(), f"wait_for_{sys.argv[1]}")()))
"""


@pytest.mark.parametrize("way", ["idle_worker", "bare_thread"])
def test_a_wait_for_a_method_of_another_thread_gives_a_warning(way: str) -> None:
    program = WAITS_FOR_A_THREAD_THAT_IT_HAS_NOT_STARTED
    done = subprocess.run(
        [sys.executable, "-W", "error::RuntimeWarning", "-c", program, way],
        capture_output=True,
        text=True,
        timeout=50,
    )
    assert done.stderr == ""
    assert done.stdout.startswith("RuntimeWarning('this thread has waited for 5 seconds")


# It may be told that it has waited for long.
@pytest.mark.filterwarnings("default:this thread has waited:RuntimeWarning")
def test_a_thread_waits_for_a_later_method_as_long_as_it_takes() -> None:
    starter, release, told = ThreadStarter(), threading.Event(), list[str]()
    thread = starter.start(release, told)
    release.set()
    # Longer than the method that has started it could stay.
    starter.stay_until_something_waits(thread, 6)
    thread.join()
    assert told == ["1"]
