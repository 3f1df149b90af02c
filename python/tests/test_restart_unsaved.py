"""Calls whose changes cannot be saved, of objects that come back."""

from __future__ import annotations

import asyncio
import multiprocessing.connection
import multiprocessing.managers
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from support.hosted_objects import KEY
from support.processes import kill_host

import sharevar
from sharevar.managers import BaseManager

pytestmark = pytest.mark.long


class Holder:
    """As long as it has a lock, it cannot be pickled."""

    def __init__(self) -> None:
        self.items: list[Any] = []

    def add(self, item: Any) -> int:
        self.items.append(item)
        return len(self.items)

    def add_lock(self) -> int:
        return self.add(threading.Lock())

    def add_lock_and_fail(self) -> None:
        self.add_lock()
        raise LookupError("the method's own")

    async def add_lock_later(self) -> int:
        await asyncio.sleep(0)
        return self.add_lock()

    async def add_lock_later_and_fail(self) -> None:
        await asyncio.sleep(0)
        self.add_lock_and_fail()

    @property
    def last(self) -> Any:
        return self.items[-1:]

    @last.setter
    def last(self, item: Any) -> None:
        self.add_lock()
        if item is None:
            raise LookupError("the property's own")

    def remove(self) -> None:
        self.items.pop()

    def count(self) -> int:
        return len(self.items)

    def __getstate__(self) -> list[Any]:
        return self.items

    def __setstate__(self, items: list[Any]) -> None:
        self.items = items


class Manager(BaseManager):
    pass


Manager.register(
    "Holder",
    Holder,
    exposed=[name for name in vars(Holder) if not name.startswith("_")],
    restart=True,
)


@pytest.fixture
def host() -> Iterator[Any]:
    with Manager(authkey=KEY) as manager:
        yield manager


def check_what_comes_back(host: Any, holder: Any) -> None:
    kill_host(host)
    assert holder.count() == 1


@pytest.mark.parametrize("method", ["add_lock", "add_lock_later"])
def test_a_call_that_returned_says_what_could_not_be_saved(host: Any, method: str) -> None:
    holder = host.Holder()
    holder.add(1)
    with pytest.raises(sharevar.NotSaved, match=r"method has run.*cannot pickle") as raised:
        getattr(holder, method)()
    assert "TypeError" in str(raised.value.__cause__)
    check_what_comes_back(host, holder)


@pytest.mark.parametrize("method", ["add_lock_and_fail", "add_lock_later_and_fail"])
def test_the_methods_own_error_is_not_hidden(host: Any, method: str) -> None:
    holder = host.Holder()
    holder.add(1)
    with pytest.raises(LookupError, match="method's own") as raised:
        getattr(holder, method)()
    (note,) = raised.value.__notes__
    assert "cannot pickle" in note
    check_what_comes_back(host, holder)


def test_an_attribute(host: Any) -> None:
    holder = host.Holder()
    holder.add(1)
    with pytest.raises(sharevar.NotSaved, match="cannot pickle"):
        holder.last = 2
    with pytest.raises(LookupError, match="property's own"):
        holder.last = None
    check_what_comes_back(host, holder)


def test_it_is_saved_again_as_soon_as_it_can_be(host: Any) -> None:
    holder = host.Holder()
    with pytest.raises(sharevar.NotSaved):
        holder.add_lock()
    holder.remove()
    holder.add(1)
    check_what_comes_back(host, holder)


def test_plain_clients_hear_the_methods_own_error(host: Any) -> None:
    holder = host.Holder()

    def call(method: str) -> Any:
        with multiprocessing.connection.Client(host.address, authkey=KEY) as wire:
            dispatch: Callable[..., Any] = multiprocessing.managers.dispatch  # type: ignore[attr-defined]
            dispatch(wire, None, "accept_connection", ("plain",))
            wire.send((holder._token.id, method, (), {}))
            return wire.recv()

    kind, error = call("add_lock_and_fail")
    assert kind == "#ERROR" and isinstance(error, LookupError)
    assert "cannot pickle" in error.__notes__[0]  # type: ignore[attr-defined]
    kind, error = call("add_lock")
    assert kind == "#ERROR" and isinstance(error, sharevar.NotSaved)
