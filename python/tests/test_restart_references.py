"""Objects that others were made from, or have kept, when their host dies."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from support.hosted_objects import KEY, Kept
from support.processes import kill_host
from support.waiting import eventually

import sharevar
from sharevar.managers import BaseManager

pytestmark = pytest.mark.long


class Holder(Kept):
    def clear_and_die(self) -> None:
        self.items.clear()
        os.kill(os.getpid(), signal.SIGKILL)

    def clear(self) -> None:
        self.items.clear()

    def call(self, argument: Any) -> list[Any]:
        return [function(argument) for function in self.items]


class MadeFrom:
    """It does not keep what it was made from."""

    def __init__(self, parts: list[Any]) -> None:
        self.count = 0
        while parts:
            parts.pop()
            self.count += 1

    def get(self) -> int:
        return self.count


class Part:
    """It is made again, and counts how often it was asked meanwhile."""

    def __init__(self) -> None:
        self.asked = 0
        self.name = "a part"

    def ask(self, items: list[Any]) -> tuple[int, list[Any]]:
        self.asked += 1
        items.append(self.asked)
        return self.asked, items

    def fail(self) -> None:
        raise LookupError("no such thing")

    def numbers(self) -> Iterator[int]:
        yield self.asked

    def itself(self) -> Part:
        return self


class Whole:
    """It asks its part when it is made, by whatever way."""

    def __init__(self, part: Any) -> None:
        items: list[Any] = []
        with pytest.raises(LookupError):
            part.fail()
        self.told = [part.name, part.ask(items), items, str(part).startswith("<")]
        self.part = part

    def get(self) -> list[Any]:
        return [*self.told, self.part.ask([])[0]]


class Restored(Kept):
    """It counts its lives in another object."""

    def __setstate__(self, items: list[Any]) -> None:
        self.items = items
        self.items[0].add("a life")

    def lives(self) -> int:
        return len(self.items[0].get())


class Demanding(Kept):
    """What it asks for cannot be had while nobody serves it."""

    def __setstate__(self, items: list[Any]) -> None:
        self.items = items
        part, ask = items
        ask(part)


def iterate(part: Any) -> None:
    list(part.numbers())


def ask_for_itself(part: Any) -> None:
    part.itself()


def ask_who_asks(demanding: Any) -> None:
    demanding.get()


def ask_in_a_batch(part: Any) -> None:
    with part._batch() as batch:
        batch.ask([])


def ask_what_is_hidden(part: Any) -> None:
    part._callmethod("hidden")


class Base(BaseManager):
    pass


for _cls in (Kept, Holder, MadeFrom, Whole, Restored, Demanding):
    Base.register(_cls.__name__, _cls, restart=True)
PART = ("name", "ask", "fail", "numbers", "itself")
Base.register("Part", Part, exposed=PART, restart=True)


def test_an_object_that_was_let_go_of_is_there_until_that_is_saved() -> None:
    with Base(authkey=KEY) as manager:
        holder = manager.Holder(manager.Kept("inner"))
        # In its first life, and when it has come back.
        for _ in range(3):
            with pytest.raises(sharevar.HostDied):
                holder.clear_and_die()
            [inner] = holder.get()
            assert inner.get() == ["inner"]
            del inner
        assert manager._number_of_objects() == 2
        holder.clear()
        eventually(lambda: manager._number_of_objects() == 1)


def test_an_object_that_another_was_made_from_is_there_as_long() -> None:
    with Base(authkey=KEY) as manager:
        made = manager.MadeFrom([manager.Kept(), manager.Kept()])
        other = manager.Kept()
        for _ in range(3):
            kill_host(manager)
            assert made.get() == 2
            eventually(lambda: manager._number_of_objects() == 4)
        del made
        gc.collect()
        # What is given back goes out with the next message at the latest.
        other.get()
        eventually(lambda: manager._number_of_objects() == 1)


def test_objects_refer_to_each_other_and_to_themselves() -> None:
    with Base(authkey=KEY) as manager:
        other, first, second = manager.Kept(), manager.Holder(), manager.Holder()
        first.add(second)
        first.add(first)
        second.add(first)
        for _ in range(2):
            kill_host(manager)
            assert [len(holder.get()) for holder in (first, second)] == [2, 1]
            assert len(first.get()[0].get()[0].get()) == 2
        first.clear()
        del first
        gc.collect()
        assert other.get() == []
        # Each reference goes with what it was for, and no other one.
        [first] = second.get()
        assert first.get() == []
        second.clear()
        del first, second
        gc.collect()
        assert other.get() == []
        eventually(lambda: manager._number_of_objects() == 1)


def test_an_object_calls_another_when_it_is_made_again() -> None:
    with Base(authkey=KEY) as manager:
        whole = manager.Whole(manager.Part())
        restored = manager.Restored(manager.Kept())
        # What it refers to was made later.
        restored.add(manager.Kept())
        for life in range(4):
            assert whole.get() == ["a part", (1, [1]), [], True, 2]
            assert restored.lives() == life
            kill_host(manager)


@pytest.mark.parametrize(
    "ask", [iterate, ask_for_itself, ask_in_a_batch, ask_what_is_hidden, ask_who_asks]
)
def test_what_cannot_be_asked_then_is_refused(
    ask: Callable[[Any], None], capfd: Any
) -> None:
    with Base(authkey=KEY) as manager:
        part, kept = manager.Part(), manager.Kept(1)
        demanding = manager.Demanding()
        demanding.add(demanding if ask is ask_who_asks else part)
        demanding.add(ask)
        kill_host(manager)
        assert kept.get() == [1]
        assert part.ask([])[0] == 1
        with pytest.raises(sharevar.HandleExpired):
            demanding.get()
    said = capfd.readouterr().err
    assert "did not come back" in said
    expected = "NotExposed" if ask is ask_what_is_hidden else "can make plain calls"
    assert expected in said


def double(number: int) -> int:
    return 2 * number


def test_a_callback_is_there_as_long_as_its_process_has_it() -> None:
    with Base(authkey=KEY) as manager:
        kept = sharevar.callback(double)
        holder = manager.Holder(kept)
        assert holder.call(1) == [2]
        for number in range(2, 4):
            kill_host(manager)
            assert holder.call(number) == [2 * number]
        del kept
        gc.collect()
        # The host that is there has it still.
        assert holder.call(4) == [8]
        for _ in range(2):
            kill_host(manager)
            with pytest.raises(sharevar.HandleExpired, match=r"callback\(<function double"):
                holder.call(5)
        holder.clear()
        holder.add(sharevar.callback(double))
        assert holder.call(6) == [12]
