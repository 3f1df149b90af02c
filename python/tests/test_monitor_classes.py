"""Which classes can be monitors, and what becomes of their members."""

from __future__ import annotations

import abc
import copy
import dataclasses
import functools
import pickle
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

import pytest
from support.accounts import Account

import sharevar


@sharevar.monitor
@dataclasses.dataclass
class Point:
    x: int
    y: int = 2


class Counted(Account):
    """Derived from a monitor, and so one."""

    def deposit(self, amount: int, *, note: Any = None) -> int:
        self.calls = vars(self).get("calls", 0) + 1
        return super().deposit(amount, note=note)


class Named:
    def rename(self, owner: str) -> None:
        self.owner = owner
        if not owner:
            raise ValueError("no name")


class NamedAccount(Named, Account):
    pass


Item = TypeVar("Item")


@sharevar.monitor
class Box(Named, Generic[Item]):
    owner: str
    item: Item

    def swap(self, item: Item) -> Any:
        old = getattr(self, "item", None)
        self.item = item
        return old

    swap_none = functools.partialmethod(swap, None)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("made_up"):
            return name
        raise AttributeError(name)


def test_dataclasses() -> None:
    point = Point(1)
    assert (point.x, point.y) == (1, 2)
    assert point == Point(1) != Point(2)
    assert repr(point) == "Point(x=1, y=2)"
    point.x += 1
    assert dataclasses.astuple(point) == (2, 2)


def test_derived_classes() -> None:
    counted = Counted("Ada")
    assert (counted.deposit(1), counted.deposit(2), counted.calls) == (1, 3, 2)
    with pytest.raises(TypeError):
        counted.deposit("x")
    assert (counted.calls, len(counted)) == (2, 2)
    named = NamedAccount()
    with pytest.raises(ValueError, match="no name"):
        named.rename("")
    assert named.owner == "none"
    assert type(pickle.loads(pickle.dumps(named))) is NamedAccount
    box: Any = Box[int]()
    assert (box.swap(1), box.swap_none(), box.item) == (None, 1, None)
    assert box.made_up_name == "made_up_name"
    assert vars(box) == {"item": None}
    with pytest.raises(ValueError, match="no name"):
        box.rename("")
    with pytest.raises(AttributeError):
        box.owner  # noqa: B018
    with pytest.raises(TypeError):
        Box(1)


@sharevar.monitor
class Doubled:
    """Special methods, and attributes that are set in a way of their own."""

    def __init__(self) -> None:
        self.x = 1

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value * 2)

    def __delattr__(self, name: str) -> None:
        super().__delattr__(name)

    def __iter__(self) -> Any:
        return iter([self.x])

    def __contains__(self, item: int) -> bool:
        return item == self.x

    def __call__(self) -> int:
        return self.x

    def __bool__(self) -> bool:
        return self.x > 2

    def __enter__(self) -> Any:
        self.x = 5
        return self

    def __exit__(self, *how: object) -> None:
        self.x = 6


def test_special_methods() -> None:
    doubled = Doubled()
    assert (list(doubled), doubled(), bool(doubled), 2 in doubled) == ([2], 2, False, True)
    doubled.x = 4
    assert doubled.x == 8
    with doubled as entered:
        assert entered.x == 10
    assert doubled.x == 12
    del doubled.x
    assert not hasattr(doubled, "x")
    for copied in (copy.copy(doubled), copy.deepcopy(doubled)):
        assert copied == doubled
    if sys.version_info < (3, 13):
        # Later versions set an attribute of the proxy, which no other process sees.
        with pytest.raises(TypeError, match="can't apply this __setattr__"):
            object.__setattr__(doubled, "x", 1)
    with pytest.raises(AttributeError):
        Account().__dict__ = {}


def test_abstract_classes() -> None:
    @sharevar.monitor
    class Shape(abc.ABC):
        @abc.abstractmethod
        def area(self) -> int: ...

    class Square(Shape):
        def area(self) -> int:
            return 4

    with pytest.raises(TypeError, match="Shape is abstract"):
        Shape()
    assert Square().area() == 4


def refused(**members: Any) -> str:
    with pytest.raises(TypeError) as raised:
        sharevar.monitor(type("Wrong", (), members))
    return str(raised.value)


def test_classes_that_are_refused() -> None:
    def generator(self: Any) -> Iterator[int]:
        yield 1

    async def asynchronous(self: Any) -> None: ...

    async def both(self: Any) -> Any:
        yield 1

    managed: Any = contextmanager(generator)
    for member in (generator, asynchronous, both, managed, property(generator)):
        assert "Wrong.x is a generator or asynchronous" in refused(x=member)
    assert "has __slots__" in refused(__slots__=("x",))
    assert "__del__" in refused(__del__=lambda self: None)
    assert "__getattribute__" in refused(__getattribute__=lambda self, name: None)
    cached = functools.cached_property(lambda self: 1)
    for member in (cached, functools.lru_cache(len), functools.singledispatchmethod(len)):
        assert "whose code would run without the monitor's lock" in refused(x=member)
    with pytest.raises(TypeError, match="derived from dict"):
        sharevar.monitor(type("Wrong", (dict,), {}))
    with pytest.raises(TypeError, match="for classes"):
        sharevar.monitor(len)  # type: ignore[type-var]
    with pytest.raises(TypeError, match="frozen dataclass"):
        sharevar.monitor(dataclasses.make_dataclass("Wrong", ["x"], frozen=True))
    for members, why in [({"x": generator}, "generator"), ({"__slots__": "x"}, "__slots__")]:
        with pytest.raises(TypeError, match=why):
            type("Derived", (Account,), members)


def test_nothing_runs_when_the_lock_is_given_back() -> None:
    account = Account()

    def give_generator(self: Any) -> Any:
        self.balance = 1
        return (item for item in self.history)

    with pytest.raises(TypeError, match="returned a generator"):
        account.run(give_generator)
    assert account.balance == 0
    assert account.run(lambda self: list(self.run(give_generator))) == []
    assert account.balance == 1


class Sly:
    """Changes the account while it is pickled into it."""

    account: Any = None

    def __reduce__(self) -> Any:
        Sly.account.balance = 7
        return (Sly, ())


def test_pickling_cannot_change_what_is_stored() -> None:
    Sly.account = account = Account()
    with pytest.raises(sharevar.NotShareable, match="while the monitor's attributes were"):
        account.run(lambda self: setattr(self, "owner", Sly()))
    assert dict(vars(account)) == {"owner": "none", "balance": 0, "history": []}
