"""Hosts that are killed before, in and after calls of every kind, and come back."""

from __future__ import annotations

import asyncio
import itertools
import multiprocessing
import os
import random
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from support.hosted_objects import KEY
from support.processes import kill_host, stop
from support.threads import Caller
from support.waiting import eventually

import sharevar
from sharevar.managers import BaseManager, SyncManager

pytestmark = pytest.mark.long

fork = multiprocessing.get_context("fork")


class Ledger:
    """Notes what it is called with. Where it waits outlives the host."""

    inside = fork.Semaphore(0)
    gate = fork.Semaphore(0)

    def __init__(self) -> None:
        self.noted: list[int] = []

    def note(self, number: int) -> int:
        self.noted.append(number)
        return len(self.noted)

    def wait(self, number: int) -> None:
        self.noted.append(number)
        self.inside.release()
        self.gate.acquire()

    async def stay(self, number: int) -> None:
        self.noted.append(number)
        self.inside.release()
        await asyncio.Event().wait()

    def numbers(self) -> Iterator[int]:
        yield self.note(1)
        yield self.note(2)
        self.wait(3)
        yield self.note(4)

    def endless(self) -> Iterator[int]:
        for number in itertools.count():
            self.note(number)
            yield number

    def get(self) -> list[int]:
        return self.noted

    def __getstate__(self) -> list[int]:
        return self.noted

    def __setstate__(self, noted: list[int]) -> None:
        self.noted = noted


class Tally:
    """What each client has begun is in shared memory, and in itself what it has done."""

    def __init__(self, table: Any, clients: int) -> None:
        self.lock = threading.Lock()
        self.table = table
        self.done = [0] * clients

    def add(self, client: int) -> None:
        self.table.incr(f"begun {client}", 1)
        with self.lock:
            self.done[client] += 1

    async def add_later(self, client: int) -> None:
        await asyncio.sleep(0)
        self.add(client)

    def add_each(self, client: int, count: int) -> Iterator[int]:
        for number in range(count):
            self.add(client)
            yield number

    def result(self) -> list[int]:
        return self.done

    def __getstate__(self) -> tuple[Any, list[int]]:
        with self.lock:
            return self.table, list(self.done)

    def __setstate__(self, state: tuple[Any, list[int]]) -> None:
        self.lock = threading.Lock()
        self.table, self.done = state


class Base(BaseManager):
    pass


class Sync(SyncManager):
    pass


Base.register("Ledger", Ledger, restart=True)
Sync.register("Tally", Tally, restart=True)


@pytest.fixture(params=["Unix", "TCP"])
def host(request: pytest.FixtureRequest) -> Iterator[Any]:
    address = None if request.param == "Unix" else ("127.0.0.1", 0)
    with Base(address, KEY, ctx=fork) as manager:
        yield manager


def call(ledger: Any, name: str, number: int) -> Any:
    return getattr(ledger, name)(number)


def call_limited(ledger: Any, name: str, number: int) -> Any:
    return getattr(ledger._within(50), name)(number)


def call_awaited(ledger: Any, name: str, number: int) -> Any:
    async def main() -> Any:
        return await getattr(ledger, f"{name}_async")(number)

    return asyncio.run(main())


def call_awaited_limited(ledger: Any, name: str, number: int) -> Any:
    return call_awaited(ledger._within(50), name, number)


def call_in_batch(ledger: Any, name: str, number: int) -> Any:
    with ledger._batch() as batch:
        outcome = getattr(batch, name)(number)
    return outcome.result()


def call_in_awaited_batch(ledger: Any, name: str, number: int) -> Any:
    async def main() -> Any:
        async with ledger._batch() as batch:
            outcome = getattr(batch, name)(number)
        return outcome.result()

    return asyncio.run(main())


WAYS = [
    call,
    call_limited,
    call_awaited,
    call_awaited_limited,
    call_in_batch,
    call_in_awaited_batch,
]


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> Any:
    return request.param


def test_before_it_has_read_the_call(host: Any, way: Any) -> None:
    ledger = host.Ledger()
    for turn in range(1, 6, 2):
        ledger.note(turn)
        stop(host._process.pid)
        caller = Caller(lambda turn=turn: way(ledger, "note", turn + 1))
        eventually(caller.sleeps)
        os.kill(host._process.pid, signal.SIGKILL)
        caller.join(60)
        # Made once, at the next one.
        assert caller.outcome == turn + 1
        assert ledger.get() == list(range(1, turn + 2))


@pytest.mark.parametrize("method", ["wait", "stay"])
def test_in_the_call(host: Any, way: Any, method: str) -> None:
    ledger = host.Ledger()
    for turn in range(1, 4):
        ledger.note(turn)
        caller = Caller(lambda: way(ledger, method, 0))
        assert Ledger.inside.acquire(timeout=50)
        os.kill(host._process.pid, signal.SIGKILL)
        caller.join(60)
        assert isinstance(caller.outcome, sharevar.HostDied)
        assert caller.outcome.started
        assert ledger.get() == list(range(1, turn + 1))


def test_after_the_call(host: Any, way: Any) -> None:
    ledger = host.Ledger()
    for turn in range(1, 4):
        assert way(ledger, "note", turn) == turn
        kill_host(host)
    assert ledger.get() == [1, 2, 3]


