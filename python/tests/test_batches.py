"""Many calls of hosted objects with one message."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

import sharevar
from sharevar.managers import BaseManager


class Counter:
    def __init__(self) -> None:
        self.number = 0

    def add(self, by: int) -> int:
        self.number += by
        return self.number

    def get(self) -> int:
        return self.number

    def fail(self) -> None:
        raise LookupError("in the batch")

    def itself(self) -> Counter:
        return self

    def numbers(self) -> Iterator[int]:
        yield from range(self.number)

    def copy(self) -> int:
        return self.number

    def until_cancelled(self) -> None:
        call = sharevar.hosting.current_call()
        while not call.cancelled:
            pass

    def same(self, value: Any) -> Any:
        return value


class Manager(BaseManager):
    pass


Manager.register("Counter", Counter, method_to_typeid={"copy": "Copy"})
Manager.register("Copy", Counter().same, exposed=("bit_length",))
Manager.register("OpenCounter", Counter, exposed=("add", "number"))


@pytest.fixture
def host() -> Iterator[Any]:
    with Manager() as manager:
        yield manager


@pytest.fixture
def counter(host: Any) -> Any:
    return host.Counter()


def test_each_has_its_own_outcome_in_order(counter: Any) -> None:
    with counter._batch() as batch:
        first, failing, second = batch.add(1), batch.fail(), batch.add(by=2)
        got = batch.get()
    assert (first.result(), second.result(), got.result()) == (1, 3, 3)
    assert first.exception() is None
    assert isinstance(failing.exception(), LookupError)
    with pytest.raises(LookupError, match="in the batch") as caught:
        failing.result()
    assert "fail" in str(caught.value.__cause__)


def test_nothing_is_called_before_the_end(counter: Any) -> None:
    with counter._batch() as batch:
        outcome = batch.add(1)
        assert counter.get() == 0
        with pytest.raises(RuntimeError, match="not carried out"):
            outcome.result()
    assert counter.get() == 1


def test_nothing_is_called_if_the_block_raises(counter: Any) -> None:
    with pytest.raises(KeyError), counter._batch() as batch:
        outcome = batch.add(1)
        raise KeyError
    assert counter.get() == 0
    with pytest.raises(RuntimeError, match="not carried out"):
        outcome.exception()


def test_of_several_objects(host: Any) -> None:
    one, other = host.Counter(), host.Counter()
    with one._batch() as batch:
        outcomes = [batch.add(1), batch._on(other).add(10), batch.add(1)]
    assert [outcome.result() for outcome in outcomes] == [1, 10, 2]
    assert (one.get(), other.get()) == (2, 10)


def test_objects_of_two_hosts(counter: Any) -> None:
    with Manager() as manager:
        other = manager.Counter()  # type: ignore[attr-defined]
        with counter._batch() as batch, pytest.raises(ValueError, match="another host"):
            batch._on(other)


def test_objects_iterators_and_the_object_itself(counter: Any) -> None:
    with counter._batch() as batch:
        batch.add(5)
        itself, numbers, copied = batch.itself(), batch.numbers(), batch.copy()
    assert itself.result() is counter
    assert list(numbers.result()) == [0, 1, 2, 3, 4]
    assert copied.result().bit_length() == 3


def test_attributes_are_read(host: Any) -> None:
    counter = host.OpenCounter()
    with counter._batch() as batch:
        batch.add(4)
        number = batch.number()
    assert number.result() == 4


def test_only_exposed_names(host: Any) -> None:
    batch = host.OpenCounter()._batch()
    for name in ("get", "_secret", "__class_getitem__"):
        with pytest.raises(AttributeError, match="not exposed"):
            getattr(batch, name)


def test_many(counter: Any) -> None:
    with counter._batch() as batch:
        outcomes = [batch.add(1) for _ in range(5000)]
    assert [outcome.result() for outcome in outcomes] == list(range(1, 5001))


def test_none(counter: Any) -> None:
    with counter._batch():
        pass
    assert counter.get() == 0


def test_a_limit_is_one_for_all(counter: Any) -> None:
    with pytest.raises(sharevar.CallTimedOut), counter._within(0.05)._batch() as batch:
        batch.until_cancelled()
    assert counter.add(1) == 1


def test_async_with(host: Any) -> None:
    async def main() -> None:
        one, other = host.Counter(), host.Counter()
        async with one._batch() as batch:
            first, second = batch.add(1), batch._on(other).add(2)
        assert (first.result(), second.result()) == (1, 2)

        async def both(a: Any, b: Any) -> None:
            async with a._batch() as batch:
                batch.add(1)
                batch._on(b).add(1)

        await asyncio.gather(*(both(one, other) for _ in range(20)), both(other, one))
        assert (one.get(), other.get()) == (22, 23)

    asyncio.run(main())


def count(counter: Any) -> None:
    with counter._batch() as batch:
        outcomes = [batch.add(1) for _ in range(10)]
    assert [outcome.result() for outcome in outcomes] == list(range(1, 11))


def test_in_other_processes(context: Any) -> None:
    with Manager(ctx=context) as host:
        counter = host.Counter()  # type: ignore[attr-defined]
        child = context.Process(target=count, args=(counter,))
        child.start()
        child.join()
        assert child.exitcode == 0
        assert counter.get() == 10
