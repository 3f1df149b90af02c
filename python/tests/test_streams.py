"""Iterators that methods of hosted objects give."""

from __future__ import annotations

import asyncio
import gc
import itertools
import multiprocessing
import os
import pickle
import signal
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from typing import Any

import pytest
from support.waiting import eventually, grown_limits, sleeps

import sharevar
from sharevar.hosting import RemoteIterator, current_call
from sharevar.managers import BaseManager

pytestmark = pytest.mark.long


class Source:
    """Gives iterators of all kinds, and tells what has become of them."""

    def __init__(self) -> None:
        self._open = threading.Semaphore(0)
        self._waiting = threading.Semaphore(0)
        self._closed = threading.Semaphore(0)
        self._produced = 0

    def count(self, number: int) -> Iterator[int]:
        for self._produced in range(1, number + 1):
            yield self._produced - 1

    def endless(self) -> Iterator[int]:
        try:
            for number in itertools.count():
                self._produced = number + 1
                yield number
        finally:
            self._closed.release()

    def gated(self) -> Iterator[int]:
        """Each item is there when somebody opens."""
        for number in itertools.count():
            self._waiting.release()
            self._open.acquire()
            yield number

    def watchful(self) -> Iterator[int]:
        call = current_call()
        assert not call.cancelled
        try:
            yield 0
            while not call.cancelled:
                pass
        finally:
            if call.cancelled:
                self._closed.release()

    async def async_gated(self) -> AsyncIterator[int]:
        try:
            assert not current_call().cancelled
            yield 0
            await asyncio.Event().wait()
        finally:
            if current_call().cancelled:
                self._closed.release()

    async def async_count(self, number: int) -> AsyncIterator[int]:
        for item in range(number):
            await asyncio.sleep(0)
            yield item

    def open(self) -> None:
        self._open.release()

    def somebody_waits(self) -> bool:
        return self._waiting.acquire(timeout=50)

    def wait_closed(self) -> bool:
        return self._closed.acquire(timeout=50)

    def produced(self) -> int:
        return self._produced

    def one_list(self) -> Iterator[list[int]]:
        row = [0]
        for row[0] in range(100):
            yield row

    def fail_at(self, number: int) -> Iterator[int]:
        yield from range(number)
        raise LookupError("in the generator")

    async def async_fail_at(self, number: int) -> AsyncIterator[int]:
        for item in range(number):
            yield item
        raise LookupError("in the generator")

    def functions(self) -> Iterator[Any]:
        yield 1
        yield lambda: 2
        yield 3

    def returning(self, value: Any) -> Any:
        yield 1
        return value

    def returning_function(self) -> Any:
        yield 1
        return lambda: 2

    def errors(self) -> Iterator[Exception]:
        yield KeyError("yielded")
        yield StopIteration("yielded")

    def mapped(self) -> Iterator[int]:
        return map(self._square, range(5))

    def _square(self, number: int) -> int:
        self._produced += 1
        return number * number

    def of_list(self) -> Iterator[int]:
        return iter([1, 2])

    def large(self) -> Iterator[bytes]:
        for number in range(8):
            self._produced = number + 1
            yield bytes(1 << 20)

    def pid(self) -> int:
        return os.getpid()


class Manager(BaseManager):
    pass


Manager.register("Source", Source)


@pytest.fixture
def host() -> Iterator[Any]:
    with Manager() as manager:
        yield manager


@pytest.fixture
def source(host: Any) -> Any:
    return host.Source()


@pytest.mark.parametrize("number", [0, 1, 2, 3, 1000, 20_000])
def test_all_items_in_order(source: Any, number: int) -> None:
    items = source.count(number)
    assert isinstance(items, RemoteIterator)
    assert list(items) == list(range(number))
    assert list(items) == []


def test_nothing_is_produced_before_it_is_asked_for(source: Any) -> None:
    items = source.count(10)
    assert source.produced() == 0
    assert next(items) == 0


def test_a_ready_item_is_not_held_back(source: Any) -> None:
    items = source.gated()
    for number in range(20):
        source.open()
        # The generator waits for the next opening meanwhile.
        assert next(items) == number