@pytest.mark.parametrize("awaited", [False, True])
def test_in_a_batch(host: Any, awaited: bool) -> None:
    ledger = host.Ledger()
    outcomes: list[Any] = []

    def note(batch: Any) -> None:
        outcomes.extend([batch.note(1), batch.wait(2), batch.note(3)])

    async def call_awaited() -> None:
        async with ledger._batch() as batch:
            note(batch)

    def call() -> None:
        with ledger._batch() as batch:
            note(batch)

    caller = Caller((lambda: asyncio.run(call_awaited())) if awaited else call)
    assert Ledger.inside.acquire(timeout=50)
    os.kill(host._process.pid, signal.SIGKILL)
    caller.join(60)
    assert isinstance(caller.outcome, sharevar.HostDied)
    assert caller.outcome.started
    for outcome in outcomes:
        with pytest.raises(RuntimeError, match="the host died"):
            outcome.result()
    # The first had ended, and the last has not begun.
    assert ledger.get() == [1]
    assert ledger.note(4) == 2


def take(items: Any) -> Any:
    return next(items)


def take_awaited(items: Any) -> Any:
    async def main() -> Any:
        return await anext(items)

    return asyncio.run(main())


@pytest.mark.parametrize("take", [take, take_awaited])
def test_in_a_stream(host: Any, take: Callable[[Any], Any]) -> None:
    ledger = host.Ledger()
    items = ledger.numbers()
    assert (take(items), take(items)) == (1, 2)
    caller = Caller(lambda: take(items))
    assert Ledger.inside.acquire(timeout=50)
    eventually(caller.sleeps)
    os.kill(host._process.pid, signal.SIGKILL)
    caller.join(60)
    assert isinstance(caller.outcome, sharevar.HostDied | sharevar.HandleExpired)
    assert list(items) == []
    # What has come is there, and perhaps what was at work when it came.
    assert ledger.get()[:2] == [1, 2]
    assert ledger.note(5) == len(ledger.get())


@pytest.mark.parametrize("take", [take, take_awaited])
def test_before_it_has_read_what_is_to_be_taken(
    host: Any, take: Callable[[Any], Any]
) -> None:
    ledger = host.Ledger()
    items = ledger.numbers()
    stop(host._process.pid)
    caller = Caller(lambda: take(items))
    eventually(caller.sleeps)
    os.kill(host._process.pid, signal.SIGKILL)
    caller.join(60)
    # The next host has no such iterator.
    assert isinstance(caller.outcome, sharevar.HandleExpired)
    assert list(items) == []
    assert ledger.get() == []


def test_what_has_come_of_a_stream_is_given_after_a_death(host: Any) -> None:
    ledger = host.Ledger()
    items = ledger.endless()
    taken = [next(items)]
    while not items._items:
        # Each request asks for more than the one before it.
        taken.append(next(items))
    kill_host(host)
    with pytest.raises(sharevar.HandleExpired):
        for number in items:
            taken.append(number)
    noted = ledger.get()
    assert taken == noted[: len(taken)] == list(range(len(taken)))


BATCH = 5
DEATHS = 30


def work(tally: Any, client: int, over: Any, seed: int, connection: Any) -> None:
    """Calls of every kind: how many were acknowledged, and how many may have been made."""
    chance = random.Random(seed)
    acknowledged = in_doubt = 0
    with closing(asyncio.new_event_loop()) as loop:
        while not over.is_set():
            kind = chance.choice(["call", "awaited", "coroutine", "batch", "stream"])
            count = 1 if kind in ("call", "awaited", "coroutine") else BATCH
            done = 0
            try:
                if kind == "call":
                    tally.add(client)
                elif kind == "awaited":
                    loop.run_until_complete(tally.add_async(client))
                elif kind == "coroutine":
                    loop.run_until_complete(tally.add_later_async(client))
                elif kind == "batch":
                    with tally._batch() as batch:
                        outcomes = [batch.add(client) for _ in range(count)]
                    assert [outcome.result() for outcome in outcomes] == [None] * count
                else:
                    for number in tally.add_each(client, count):
                        assert number == done
                        done += 1
                done = count
            except sharevar.HostDied as died:
                assert died.started
            except sharevar.HandleExpired:
                # The iterator of a host that is dead.
                assert kind == "stream"
            acknowledged += done
            in_doubt += count - done
    connection.send((acknowledged, in_doubt))


@pytest.mark.one_version
@pytest.mark.parametrize("seed", range(3))
def test_storm(seed: int) -> None:
    clients = 2
    chance = random.Random(seed)
    with Sync(authkey=KEY, ctx=fork) as manager:
        table = manager.dict({f"begun {client}": 0 for client in range(clients)})
        tally = manager.Tally(table, clients)
        ends, over = [fork.Pipe() for _ in range(clients)], manager.Event()
        children = [
            fork.Process(target=work, args=(tally, client, over, 10 * seed + client, theirs))
            for client, (_, theirs) in enumerate(ends)
        ]
        for child in children:
            child.start()

        def begun() -> int:
            return sum(table[f"begun {client}"] for client in range(clients))

        for _ in range(DEATHS):
            target = begun() + chance.randrange(1, 200)
            eventually(lambda target=target: begun() >= target)
            os.kill(manager._process.pid, signal.SIGKILL)
        over.set()
        for child in children:
            child.join()
            assert child.exitcode == 0
        done = tally.result()
        for client, (ours, _) in enumerate(ends):
            acknowledged, in_doubt = ours.recv()
            assert acknowledged <= done[client] <= table[f"begun {client}"]
            assert table[f"begun {client}"] <= acknowledged + in_doubt
            assert in_doubt <= DEATHS * BATCH
