"""Monitors that another engine keeps, whose callers die, pause, fork, or lose the server."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from support import engine_servers
from support.accounts import Account, check_that_a_forked_child_is_outside
from support.waiting import eventually, interrupted, sleeps

import sharevar
from sharevar.testing import FakeServer, Fault

on_a_server = [
    pytest.mark.redis,
    pytest.mark.skipif(
        not engine_servers.PROGRAMS, reason="there is no valkey-server or redis-server here"
    ),
]

fork = multiprocessing.get_context("fork")


@pytest.fixture(params=list(engine_servers.PROGRAMS))
def shop(request: pytest.FixtureRequest) -> Iterator[Any]:
    with engine_servers.server(request.param).manager() as manager:
        yield manager


class TestOnAServer:
    pytestmark = on_a_server

    def test_no_call_is_lost(self, shop: Any, context: Any) -> None:
        account = shop.monitor(Account)
        children = [context.Process(target=deposit_often, args=(account, 50)) for _ in range(2)]
        for child in children:
            child.start()
        deposit_often(account, 50)
        for child in children:
            child.join()
            assert child.exitcode == 0
        assert (account.balance, len(account)) == (150, 150)

    def test_one_that_is_killed_inside_has_changed_nothing(self, shop: Any) -> None:
        account = shop.monitor(Account, "Ada", 3)
        before = dict(vars(account))
        for _ in range(2):
            ours, theirs = fork.Pipe()
            child = fork.Process(
                target=stand_inside,
                args=(pickle.dumps(account), f"{shop.address}&lease=1", theirs),
            )
            child.start()
            assert ours.recv() == "inside"
            assert dict(vars(account)) == before
            os.kill(child.pid, signal.SIGKILL)
            child.join()
            account.run(lambda self: None)
            assert dict(vars(account)) == before

    def test_one_that_is_paused_for_longer_than_its_lease_has_no_effect(
        self, shop: Any
    ) -> None:
        account = shop.monitor(Account, "Ada", 3)
        ours, theirs = fork.Pipe()
        child = fork.Process(
            target=stand_inside, args=(pickle.dumps(account), f"{shop.address}&lease=1", theirs)
        )
        child.start()
        assert ours.recv() == "inside"
        os.kill(child.pid, signal.SIGSTOP)
        assert account.deposit(1) == 4
        ours.send("go")
        os.kill(child.pid, signal.SIGCONT)
        assert ours.recv() == ("LeaseLost", False)
        child.join()
        assert (account.owner, account.balance, account.history) == ("Ada", 4, [(1, None)])

    def test_a_fork_inside_a_method_is_outside(self, shop: Any) -> None:
        account = shop.monitor(Account, "Ada", 3)
        check_that_a_forked_child_is_outside(account)
        assert account.deposit(1) == 5

    def test_ctrl_c_while_waiting_loses_nothing(self, shop: Any) -> None:
        account = shop.monitor(Account, "Ada", 3)
        inside, go = threading.Event(), threading.Event()

        def stand(self: Any) -> None:
            inside.set()
            assert go.wait(50)
            self.balance = 100

        other = threading.Thread(target=account.run, args=(stand,))
        other.start()
        inside.wait()
        with pytest.raises(KeyboardInterrupt), interrupted():
            account.deposit(1)
        go.set()
        other.join()
        assert account.deposit(1) == 101

    def test_another_program_finds_it_by_its_name(self, shop: Any) -> None:
        shop.arena.named("account", Account, "Ada", 3).log = shop.list(["made"])
        program = (
            "import sys, sharevar\n"
            "from support.accounts import Account\n"
            "shop = sharevar.Manager(sys.argv[1])\n"
            "account = shop.arena.named('account', Account, 'Eve', 1)\n"
            "account.log.append(account.deposit(4))\n"
        )
        folder = os.path.dirname(__file__)
        subprocess.run(
            [sys.executable, "-c", program, shop.address],
            check=True,
            env={**os.environ, "PYTHONPATH": folder},
        )
        account = shop.arena.named("account", Account)
        assert (account.owner, account.log[:]) == ("Ada", ["made", 7])

    def test_a_program_without_a_manager_has_them_there(self, shop: Any) -> None:
        program = (
            "import sharevar\n"
            "from support.accounts import Account\n"
            "account = sharevar.shared('account', Account).value\n"
            "print(account.deposit(1))\n"
        )
        environment = {
            **os.environ,
            "PYTHONPATH": os.path.dirname(__file__),
            "SHAREVAR_ENGINE": shop.address,
        }
        told = [
            subprocess.run(
                [sys.executable, "-c", program],
                check=True,
                env=environment,
                capture_output=True,
            ).stdout
            for _ in range(2)
        ]
        assert told == [b"1\n", b"2\n"]


def deposit_often(account: Any, times: int) -> None:
    for _ in range(times):
        account.deposit(1)


def stand_inside(reference: bytes, address: str, connection: Any) -> None:
    """A client of its own, with a short lease, is in a method until it is told to go on."""
    own = sharevar.Manager(address, pickle=True)
    number = pickle.loads(reference)
    account = own.store.open(Account, *sharevar._native.monitor_state(number).handle)

    def method(self: Any) -> None:
        self.balance = 99
        self.history.append("half")
        connection.send("inside")
        connection.recv()
        self.owner = "stood"

    try:
        account.run(method)
    except sharevar.SharevarError as error:
        connection.send((type(error).__name__, error.happened))


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


def test_a_method_whose_lease_was_lost_has_no_effect(server: FakeServer) -> None:
    paused, other = server.client(), server.client()
    mine, same = (
        client.manager.arena.named("account", Account, "Ada", 3) for client in (paused, other)
    )

    def pause(self: Any) -> None:
        self.balance = 99
        paused.expire()
        same.deposit(1)

    with pytest.raises(sharevar.LeaseLost) as told:
        mine.run(pause)
    assert told.value.happened is False
    assert (mine.balance, same.balance) == (4, 4)
    assert mine.deposit(1) == 5


def test_a_dead_methods_attributes_are_as_before(server: FakeServer) -> None:
    dying, other = server.client(), server.client()
    mine, same = (
        client.manager.arena.named("account", Account, "Ada", 3) for client in (dying, other)
    )

    def die(self: Any) -> None:
        self.balance = 99
        dying.kill()

    with pytest.raises(sharevar.ClosedError):
        mine.run(die)
    waiter = threading.Thread(target=same.deposit, args=(1,))
    waiter.start()
    eventually(lambda: sleeps(os.getpid(), waiter.native_id))
    assert same.balance == 3
    server.advance(FakeServer.LEASE)
    waiter.join()
    assert same.history == [(1, None)]


@pytest.mark.parametrize(
    ("fault", "error", "left"),
    [
        (Fault.UNREACHABLE, sharevar.Unavailable, 3),
        (Fault.REQUEST_LOST, sharevar.OutcomeUnknown, 3),
        (Fault.REPLY_LOST, sharevar.OutcomeUnknown, 4),
        (Fault.REPLY_LOST_ONCE, None, 4),
    ],
)
@pytest.mark.parametrize("place", ["entering", "leaving"])
def test_faults_leave_all_or_nothing_and_keep_no_other_out(
    server: FakeServer, place: str, fault: Fault, error: Any, left: int
) -> None:
    client, other = server.client(), server.client()
    mine, same = (
        client.manager.arena.named("account", Account, "Ada", 3) for client in (client, other)
    )
    client.fail_after(0 if place == "entering" else 1, fault)
    if error is None:
        mine.deposit(1)
    else:
        with pytest.raises(error):
            mine.deposit(1)
        left = 3 if place == "entering" else left
    assert mine.balance == left
    assert same.deposit(1) == mine.balance == left + 1


def test_a_call_is_two_messages(server: FakeServer) -> None:
    client = server.client()
    account = client.manager.monitor(Account, "Ada", 3)
    for call, messages in (
        (lambda: account.deposit(1), 2),
        (lambda: account.try_each(1, 20, 1), 2),
        (lambda: account.balance, 1),
        (lambda: setattr(account, "owner", "Eve"), 2),
        (lambda: dict(vars(account)), 1),
    ):
        before = client.requests
        call()
        assert client.requests - before == messages


def test_a_manager_that_has_ended() -> None:
    manager = sharevar.Manager("memory:")
    account = manager.monitor(Account)
    with pytest.raises(sharevar.ClosedError):
        account.run(lambda self: (manager.shutdown(), setattr(self, "balance", 1)))
    for use in (lambda: account.balance, lambda: account.deposit(1)):
        with pytest.raises(sharevar.ClosedError):
            use()


@sharevar.monitor
class ThreadStarter:
    """Starts a thread in a method, and waits for it."""

    def increment(self) -> None:
        self.count = 1

    def wait_for_thread(self, told: list[str]) -> None:
        def call() -> None:
            try:
                self.increment()
            except sharevar.SharevarError as error:
                told.append(str(error))

        thread = threading.Thread(target=call)
        thread.start()
        thread.join()


@pytest.mark.long
def test_a_thread_that_its_starters_method_waits_for_gives_up() -> None:
    told = list[str]()
    with sharevar.Manager("memory:") as manager:
        starter = manager.monitor(ThreadStarter)
        starter.wait_for_thread(told)
        assert len(told) == 1 and "was started inside a method of the monitor" in told[0]
        assert dict(vars(starter)) == {}
