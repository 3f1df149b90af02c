"""Attributes, and the statements that objects take part in, through proxies."""

from __future__ import annotations

import functools
import multiprocessing
import pickle
import threading
from collections.abc import Iterator
from multiprocessing import managers as standard
from pathlib import Path
from typing import Any

import pytest

import sharevar
from sharevar.managers import AutoProxy, BaseManager, BaseProxy


class Point:
    """With attributes of every kind; those that run code count how often."""

    shared = "of the class"
    __slots__ = ("__dict__", "slot", "unset")

    def __init__(self) -> None:
        self._x = 1
        self.instance = 5
        self.slot = "slot"
        self.function = len
        self.reads = 0

    @property
    def x(self) -> int:
        self.reads += 1
        return self._x

    @x.setter
    def x(self, value: int) -> None:
        if value < 0:
            raise ValueError(f"{value} is negative")
        self._x = value

    @property
    def fixed(self) -> int:
        return 9

    @functools.cached_property
    def cached(self) -> list[int]:
        return [self._x]

    def move(self, by: int) -> int:
        self._x += by
        return self._x

    @classmethod
    def of_class(cls) -> str:
        return cls.__name__

    @staticmethod
    def static() -> str:
        return "static"

    def __getattr__(self, name: str) -> Any:
        if name == "dynamic":
            return lambda: "dynamic"
        raise AttributeError(name)


class Plain:
    """With a method and a public attribute."""

    x = 1

    def __init__(self) -> None:
        self.instance = 5

    def move(self) -> int:
        return self.x


class Block:
    """Something to enter, which keeps what it was left with."""

    def __init__(self, *, swallows: bool = False, gives: Any = None) -> None:
        self._swallows = swallows
        self._gives = gives
        self._left: list[tuple[str, str]] = []

    def __enter__(self) -> Any:
        return self if self._gives is None else self._gives

    def __exit__(self, kind: Any, error: Any, trace: Any) -> bool:
        self._left.append((getattr(kind, "__name__", "None"), str(error)))
        assert trace is None
        return self._swallows

    def left(self) -> list[tuple[str, str]]:
        return self._left


class AsyncBlock:
    async def __aenter__(self) -> AsyncBlock:
        return self

    async def __aexit__(self, kind: Any, error: Any, trace: Any) -> bool:
        return kind is ValueError


class Words:
    """Something to iterate over."""

    def __init__(self, *words: str) -> None:
        self._words = words

    def __iter__(self) -> Iterator[str]:
        return iter(self._words)


class Manager(BaseManager):
    pass


ATTRIBUTES = ("x", "fixed", "cached", "instance", "slot", "shared")
METHODS = ("move", "of_class", "static", "function", "dynamic")
Manager.register("Point", Point, exposed=(*ATTRIBUTES, *METHODS, "reads"))
Manager.register("AutoPoint", Plain)
Manager.register("Walker", Point, exposed=("move.__func__",))
Manager.register("Block", Block)
Manager.register("AsyncBlock", AsyncBlock)
Manager.register("Words", Words)
Manager.register("open", open)
Manager.register("Lock", threading.Lock)


@pytest.fixture
def host() -> Iterator[Any]:
    with Manager() as manager:
        yield manager


def test_attributes_are_read(host: Any) -> None:
    point = host.Point()
    assert [getattr(point, name) for name in ATTRIBUTES] == [
        1, 9, [1], 5, "slot", "of the class",
    ]  # fmt: skip


def test_no_code_of_the_object_runs_to_find_them(host: Any) -> None:
    point = host.Point()
    assert point.reads == 0
    assert point.x == 1
    assert point.reads == 1


def test_attributes_are_set(host: Any) -> None:
    point = host.Point()
    point.x = 7
    point.instance = {"now": "a dict"}
    point.slot = None
    assert (point.x, point.instance, point.slot) == (7, {"now": "a dict"}, None)
    assert point.move(1) == 8


def test_what_has_no_setter_raises_as_here(host: Any) -> None:
    here, point = Point(), host.Point()
    with pytest.raises(AttributeError) as local:
        here.fixed = 1  # type: ignore[misc]
    with pytest.raises(AttributeError) as remote:
        point.fixed = 1
    assert str(remote.value) == str(local.value)
    assert point.fixed == 9


def test_a_setters_error_arrives(host: Any) -> None:
    point = host.Point()
    with pytest.raises(ValueError, match="-1 is negative"):
        point.x = -1
    assert point.x == 1


def test_an_attribute_of_another_kind_is_none_of_the_methods(host: Any) -> None:
    point = host.Point()
    assert point.of_class() == "Point"
    assert point.static() == "static"
    assert point.function("abc") == 3
    assert point.dynamic() == "dynamic"


