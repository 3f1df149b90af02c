"""Iterators of objects that come back: what their items have acknowledged."""

from __future__ import annotations

import asyncio
import itertools
import multiprocessing
import pickle
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from support.hosted_objects import KEY
from support.processes import kill_host
from support.waiting import eventually

import sharevar
from sharevar.managers import BaseManager

pytestmark = pytest.mark.long

fork = multiprocessing.get_context("fork")


class Tickets:
    """Each that is drawn is noted. What is waited for outlives the host."""

    gate = fork.Semaphore(0)
    closed = fork.Semaphore(0)

    def __init__(self) -> None:
        self.drawn: list[int] = []

    def draw(self, count: int) -> Iterator[int]:
        for number in range(count):
            self.drawn.append(number)
            yield number
        self.drawn.append(-1)

    def draw_gated(self) -> Iterator[int]:
        try:
            for number in itertools.count():
                self.gate.acquire()
                self.drawn.append(number)
                yield number
        finally:
            self.drawn.append(-2)
            self.closed.release()

    async def draw_async(self, count: int) -> AsyncIterator[int]:
        for number in range(count):
            self.drawn.append(number)
            yield number
        self.drawn.append(-1)

    def draw_and_fail(self) -> Iterator[int]:
        yield 0
        self.drawn.append(-3)
        raise LookupError("no tickets")

    def draw_lazily(self) -> Iterator[Any]:
        return map(self.drawn.append, itertools.count())

    async def fail_later(self) -> None:
        await asyncio.sleep(0)
        self.drawn.append(-4)
        raise LookupError("later")

    async def count_later(self) -> int:
        await asyncio.sleep(0)
        self.drawn.append(-5)
        return len(self.drawn)

    def get(self) -> list[int]:
        return self.drawn

    def __getstate__(self) -> list[int]:
        return self.drawn

    def __setstate__(self, drawn: list[int]) -> None:
        self.drawn = drawn


class Unsavable(Tickets):
    """From its first ticket on."""

    def __getstate__(self) -> list[int]:
        if self.drawn:
            raise RuntimeError("cannot be saved now")
        return self.drawn


class Manager(BaseManager):
    pass


Manager.register("Tickets", Tickets, restart=True)
Manager.register("Unsavable", Unsavable, restart=True)
Manager.register(
    "Counted", Tickets, method_to_typeid={"count_later": "Number"}, restart=True
)
Manager.register("Number", lambda number: number, exposed=("bit_length",))


@pytest.fixture
def host() -> Iterator[Any]:
    with Manager(authkey=KEY, ctx=fork) as manager:
        yield manager


@pytest.mark.parametrize("count", [1, 2, 3, 100, 5000])
@pytest.mark.parametrize("method", ["draw", "draw_async"])
def test_what_has_come_is_there_again(host: Any, method: str, count: int) -> None:
    tickets = host.Tickets()
    items = getattr(tickets, method)(5000)
    taken = list(itertools.islice(items, count))
    kill_host(host)
    drawn = tickets.get()
    assert taken == drawn[:count] == list(range(count))
    # And perhaps what was drawn ahead.
    if drawn[-1] == -1:
        drawn.pop()
    assert drawn == list(range(len(drawn)))


def test_the_end_is_there_again_and_each_item_once(host: Any) -> None:
    tickets = host.Tickets()
    assert list(tickets.draw(3000)) == list(range(3000))
    kill_host(host)
    assert tickets.get() == [*range(3000), -1]


def test_an_item_that_is_awaited(host: Any) -> None:
    tickets = host.Tickets()

    async def main() -> None:
        items = tickets.draw_gated()
        for number in range(3):
            Tickets.gate.release()
            assert await anext(items) == number
        kill_host(host)
        with pytest.raises(sharevar.HandleExpired):
            await anext(items)
        assert await tickets.get_async() == [0, 1, 2]

    asyncio.run(main())


def test_what_a_generator_did_before_it_raised(host: Any) -> None:
    tickets = host.Tickets()
    with pytest.raises(LookupError, match="no tickets"):
        list(tickets.draw_and_fail())
    kill_host(host)
    assert tickets.get() == [-3]


def test_what_a_lazy_iterator_has_changed(host: Any) -> None:
    tickets = host.Tickets()
    items = tickets.draw_lazily()
    assert next(items) is None
    kill_host(host)
    assert tickets.get()[0] == 0


def test_what_a_generator_does_when_it_is_closed(host: Any) -> None:
    tickets = host.Tickets()
    items = tickets.draw_gated()
    Tickets.gate.release()
    assert next(items) == 0
    items.close()
    # The host reads that with the next call; the generator waits until it is let.
    assert tickets.get() == [0]
    Tickets.gate.release()
    assert Tickets.closed.acquire(timeout=50)
    eventually(lambda: [0, 1, -2] in saved(host))
    kill_host(host)
    assert tickets.get() == [0, 1, -2]


def saved(host: Any) -> list[Any]:
    """The states that the next host would find."""
    memory = host._process._launch.source().memory
    states = [entry[0] for key, entry in memory.copy().items() if key.startswith("state")]
    return [pickle.loads(state).get() for state in states]


def test_what_cannot_be_saved_is_not_acknowledged(host: Any) -> None:
    tickets = host.Unsavable()
    items = tickets.draw(3)
    with pytest.raises(sharevar.NotSaved, match="cannot be saved"):
        next(items)
    assert list(items) == []
    kill_host(host)
    with pytest.raises(sharevar.NotSaved, match="cannot be saved"):
        list(tickets.draw(3))


def test_what_a_coroutine_has_changed(host: Any) -> None:
    tickets = host.Tickets()
    assert tickets.count_later() == 1
    kill_host(host)
    assert tickets.get() == [-5]
    with pytest.raises(LookupError, match="later"):
        tickets.fail_later()
    kill_host(host)
    assert tickets.get() == [-5, -4]
    counted = host.Counted()
    assert counted.count_later().bit_length() == 1
    kill_host(host)
    assert counted.get() == [-5]
