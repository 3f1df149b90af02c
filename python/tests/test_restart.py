"""Hosts that are started again when they die, and what of them is there again."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from support.hosted_objects import KEY, Deadly, Kept
from support.processes import kill_host
from support.waiting import eventually, interrupted

import sharevar
from sharevar._native import CallOptions
from sharevar.managers import BaseManager, SyncManager

pytestmark = pytest.mark.long


class Made:
    """Its class does not."""

    def __init__(self, first: int) -> None:
        self.value = first

    def add(self) -> int:
        self.value += 1
        return self.value


class Counting:
    """What it counts is in shared memory, and in itself."""

    def __init__(self, table: Any) -> None:
        self.table = table
        self.count = 0

    def add(self) -> None:
        self.table.incr("begun", 1)
        self.count += 1

    def add_and_die(self, times: int) -> int:
        """The host dies of the first calls."""
        self.table.incr("begun", 1)
        if self.table["begun"] <= times:
            os.kill(os.getpid(), signal.SIGKILL)
        return int(self.table["begun"])

    def counted(self) -> tuple[int, int]:
        return self.table["begun"], self.count

    def __getstate__(self) -> tuple[Any, int]:
        return self.table, self.count

    def __setstate__(self, state: tuple[Any, int]) -> None:
        self.table, self.count = state


class Slow(Kept):
    """It comes back when it is let."""

    coming = multiprocessing.get_context("fork").Event()
    let = multiprocessing.get_context("fork").Event()

    def __setstate__(self, items: list[Any]) -> None:
        self.coming.set()
        self.let.wait(60)
        self.items = items


class Unreadable(Kept):
    def __setstate__(self, items: list[Any]) -> None:
        raise RuntimeError("not to be read")


class Base(BaseManager):
    pass


class Sync(SyncManager):
    pass


for _manager in (Base, Sync):
    for _cls in (Kept, Made, Counting, Slow, Deadly, Unreadable):
        _manager.register(_cls.__name__, _cls, restart=True)
    _manager.register("Lost", Kept)
    _manager.register("RLock", threading.RLock, sharevar.managers.AcquirerProxy)
    _manager.register("LastingLock", threading.Lock, restart=True)
Base.register("plain_list", list, restart=True)


@pytest.fixture(params=[Base, Sync])
def manager_class(request: pytest.FixtureRequest) -> Any:
    return request.param


def test_what_was_acknowledged_is_there_after_each_death(
    manager_class: Any, context: Any
) -> None:
    with manager_class(authkey=KEY, ctx=context) as manager:
        kept, made = manager.Kept(0), manager.Made(10)
        lives = {kept.pid()}
        address = manager.address
        for number in range(1, 4):
            assert kept.add(number) == number + 1
            assert made.add() == 11
            kill_host(manager)
            assert kept.get() == list(range(number + 1))
            lives.add(kept.pid())
            assert manager._process.pid == kept.pid()
        assert len(lives) == 4
        assert manager.address == address
        assert manager._process.is_alive()
    assert not manager._process.is_alive()


def test_what_fails_is_saved_too() -> None:
    with Base(authkey=KEY) as manager:
        kept = manager.Kept()
        with pytest.raises(LookupError):
            kept.add_and_fail(1)
        kill_host(manager)
        assert kept.get() == [1]


def test_plain_containers_are_saved() -> None:
    with Base(authkey=KEY) as manager:
        items = manager.plain_list([1])
        items.append(2)
        kill_host(manager)
        assert items.pop() == 2


def test_an_idempotent_call_that_has_begun_is_made_once_more(manager_class: Any) -> None:
    with manager_class(authkey=KEY) as manager, sharevar.Manager() as memory:
        for deaths in (0, 1):
            counting = manager.Counting(memory.dict(begun=0))._within(idempotent=True)
            assert counting.add_and_die(deaths) == deaths + 1
            counting = manager.Counting(memory.dict(begun=0))._within(60, idempotent=True)
            assert asyncio.run(counting.add_and_die_async(deaths)) == deaths + 1
        table = memory.dict(begun=0)
        counting = manager.Counting(table)
        with pytest.raises(sharevar.HostDied) as died:
            counting._within(idempotent=True).add_and_die(3)
        assert died.value.started and table["begun"] == 2
        with pytest.raises(sharevar.HostDied) as died:
            counting.add_and_die(3)
        assert died.value.started and table["begun"] == 3
        assert counting.add_and_die(3) == 4


def test_a_call_that_has_begun_is_not_made_again(manager_class: Any) -> None:
    with manager_class(authkey=KEY) as manager:
        kept = manager.Kept()
        for count in range(1, 4):
            with pytest.raises(sharevar.HostDied) as died:
                kept.die()
            assert died.value.started
            assert kept.add(count) == count


def test_objects_of_other_types_are_gone() -> None:
    with Base(authkey=KEY) as manager:
        kept, lost = manager.Kept(), manager.Lost()
        kill_host(manager)
        with pytest.raises(sharevar.HandleExpired):
            lost.add(1)
        assert kept.add(1) == 1
        assert manager.Lost().add(1) == 1


def test_a_lock_of_a_thread_is_gone_and_says_so() -> None:
    with Base(authkey=KEY) as manager:
        kept, lock = manager.Kept(), manager.RLock()
        assert lock.acquire()
        kill_host(manager)
        kept.add(1)
        with pytest.raises(sharevar.HostDied):
            lock.release()
        with pytest.raises(sharevar.managers.RemoteError):
            lock.release()


def test_another_lock_is_unlocked() -> None:
    with Base(authkey=KEY) as manager:
        lock = manager.LastingLock()
        assert lock.acquire()
        assert not lock.acquire(False)
        kill_host(manager)
        assert lock.acquire(False)


def test_names_and_proxies_among_the_objects() -> None:
    with Base(authkey=KEY) as manager:
        inner = manager.Kept("inner")
        # It comes back first, and refers to one that was made later.
        outer = manager.Kept()
        outer.add(manager.Kept("another"))
        outer.add(inner)
        manager.publish("outer", outer)
        del outer, inner
        gc.collect()
        kill_host(manager)
        found = sharevar.connect(manager.address, KEY).find("outer")
        assert [item.get() for item in found.get()] == [["another"], ["inner"]]


def test_one_that_cannot_come_back_does_not_keep_the_others(capfd: Any) -> None:
    with Base(authkey=KEY) as manager:
        unreadable, kept = manager.Unreadable(), manager.Kept(1)
        kill_host(manager)
        assert kept.get() == [1]
        with pytest.raises(sharevar.HandleExpired):
            unreadable.get()
    assert "not to be read" in capfd.readouterr().err


def be_idle(kept: Any, connection: Any) -> None:
    connection.send("holds")
    while connection.recv() == "call":
        connection.send(kept.get())


def test_an_idle_client_keeps_what_it_holds(context: Any) -> None:
    ours, theirs = context.Pipe()
    with Base(authkey=KEY, ctx=context) as manager:
        own, childs = manager.Kept("own"), manager.Kept("child's")
        child = context.Process(target=be_idle, args=(childs, theirs))
        child.start()
        assert ours.recv() == "holds"
        del childs
        gc.collect()
        for _ in range(3):
            kill_host(manager)
            # All who are left have said what they hold, except for the child.
            assert own.get() == ["own"]
        ours.send("call")
        assert ours.recv() == ["child's"]
        child.kill()
        child.join()
        # Under spawn it keeps what was handed over.
        del child
        gc.collect()
        eventually(lambda: manager._number_of_objects() == 1)


def test_what_a_client_held_that_dies_with_the_host_is_released() -> None:
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    with Base(authkey=KEY) as manager:
        own, childs = manager.Kept(), manager.Kept()
        child = context.Process(target=be_idle, args=(childs, theirs))
        child.start()
        assert ours.recv() == "holds"
        del childs
        gc.collect()
        assert manager._number_of_objects() == 2
        # A host that is stopped does not learn of it.
        os.kill(manager._process.pid, signal.SIGSTOP)
        child.kill()
        child.join()
        kill_host(manager)
        assert own.add(1) == 1
        eventually(lambda: manager._number_of_objects() == 1)


def count_until(over: Any, counting: Any, connection: Any) -> None:
    acknowledged = in_doubt = 0
    while not over.is_set():
        try:
            counting.add()
            acknowledged += 1
        except sharevar.HostDied as died:
            assert died.started
            in_doubt += 1
    connection.send((acknowledged, in_doubt))


DEATHS = 20


@pytest.mark.timeout(240)
def test_nothing_is_done_twice_and_nothing_acknowledged_is_lost() -> None:
    context = multiprocessing.get_context("fork")
    with Sync(authkey=KEY) as manager:
        table = manager.dict(begun=0)
        counting = manager.Counting(table)
        ends, over = [context.Pipe() for _ in range(3)], manager.Event()
        children = [
            context.Process(target=count_until, args=(over, counting, theirs))
            for _, theirs in ends
        ]
        for child in children:
            child.start()
        for _ in range(DEATHS):
            before = table["begun"]
            eventually(lambda before=before: table["begun"] > before + 100)
            os.kill(manager._process.pid, signal.SIGKILL)
        over.set()
        results = [ours.recv() for ours, _ in ends]
        for child in children:
            child.join()
            # The thread that starts hosts again may have reaped it, and be about to say so.
            eventually(lambda child=child: child.exitcode is not None)
            assert child.exitcode == 0
        acknowledged = sum(result[0] for result in results)
        in_doubt = sum(result[1] for result in results)
        begun, count = counting.counted()
        assert acknowledged + in_doubt > 100 * DEATHS
        assert acknowledged <= count <= begun <= acknowledged + in_doubt
        assert in_doubt <= 3 * DEATHS


def test_who_waits_for_the_next_host_can_be_stopped() -> None:
    Slow.coming.clear()
    Slow.let.clear()
    with Base(authkey=KEY) as manager:
        slow = manager.Slow()
        slow.add(1)
        kill_host(manager)
        assert Slow.coming.wait(60)
        with pytest.raises(KeyboardInterrupt), interrupted():
            slow.add(2)
        client, number = slow._hosted
        with pytest.raises(sharevar.CallTimedOut):
            client.call(number, "add", (2,), None, CallOptions(0.1))
        Slow.let.set()
        assert slow.get() == [1]


def test_a_manager_that_ends_does_not_wait_for_the_next_host() -> None:
    Slow.coming.clear()
    Slow.let.clear()
    with Base(authkey=KEY) as manager:
        manager.publish("slow", manager.Slow())
        kill_host(manager)
        assert Slow.coming.wait(60)
        process = manager._process
    assert not process.is_alive()
    assert process.exitcode == -signal.SIGKILL
    assert not Slow.let.is_set()


def test_a_host_that_dies_at_once_again_and_again_is_given_up(capfd: Any) -> None:
    with Base(authkey=KEY) as manager:
        deadly = manager.Deadly()
        kill_host(manager)
        with pytest.raises(sharevar.HostDied):
            deadly.get()
        manager._process.join(60)
        assert not manager._process.is_alive()
        assert manager._process.exitcode == 7
        for _ in range(2):
            with pytest.raises(sharevar.HostUnreachable):
                deadly.get()
    assert "died 6 times in a row" in capfd.readouterr().err


def test_a_host_that_was_shut_down_stays_so() -> None:
    with Base(authkey=KEY) as manager:
        kept = manager.Kept()
        other = Base(manager.address, KEY)
        other.connect()
        client, _ = kept._hosted
        with suppress(sharevar.HostDied):
            # It may be gone before it has answered.
            client.call(0, "shutdown", ())
        manager._process.join(60)
        assert manager._process.exitcode == 0
        with pytest.raises(sharevar.HostDied):
            kept.get()


def test_a_manager_that_nobody_has_any_more_ends_its_host(manager_class: Any) -> None:
    manager = manager_class(authkey=KEY)
    manager.start()
    manager.Kept()
    descriptor = os.pidfd_open(manager._process.pid)
    try:
        del manager
        gc.collect()
        assert multiprocessing.connection.wait([descriptor], timeout=30)
    finally:
        os.close(descriptor)


def fork_and_call(kept: Any, connection: Any) -> None:
    connection.send(kept.add(os.getpid()))


def test_children_started_while_there_is_no_host(context: Any) -> None:
    with Base(authkey=KEY, ctx=context) as manager:
        kept = manager.Kept()
        for count in range(1, 4):
            ours, theirs = context.Pipe()
            child = context.Process(target=fork_and_call, args=(kept, theirs))
            kill_host(manager)
            child.start()
            assert ours.recv() == count
            child.join()


def test_plain_clients_find_what_they_have_changed() -> None:
    with Base(authkey=KEY) as manager:
        kept = manager.Kept()
        token, connection = kept._token, multiprocessing.connection.Client
        plain = multiprocessing.managers

        def call(method: str, *arguments: Any) -> Any:
            with connection(manager.address, authkey=KEY) as wire:
                plain.dispatch(wire, None, "accept_connection", ("plain",))
                wire.send((token.id, method, arguments, {}))
                kind, result = wire.recv()
                assert kind == "#RETURN", result
                return result

        assert call("add", 1) == 1
        kill_host(manager)
        assert kept.get() == [1]
        assert call("get") == [1]
        assert call("__str__").startswith("<")


def test_over_tcp() -> None:
    with Base(("127.0.0.1", 0), KEY) as manager:
        kept = manager.Kept()
        for count in range(1, 4):
            assert kept.add(count) == count
            kill_host(manager)
        assert kept.get() == [1, 2, 3]


def test_registered_on_a_manager_and_inherited() -> None:
    class Parent(BaseManager):
        pass

    class Child(Parent):
        pass

    Parent().register("Kept", Kept, restart=True)
    Child.register("Lost", Kept)
    for cls in (Parent, Child):
        with cls(authkey=KEY) as manager:
            kept: Any = manager.Kept(1)
            with pytest.raises(sharevar.NotRegistered):
                manager.register("Late", Kept, restart=True)
            cls.register("Late", Kept, restart=True)
            with pytest.raises(sharevar.NotRegistered):
                manager.Late()
            kill_host(manager)
            assert kept.get() == [1]
    with Child(authkey=KEY) as manager:
        kept, lost = manager.Kept(1), manager.Lost()
        kill_host(manager)
        with pytest.raises(sharevar.HandleExpired):
            lost.get()
        assert kept.get() == [1]


def test_an_initializer_runs_in_each_life(tmp_path: Path) -> None:
    manager = Base(authkey=KEY)
    path = tmp_path / "started"
    path.write_text("")
    manager.start(note_start, (path,))
    with manager:
        kept = manager.Kept()
        kill_host(manager)
        pid = kept.pid()
        assert path.read_text().split()[-1] == str(pid)
        assert len(path.read_text().split()) == 2


def note_start(path: Path) -> None:
    with path.open("a") as file:
        file.write(f"{os.getpid()}\n")


class Maker:
    """It does not come back, but what it makes does."""

    def make(self) -> int:
        return 1


class Makers(BaseManager):
    pass


Makers.register("Maker", Maker, method_to_typeid={"make": "Kept"})
Makers.register("Kept", Kept, restart=True)


def test_an_awaited_call_tells_that_its_object_comes_back() -> None:
    async def make(maker: Any) -> Any:
        return await maker.make_async()

    with Makers(authkey=KEY) as manager:
        kept = asyncio.run(make(manager.Maker()))
        kill_host(manager)
        assert kept.add(2) == 2


def test_who_awaits_a_call_waits_for_the_next_host() -> None:
    async def add(kept: Any, manager: Any) -> list[int]:
        counts = []
        for _ in range(3):
            counts.append(await kept.add_async(1))
            kill_host(manager)
        with pytest.raises(sharevar.HostDied) as died:
            await kept.die_async()
        assert died.value.started
        counts.append(await kept.add_async(1))
        return counts

    with Base(authkey=KEY) as manager:
        kept = manager.Kept()
        assert asyncio.run(add(kept, manager)) == [1, 2, 3, 4]
        kill_host(manager)
        assert asyncio.run(kept.get_async()) == [1] * 4
        # And what it holds is known there.
        assert manager._number_of_objects() == 1
