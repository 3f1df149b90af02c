"""Errors of what a user's class does when it is pickled or read back: raised as they are."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable
from typing import Any

import pytest

import sharevar
from sharevar.managers import BaseManager


class OwnError(Exception):
    pass


class OwnTypeError(TypeError):
    pass


ERRORS = (
    ValueError, TypeError, AttributeError, KeyError, RuntimeError, OSError, RecursionError,
    MemoryError, StopIteration, EOFError, pickle.PicklingError, pickle.UnpicklingError,
    NotImplementedError, AssertionError, OwnError, OwnTypeError,
)  # fmt: skip


class ReduceFails:
    def __init__(self, error: type[Exception]) -> None:
        self.error = error

    def __reduce__(self) -> Any:
        raise self.error("on purpose")

    def __hash__(self) -> int:
        return 7


class GetStateFails:
    def __init__(self, error: type[Exception]) -> None:
        self.error = error

    def __hash__(self) -> int:
        return 7

    def __getstate__(self) -> Any:
        raise self.error("on purpose")


def _fail(error: type[Exception]) -> None:
    raise error("on purpose")


class FailsLater:
    """One that is pickled, and cannot be read back."""

    def __init__(self, error: type[Exception]) -> None:
        self.error = error

    def __reduce__(self) -> Any:
        return _fail, (self.error,)


class SetStateFails:
    def __init__(self, error: type[Exception]) -> None:
        self.error = error

    def __setstate__(self, state: Any) -> None:
        raise state["error"]("on purpose")


class Store:
    def keep(self, value: Any) -> None:
        pass


class Manager(BaseManager):
    pass


Manager.register("Store", Store)


@sharevar.monitor
class Shelf:
    def __init__(self) -> None:
        self.item: Any = None

    def put(self, item: Any) -> None:
        self.item = item


def _places(manager: Any) -> dict[str, Callable[[Any], Any]]:
    shelf = Shelf()
    return {
        "dict": lambda value: manager.dict(a=value),
        "update": lambda value: manager.dict().update(a=value),
        "setdefault": lambda value: manager.dict().setdefault("a", value),
        "key": lambda value: manager.dict().__setitem__(value, 1),
        "list": lambda value: manager.list([value]),
        "append": manager.list().append,
        "slice": lambda value: manager.list([1]).__setitem__(slice(0, 1), [value]),
        "set": manager.set().add,
        "queue": manager.Queue().put,
        "many": lambda value: manager.Queue().put_many([1, value]),
        "simple queue": sharevar.SimpleQueue().put,
        "value": lambda value: manager.Value("x", value),
        "set value": manager.Value("x", 1).set,
        "namespace": lambda value: setattr(manager.Namespace(), "a", value),
        "monitor": lambda value: setattr(shelf, "item", value),
        "method": shelf.put,
        "nested": lambda value: manager.dict(a=[{"b": (1, value)}]),
    }


@pytest.mark.parametrize("cls", [ReduceFails, GetStateFails])
def test_a_look_up_pickles_nothing(manager: Any, cls: Any) -> None:
    assert cls(ValueError) not in manager.dict(a=1)
    assert cls(ValueError) not in manager.set(["a"])
    assert manager.dict(a=1).get(cls(ValueError)) is None


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("cls", [ReduceFails, GetStateFails])
def test_pickling(manager: Any, cls: Any, error: type[Exception]) -> None:
    for place, put in _places(manager).items():
        with pytest.raises(error, match="on purpose") as raised:
            put(cls(error))
        assert type(raised.value) is error, place


@pytest.mark.parametrize("cls", [FailsLater, SetStateFails])
@pytest.mark.parametrize("error", ERRORS)
def test_reading_back(manager: Any, cls: Any, error: type[Exception]) -> None:
    fifo, simple, shelf = manager.Queue(), sharevar.SimpleQueue(), Shelf()
    value = cls(error)
    fifo.put(value)
    simple.put(value)
    shelf.item = value
    for read in (
        lambda: manager.dict(a=value)["a"],
        lambda: manager.dict(a=value).pop("a"),
        lambda: manager.dict(a=[value]).copy(),
        lambda: manager.list([value])[0],
        lambda: manager.list([value]).copy(),
        lambda: manager.Value("x", value).value,
        lambda: manager.Namespace(a=value).a,
        lambda: shelf.item,
        fifo.get,
        simple.get,
    ):
        with pytest.raises(error, match="on purpose") as raised:
            read()
        assert type(raised.value) is error


def test_arguments_of_hosted_calls() -> None:
    with Manager() as hosts:
        store = hosts.Store()
        for cls in (ReduceFails, GetStateFails):
            for error in ERRORS:
                with pytest.raises(error, match="on purpose") as raised:
                    store.keep([cls(error)])
                assert type(raised.value) is error
                # The connection is still good.
                store.keep(1)


def test_what_goes_round_in_too_many_circles(manager: Any) -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    try:
        for put in _places(manager).values():
            with pytest.raises((RecursionError, TypeError)):
                put(deep)
    finally:
        while deep:
            deep = deep.pop()


def test_what_pickle_refuses_is_still_not_shareable(manager: Any) -> None:
    class Local:
        pass

    for refused in (threading.Lock(), lambda: 1, Local(), Local, (i for i in ())):
        for put in (manager.list().append, manager.Queue().put, manager.Value("x", 1).set):
            with pytest.raises(sharevar.NotShareable, match="cannot share this"):
                put(refused)