def test_only_exposed_names(host: Any) -> None:
    point = host.Point()
    for name in ("_x", "unset", "__dict__", "__class__", "x.real", "move.__func__"):
        with pytest.raises(sharevar.NotExposed):
            point._callmethod(f".{name}")
    # It is kept in the proxy, as in the standard library.
    point.unset = 1
    with pytest.raises(standard.RemoteError, match=r"'move.__func__' cannot be exposed"):
        host.Walker()


def test_an_auto_proxy_has_methods_only(host: Any) -> None:
    point = host.AutoPoint()
    assert set(point._exposed_) == {"move"}
    assert not hasattr(point, "x")
    assert not hasattr(point, "instance")


def set_x(point: Any, value: int) -> None:
    assert point.x == 1
    point.x = value


def test_in_other_processes(context: Any) -> None:
    with Manager(ctx=context) as host:
        point = host.Point()
        child = context.Process(target=set_x, args=(point, 41))
        child.start()
        child.join()
        assert child.exitcode == 0
        assert point.x == 41


def test_a_pickled_proxy_has_them(host: Any) -> None:
    point = host.Point()
    authkey = multiprocessing.current_process().authkey
    multiprocessing.current_process().authkey = host._authkey
    try:
        other = pickle.loads(pickle.dumps(point))
    finally:
        multiprocessing.current_process().authkey = authkey
    other.x = 3
    assert point.x == 3


def test_plain_python_is_told_of_methods_only(host: Any) -> None:
    point = host.Point()
    token = point._token
    plain = standard.listener_client["pickle"][1]  # type: ignore[attr-defined]
    connection = plain(token.address, authkey=host._authkey)
    try:
        names = standard.dispatch(connection, None, "get_methods", (token,))  # type: ignore[attr-defined]
    finally:
        connection.close()
    assert set(names) == set(METHODS)


def test_a_proxy_class_of_ones_own_has_what_it_defines(host: Any) -> None:
    class PointProxy(BaseProxy):
        _exposed_ = ("move",)

        def twice(self, by: int) -> Any:
            return self._callmethod("move", (by,)), self._callmethod("move", (by,))

    class Own(BaseManager):
        pass

    Own.register("Point", Point, PointProxy)
    with Own(ctx=multiprocessing.get_context("fork")) as manager:
        assert manager.Point().twice(2) == (3, 5)  # type: ignore[attr-defined]


def test_with(host: Any) -> None:
    block = host.Block()
    with block as entered:
        assert entered is block
    assert block.left() == [("None", "None")]


def test_with_gives_what_enter_gives(host: Any) -> None:
    with host.Block(gives=[1, 2]) as entered:
        assert entered == [1, 2]


def test_with_and_an_error(host: Any) -> None:
    block = host.Block()
    with pytest.raises(KeyError), block:
        raise KeyError("key")
    swallowing = host.Block(swallows=True)
    with swallowing:
        raise KeyError("key")
    assert block.left() == swallowing.left() == [("KeyError", "'key'")]


def test_with_and_an_error_that_cannot_travel(host: Any) -> None:
    class Local(Exception):
        pass

    block = host.Block()
    with pytest.raises(Local), block:
        raise Local("of this function")
    [(kind, message)] = block.left()
    assert kind == "RuntimeError"
    assert message.endswith("Local: of this function")


def test_async_with(host: Any) -> None:
    import asyncio

    async def main() -> None:
        block = host.AsyncBlock()
        async with block as entered:
            assert entered is block
        async with block:
            raise ValueError("swallowed")
        with pytest.raises(KeyError):
            async with block:
                raise KeyError("not")

    asyncio.run(main())


def test_for_over_an_object(host: Any) -> None:
    words = host.Words("a", "b")
    assert list(words) == ["a", "b"]
    assert list(words) == ["a", "b"]


def test_for_over_a_file(host: Any, tmp_path: Path) -> None:
    path = tmp_path / "lines"
    path.write_text("".join(f"{number}\n" for number in range(3000)))
    with host.open(path) as file:
        assert [int(line) for line in file] == list(range(3000))
    with pytest.raises(ValueError, match="closed file"):
        file.readline()


def test_a_lock_is_no_other_than_before(host: Any) -> None:
    lock = host.Lock()
    assert isinstance(lock, BaseProxy)
    with lock:
        assert lock.locked()
    assert not lock.locked()


def test_the_class_of_auto_proxies_is_the_standard_function() -> None:
    assert AutoProxy is standard.AutoProxy  # type: ignore[attr-defined]