def test_not_much_is_produced_ahead(source: Any) -> None:
    items = source.endless()
    assert [next(items) for _ in range(3)] == [0, 1, 2]
    # Twice the last demand, beyond what was taken.
    assert 3 <= source.produced() <= 20
    assert list(itertools.islice(items, 100_000))[-1] == 100_002
    assert source.produced() <= 100_003 + 6 * 1024


def test_large_items_are_produced_one_by_one(source: Any) -> None:
    items = source.large()
    for number in range(8):
        assert len(next(items)) == 1 << 20
        assert source.produced() <= number + 3


def test_an_item_is_as_it_was_when_it_was_given(source: Any) -> None:
    assert list(source.one_list()) == [[number] for number in range(100)]


def test_an_exception_comes_at_its_place(source: Any) -> None:
    for number in (0, 1, 5, 2000):
        items = source.fail_at(number)
        got = []
        with pytest.raises(LookupError, match="in the generator") as caught:
            for item in items:
                got.append(item)
        assert got == list(range(number))
        assert "fail_at" in str(caught.value.__cause__)
        assert list(items) == []


def test_an_item_that_cannot_be_sent_fails_at_its_place(source: Any) -> None:
    items = source.functions()
    assert next(items) == 1
    with pytest.raises((AttributeError, TypeError, pickle.PicklingError)):
        next(items)
    assert list(items) == []


def test_exceptions_may_be_items(source: Any) -> None:
    first, second = source.errors()
    assert (type(first), type(second)) == (KeyError, StopIteration)


def test_what_a_generator_returns(source: Any) -> None:
    def delegate(items: Any) -> Iterator[Any]:
        returned.append((yield from items))

    returned: list[Any] = []
    assert list(delegate(source.returning({"a": 1}))) == [1]
    assert list(delegate(source.returning(None))) == [1]
    assert list(delegate(source.returning_function())) == [1]
    assert returned == [{"a": 1}, None, None]


def test_lazy_iterators_run_at_the_host(source: Any) -> None:
    assert list(source.mapped()) == [0, 1, 4, 9, 16]
    assert source.produced() == 5
    assert list(source.of_list()) == [1, 2]


def test_close(source: Any) -> None:
    items = source.endless()
    assert next(items) == 0
    items.close()
    assert source.wait_closed()
    assert list(items) == []
    items.close()


def test_an_iterator_that_is_dropped_is_closed(host: Any) -> None:
    source = host.Source()
    before = host._number_of_objects()
    for _ in source.endless():
        break
    gc.collect()
    assert source.wait_closed()
    eventually(lambda: host._number_of_objects() == before)


def test_an_iterator_that_was_never_begun_is_dropped(host: Any) -> None:
    source = host.Source()
    before = host._number_of_objects()
    items = source.endless()
    assert host._number_of_objects() == before + 1
    del items
    gc.collect()
    eventually(lambda: host._number_of_objects() == before)
    assert source.produced() == 0


def test_a_generator_can_ask_whether_somebody_takes(source: Any) -> None:
    items = source.watchful()
    assert next(items) == 0
    items.close()
    assert source.wait_closed()
    for limit in grown_limits():
        with suppress(sharevar.CallTimedOut):
            items = source._within(limit).watchful()
            assert next(items) == 0
            break
    with pytest.raises(sharevar.CallTimedOut):
        next(items)
    assert source.wait_closed()


def begin_and_wait(source: Any, begun: Any, waits_for_item: bool) -> None:
    if waits_for_item:
        items = source.async_gated()
        assert next(items) == 0
        begun.set()
        next(items)
    items = source.endless()
    assert next(items) == 0
    begun.set()
    signal.pause()


@pytest.mark.parametrize("waits_for_item", [False, True])
def test_a_killed_clients_iterators_are_closed(context: Any, waits_for_item: bool) -> None:
    with Manager(ctx=context) as host:
        source = host.Source()
        begun = context.Event()
        child = context.Process(
            target=begin_and_wait, args=(source, begun, waits_for_item)
        )
        child.start()
        assert begun.wait(50)
        child.kill()
        child.join()
        assert source.wait_closed()


