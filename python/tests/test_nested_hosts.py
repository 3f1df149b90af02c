"""Hosts within hosts, and objects that call those of other hosts."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing.connection
import os
import signal
from collections.abc import Iterator
from multiprocessing.pool import RemoteTraceback
from typing import Any

import pytest
from support.hosted_objects import Gate
from support.processes import kill_host
from support.threads import Caller
from support.waiting import eventually

import sharevar
from sharevar.managers import BaseManager, BaseProxy, SyncManager

pytestmark = pytest.mark.long


class Node:
    """An object that knows others."""

    def __init__(self, other: Any = None) -> None:
        self.other = other
        self.number = 0

    def know(self, other: Any) -> None:
        self.other = other

    def add(self, by: int) -> int:
        self.number += by
        return self.number

    def add_there(self, by: int) -> int:
        return int(self.other.add(by))

    def give(self) -> Any:
        return self.other

    def give_number_of(self, node: Any) -> int:
        return int(node.add(0))

    def bounce(self, back: Any, times: int) -> int:
        """From host to host and back, so many times."""
        return 0 if times == 0 else int(back.bounce(self.other, times - 1)) + 1

    def make_there(self, manager_class: Any, *arguments: Any) -> Any:
        """A manager whose host this host starts, and an object in it."""
        self.manager = manager_class(*arguments)
        self.manager.start()
        self.other = self.manager.Node()
        return self.other

    def host_there(self) -> int:
        return int(self.manager._process.pid)

    def end_there(self) -> None:
        self.manager.shutdown()

    def make_dict(self) -> Any:
        self.manager = sharevar.Manager()
        self.other = self.manager.dict(a=1)
        return self.other

    def fail(self, depth: int) -> None:
        if depth == 0:
            raise LookupError("in the innermost")
        self.other.fail(depth - 1)

    def wait_there(self) -> None:
        self.other.wait()

    def count_there(self, end: int) -> Iterator[int]:
        for number in range(end):
            yield self.other.add(number)

    async def add_there_later(self, by: int) -> int:
        return int(await self.other.add_async(by))

    def hear(self, function: Any) -> Any:
        return self.other.call(function)

    def call(self, function: Any) -> Any:
        return function(self.number)

    def pid(self) -> int:
        return os.getpid()


class Kept(Node):
    def __getstate__(self) -> Any:
        return self.other, self.number

    def __setstate__(self, state: Any) -> None:
        self.other, self.number = state


class One(BaseManager):
    pass


class Another(BaseManager):
    pass


class Sync(SyncManager):
    pass


for manager_class in (One, Another, Sync):
    manager_class.register("Node", Node)
    manager_class.register("Gate", Gate)
    manager_class.register("Kept", Kept, restart=True)


@pytest.fixture
def hosts(context: Any) -> Iterator[Any]:
    with One(ctx=context) as one, Another(ctx=context) as other:
        yield one, other


def count(manager: Any) -> int:
    return int(manager._number_of_objects())


def test_an_object_calls_that_of_another_host(hosts: Any) -> None:
    one, other = hosts
    there = other.Node()
    node = one.Node(there)
    assert node.add_there(2) == 2
    assert there.add(1) == 3
    assert node.pid() != there.pid()
    assert list(node.count_there(4)) == [3, 4, 6, 9]
    assert node.add_there_later(1) == 10
    assert asyncio.run(node.add_there_later_async(1)) == 11


def test_it_keeps_what_it_knows_and_lets_it_go(hosts: Any) -> None:
    one, other = hosts
    node = one.Node()
    node.know(other.Node())
    gc.collect()
    assert count(other) == 1
    assert node.add_there(1) == 1
    # Here it is a proxy like all others.
    given = node.give()
    assert isinstance(given, BaseProxy)
    assert given.add(1) == 2
    node.know(None)
    assert given.add(1) == 3
    assert count(other) == 1
    del given
    gc.collect()
    eventually(lambda: count(other) == 0)
    node.know(other.Node())
    assert count(other) == 1
    del node
    gc.collect()
    # With who knew it.
    eventually(lambda: count(one) == 0)
    eventually(lambda: count(other) == 0)


def test_what_a_killed_host_held_is_released(hosts: Any) -> None:
    one, other = hosts
    node = one.Node(other.Node())
    gc.collect()
    assert node.add_there(1) == 1
    kill_host(one)
    eventually(lambda: count(other) == 0)


def test_there_and_back(hosts: Any) -> None:
    one, other = hosts
    here = one.Node()
    there = other.Node(here)
    here.know(there)
    assert here.add_there(1) == 1
    assert there.add_there(10) == 10
    # Each is inside of a call while it is called again.
    assert here.bounce(there, 300) == 300
    assert here.give_number_of(here) == 10
    assert here.add(0) == 10
    # Who know each other are held until one is told to forget.
    here.know(None)
    del here, there
    gc.collect()
    eventually(lambda: count(one) == 0)
    eventually(lambda: count(other) == 0)


def test_exceptions_pass_through(hosts: Any) -> None:
    one, other = hosts
    node = one.Node(other.Node(one.Node(other.Node())))
    with pytest.raises(LookupError, match="in the innermost") as raised:
        node.fail(3)
    cause = raised.value.__cause__
    assert isinstance(cause, RemoteTraceback)
    # Each host has added its own.
    assert str(cause).count("in fail\n") == 4
    assert node.add(1) == 1


def test_a_callback_passes_through(hosts: Any) -> None:
    one, other = hosts
    there = other.Node()
    there.add(4)
    heard: list[Any] = []

    def hear(number: int) -> int:
        heard.append(number)
        return int(there.add(number))

    assert one.Node(there).hear(sharevar.callback(hear)) == 8
    assert heard == [4]


def test_the_inner_host_dies_in_a_call(hosts: Any) -> None:
    one, other = hosts
    gate = other.Gate()
    node = one.Node(gate)
    caller = Caller(node.wait_there)
    assert gate.somebody_waits()
    os.kill(other._process.pid, signal.SIGKILL)
    caller.join(60)
    assert isinstance(caller.outcome, sharevar.HostDied)
    assert caller.outcome.started
    # It was not the one that was called here.
    assert isinstance(caller.outcome.__cause__, RemoteTraceback)
    assert node.add(1) == 1


def test_the_outer_host_dies_in_a_call(hosts: Any) -> None:
    one, other = hosts
    gate, there = other.Gate(), other.Node()
    caller = Caller(one.Node(gate).wait_there)
    assert gate.somebody_waits()
    os.kill(one._process.pid, signal.SIGKILL)
    caller.join(60)
    assert isinstance(caller.outcome, sharevar.HostDied)
    assert caller.outcome.started
    assert caller.outcome.__cause__ is None
    assert there.add(1) == 1
    gate.open()


@pytest.mark.parametrize("inner", [One, Another, Sync])
def test_a_host_starts_one(context: Any, inner: Any) -> None:
    with One(ctx=context) as outer:
        node = outer.Node()
        made = node.make_there(inner)
        assert made.add(1) == 1
        assert node.add_there(1) == 2
        first = node.host_there()
        assert first not in (os.getpid(), node.pid())
        assert made.pid() == first
        node.end_there()
        with pytest.raises((sharevar.HostDied, sharevar.HostUnreachable)):
            made.add(1)
        assert node.add(1) == 1
        # The one that is not ended by itself ends with its parent.
        made = node.make_there(inner)
        descriptor = os.pidfd_open(node.host_there())
        assert made.add(1) == 1
    try:
        assert multiprocessing.connection.wait([descriptor], timeout=30)
    finally:
        os.close(descriptor)


def test_an_inner_host_ends_with_an_outer_one_that_is_killed(context: Any) -> None:
    with One(ctx=context) as outer:
        node = outer.Node()
        made = node.make_there(One)
        descriptor = os.pidfd_open(node.host_there())
        try:
            kill_host(outer)
            assert multiprocessing.connection.wait([descriptor], timeout=30)
        finally:
            os.close(descriptor)
        with pytest.raises((sharevar.HostDied, sharevar.HostUnreachable)):
            made.add(1)


def test_hosts_three_deep(context: Any) -> None:
    with One(ctx=context) as outer:
        node = outer.Node()
        second = node.make_there(Another)
        third = second.make_there(One)
        second.know(third)
        assert node.give().give().add(3) == 3
        assert len({node.pid(), second.pid(), third.pid(), os.getpid()}) == 4
        assert node.bounce(second, 2) == 2


def test_shared_variables_of_a_host(context: Any) -> None:
    with One(ctx=context) as outer:
        node = outer.Node()
        made = node.make_dict()
        made["b"] = 2
        assert node.give().copy() == {"a": 1, "b": 2}


def test_one_that_comes_back_still_knows_what_others_hold(hosts: Any) -> None:
    one, other = hosts
    there = other.Node()
    kept, alone = one.Kept(), one.Kept()
    kept.know(there)
    alone.know(other.Node())
    gc.collect()
    kill_host(one)
    assert kept.add_there(1) == 1
    assert there.add(1) == 2
    # What nobody else held has gone with the host.
    with pytest.raises(sharevar.HandleExpired):
        alone.add_there(1)