def sum_up(source: Any, result: Any) -> None:
    result.put(sum(source.count(5000)))


def test_in_other_processes(context: Any) -> None:
    with Manager(ctx=context) as host:
        source = host.Source()
        result = context.SimpleQueue()
        child = context.Process(target=sum_up, args=(source, result))
        child.start()
        assert result.get() == sum(range(5000))
        child.join()
        assert child.exitcode == 0


def test_several_at_once(source: Any) -> None:
    assert list(zip(source.count(500), source.count(500), strict=True)) == [
        (number, number) for number in range(500)
    ]


@pytest.mark.parametrize(("turns", "number"), [(1, 10_000), (100, 20)])
def test_threads_share_the_items(source: Any, turns: int, number: int) -> None:
    for _ in range(turns):
        items = source.count(number)
        taken: list[list[int]] = [[], [], []]
        threads = [threading.Thread(target=part.extend, args=(items,)) for part in taken]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(itertools.chain(*taken)) == list(range(number))


@pytest.mark.parametrize(("turns", "number"), [(1, 3000), (50, 20)])
def test_tasks_share_the_items(source: Any, turns: int, number: int) -> None:
    async def take(items: Any) -> list[int]:
        return [item async for item in items]

    async def main() -> None:
        for _ in range(turns):
            items = await source.count_async(number)
            taken = await asyncio.gather(*(take(items) for _ in range(3)))
            assert sorted(itertools.chain(*taken)) == list(range(number))

    asyncio.run(main())


def test_an_interrupted_iteration_is_over(source: Any) -> None:
    def interrupt(*_: Any) -> None:
        raise InterruptedError

    def interrupt_main() -> None:
        assert source.somebody_waits()
        eventually(lambda: sleeps(os.getpid(), main.native_id))
        signal.pthread_kill(main.ident, signal.SIGUSR1)

    main: Any = threading.main_thread()
    items = source.gated()
    old = signal.signal(signal.SIGUSR1, interrupt)
    try:
        interrupter = threading.Thread(target=interrupt_main)
        interrupter.start()
        with pytest.raises(InterruptedError):
            next(items)
        interrupter.join()
    finally:
        signal.signal(signal.SIGUSR1, old)
    # As of a generator here, through which an exception has gone.
    assert list(items) == []
    # The generator waits, and its object serves others.
    assert source.produced() == 0


def test_async_for(source: Any) -> None:
    async def main() -> None:
        assert [item async for item in await source.count_async(3000)] == list(range(3000))
        assert [item async for item in source.async_count(300)] == list(range(300))
        items = await source.async_fail_at_async(2)
        with pytest.raises(LookupError):
            _ = [item async for item in items]
        assert [item async for item in items] == []

    asyncio.run(main())


def test_asynchronous_generators_without_async(source: Any) -> None:
    assert list(source.async_count(3000)) == list(range(3000))


def test_a_cancelled_iteration_closes(source: Any) -> None:
    async def main() -> None:
        items = source.async_gated()
        assert await anext(items) == 0
        task = asyncio.ensure_future(anext(items))
        # It is asked at once, and nothing comes.
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert [item async for item in items] == []

    asyncio.run(main())
    assert source.wait_closed()


def test_a_time_limit_is_one_for_each_request(host: Any) -> None:
    for limit in grown_limits():
        # The gate is open once more for each that was too late.
        source = host.Source()
        source.open()
        with suppress(sharevar.CallTimedOut):
            items = source._within(limit).gated()
            assert next(items) == 0
            break
    with pytest.raises(sharevar.CallTimedOut):
        next(items)
    assert list(items) == []


def test_an_iterator_of_a_dead_host() -> None:
    host = Manager(ctx=multiprocessing.get_context("fork"))
    host.start()
    source = host.Source()  # type: ignore[attr-defined]
    items = source.gated()
    source.open()
    assert next(items) == 0
    os.kill(source.pid(), signal.SIGKILL)
    with pytest.raises(sharevar.HostDied):
        next(items)
    assert list(items) == []
    host.shutdown()
