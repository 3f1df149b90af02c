"""Exceptions of every kind that hosted objects raise, and what becomes of them."""

from __future__ import annotations

import asyncio
import builtins
import dataclasses
import sys
import threading
import types
from collections.abc import Iterator
from multiprocessing.pool import RemoteTraceback
from typing import Any

import pytest

import sharevar
from sharevar.managers import BaseManager, RemoteError

pytestmark = pytest.mark.long


class Other(BaseException):
    """No `Exception`."""


class NeedsMore(Exception):
    """It cannot be made again from its arguments."""

    def __init__(self, needed: int, *, named: int) -> None:
        super().__init__("needs more")


class Speechless(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


class Unequal(Exception):
    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("not to be compared")


class Fixed(Exception):
    def __setattr__(self, name: str, value: Any) -> None:
        raise TypeError("it does not change")


@dataclasses.dataclass(frozen=True)
class Frozen(Exception):
    number: int


class EndsWhoWritesIt(Exception):
    def __reduce__(self) -> Any:
        raise SystemExit("written")


class EndsWhoReadsIt(Exception):
    def __reduce__(self) -> Any:
        return sys.exit, ("read",)


class BecomesAnother(Exception):
    def __reduce__(self) -> Any:
        return int, (5,)


def nested(depth: int) -> Any:
    items: Any = []
    for _ in range(depth):
        items = [items]
    return items


class Raiser:
    def now(self, name: str) -> None:
        getattr(self, f"_{name}")()

    async def later(self, name: str) -> None:
        await asyncio.sleep(0)
        self.now(name)

    def in_stream(self, name: str) -> Iterator[int]:
        yield 1
        self.now(name)

    def is_well(self) -> bool:
        return True

    def same(self, value: Any) -> Any:
        return value

    def nested(self, depth: int) -> Any:
        return nested(depth)

    def give_unreadable(self) -> Any:
        return [elsewhere()()]

    # Those that arrive

    def _plain(self) -> None:
        raise LookupError("here", 1)

    def _system_exit(self) -> None:
        sys.exit(3)

    def _interrupt(self) -> None:
        raise KeyboardInterrupt

    def _other(self) -> None:
        raise Other("no Exception")

    def _recursion(self) -> None:
        self._recursion()

    def _memory(self) -> None:
        raise MemoryError

    def _file(self) -> None:
        open("/there is no such file")

    def _decode(self) -> None:
        b"\xff".decode()

    def _panic(self) -> None:
        # A panic in the extension passes through Python as an exception of this class.
        classes = {cls.__name__: cls for cls in BaseException.__subclasses__()}
        raise classes["PanicException"]("of the extension")

    def _surrogate(self) -> None:
        raise ValueError("\ud800")

    def _of_ours(self) -> None:
        raise sharevar.HandleExpired("by an object")

    def _chained(self) -> None:
        try:
            try:
                raise ZeroDivisionError("first")
            except ZeroDivisionError as first:
                raise KeyError("second") from first
        except KeyError:
            raise LookupError("third")  # noqa: B904

    def _chained_without_end(self) -> None:
        one, other = LookupError("one"), LookupError("other")
        one.__cause__, other.__context__ = other, one
        raise one

    def _long_chain(self) -> None:
        error = LookupError("end")
        for number in range(50_000):
            before, error = error, LookupError(number)
            error.__cause__ = before
        raise error

    def _large(self) -> None:
        raise LookupError("x" * 20_000_000)

    def _speechless(self) -> None:
        raise Speechless

    def _unequal(self) -> None:
        raise Unequal("apart")

    def _fixed(self) -> None:
        raise Fixed("fast")

    # Those that cannot travel

    def _needs_more(self) -> None:
        raise NeedsMore(1, named=2)

    def _local(self) -> None:
        class Local(Exception):
            pass

        raise Local("of a function")

    def _of_a_module_that_is_only_here(self) -> None:
        raise elsewhere()("of a module")

    def _with_lock(self) -> None:
        raise LookupError("with a lock", threading.Lock())

    def _frozen(self) -> None:
        raise Frozen(1)

    def _with_depth(self) -> None:
        raise LookupError(nested(100_000))

    def _ends_who_writes_it(self) -> None:
        raise EndsWhoWritesIt("who writes it")

    def _ends_who_reads_it(self) -> None:
        raise EndsWhoReadsIt("who reads it")

    def _becomes_another(self) -> None:
        raise BecomesAnother("another")


def elsewhere() -> Any:
    """A class that only this process can import."""
    module = types.ModuleType("only_at_the_host")
    sys.modules[module.__name__] = module
    found = type("Elsewhere", (LookupError,), {"__module__": module.__name__})
    module.Elsewhere = found  # type: ignore[attr-defined]
    return found


class Manager(BaseManager):
    pass


Manager.register("Raiser", Raiser)


@pytest.fixture
def host() -> Iterator[Any]:
    with Manager() as manager:
        yield manager


@pytest.fixture
def raiser(host: Any) -> Iterator[Any]:
    raiser = host.Raiser()
    yield raiser
    # The host lives, and its connections are in order.
    for _ in range(3):
        assert raiser.is_well()
        assert asyncio.run(raiser.is_well_async())


def call(raiser: Any, name: str) -> None:
    raiser.now(name)


def call_coroutine(raiser: Any, name: str) -> None:
    raiser.later(name)


def call_awaited(raiser: Any, name: str) -> None:
    async def main() -> BaseException | None:
        try:
            await raiser.now_async(name)
        except BaseException as error:
            # Event loops have their own ways with some.
            return error
        return None

    error = asyncio.run(main())
    if error is not None:
        raise error


def call_in_batch(raiser: Any, name: str) -> None:
    with raiser._batch() as batch:
        before, outcome, after = batch.is_well(), batch.now(name), batch.is_well()
    assert before.result()
    assert after.result()
    outcome.result()


def take(raiser: Any, name: str) -> None:
    items = raiser.in_stream(name)
    assert next(items) == 1
    try:
        next(items)
    finally:
        assert list(items) == []


@pytest.fixture(params=[call, call_coroutine, call_awaited, call_in_batch, take])
def way(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("plain", LookupError, "here"),
        ("system_exit", SystemExit, "3"),
        ("interrupt", KeyboardInterrupt, "_interrupt"),
        ("other", Other, "no Exception"),
        ("recursion", RecursionError, "depth"),
        ("memory", MemoryError, "_memory"),
        ("file", FileNotFoundError, "no such file"),
        ("decode", UnicodeDecodeError, "0xff"),
        ("surrogate", ValueError, r"\ud800"),
        ("of_ours", sharevar.HandleExpired, "by an object"),
        ("chained", LookupError, "first"),
        ("chained_without_end", LookupError, "other"),
        ("long_chain", LookupError, "49999"),
        ("large", LookupError, "xxx"),
        ("unequal", Unequal, "apart"),
        ("fixed", Fixed, "fast"),
        ("speechless", Speechless, "_speechless"),
    ],
)
def test_it_arrives(raiser: Any, way: Any, name: str, kind: Any, words: str) -> None:
    with pytest.raises(kind) as raised:
        way(raiser, name)
    assert type(raised.value) is kind
    cause = raised.value.__cause__
    assert isinstance(cause, RemoteTraceback)
    assert words in str(cause)
    assert f"in _{name}" in str(cause)


@pytest.mark.parametrize(
    ("name", "typename", "message"),
    [
        ("needs_more", f"{__name__}.NeedsMore", "needs more"),
        ("local", f"{__name__}.Raiser._local.<locals>.Local", "of a function"),
        ("of_a_module_that_is_only_here", "only_at_the_host.Elsewhere", "of a module"),
        ("with_lock", "builtins.LookupError", "with a lock"),
        ("frozen", f"{__name__}.Frozen", "1"),
        ("with_depth", "builtins.LookupError", ""),
        ("ends_who_writes_it", f"{__name__}.EndsWhoWritesIt", "who writes it"),
        ("ends_who_reads_it", f"{__name__}.EndsWhoReadsIt", "who reads it"),
        ("becomes_another", f"{__name__}.BecomesAnother", "another"),
    ],
)
def test_one_that_cannot_travel_is_told_of(
    raiser: Any, way: Any, name: str, typename: str, message: str
) -> None:
    with pytest.raises(RemoteError) as raised:
        way(raiser, name)
    assert raised.value.typename == typename  # type: ignore[attr-defined]
    assert message in raised.value.message  # type: ignore[attr-defined]
    assert f"in _{name}" in str(raised.value)


def test_a_panic_in_the_extension_is_told_of(raiser: Any, way: Any) -> None:
    with pytest.raises(LookupError):
        # With the first exception the extension makes the class of its panics.
        raiser.now("plain")
    with pytest.raises(sharevar.HostedPanic, match="of the extension"):
        way(raiser, "panic")
    assert raiser.is_well()


def test_its_arguments_arrive(raiser: Any, way: Any) -> None:
    with pytest.raises(LookupError) as raised:
        way(raiser, "plain")
    assert raised.value.args == ("here", 1)


# Since Python 3.14 the stack's own end is the limit.
DEPTHS = [5_000, 1_000_000] if sys.version_info < (3, 14) else [1_000_000]


@pytest.mark.parametrize("depth", DEPTHS)
def test_values_that_are_too_deep(raiser: Any, depth: int) -> None:
    value = nested(depth)
    try:
        with pytest.raises(RecursionError):
            raiser.same(value)
        with pytest.raises(sharevar.CallRefused, match=r"(?i)recursion") as refused:
            raiser.nested(depth)
        assert refused.value.happened is True
    finally:
        # Dropped at once it would be too deep as well on some versions.
        while value:
            value = value[0]


def test_a_result_that_cannot_be_read_here(raiser: Any) -> None:
    with pytest.raises(ModuleNotFoundError, match="only_at_the_host"):
        raiser.give_unreadable()


if sys.version_info >= (3, 11):
    BaseExceptionGroup: Any = builtins.BaseExceptionGroup
    ExceptionGroup: Any = builtins.ExceptionGroup

    class Grouping(Raiser):
        def _noted(self) -> None:
            error = LookupError("noted")
            error.add_note("a note")
            raise error

        def _group(self) -> None:
            try:
                raise ZeroDivisionError("the cause")
            except ZeroDivisionError as cause:
                inner = ExceptionGroup("inner", [KeyError("b"), LookupError("c")])
                raise ExceptionGroup("outer", [ValueError("a"), inner]) from cause

        def _group_of_any(self) -> None:
            raise BaseExceptionGroup("any", [ValueError("a"), KeyboardInterrupt()])

        def _group_with_one_that_cannot_travel(self) -> None:
            raise ExceptionGroup("mixed", [ValueError("a"), NeedsMore(1, named=2)])

    Manager.register("Grouping", Grouping)

    @pytest.fixture
    def grouping(host: Any) -> Any:
        return host.Grouping()

    def test_notes_arrive(grouping: Any, way: Any) -> None:
        with pytest.raises(LookupError) as raised:
            way(grouping, "noted")
        assert raised.value.__notes__ == ["a note"]
        assert "a note" in str(raised.value.__cause__)

    def test_groups_arrive(grouping: Any, way: Any) -> None:
        with pytest.raises(ExceptionGroup) as raised:
            way(grouping, "group")
        values, others = raised.value.split(ValueError)
        assert [str(error) for error in values.exceptions] == ["a"]
        (inner,) = others.exceptions
        assert isinstance(inner, ExceptionGroup)
        assert [type(error) for error in inner.exceptions] == [KeyError, LookupError]
        # Its parts are what `except*` goes by; where it comes from stays with them.
        for part in (raised.value, values, others):
            assert "the cause" in str(part.__cause__)
        with pytest.raises(BaseExceptionGroup) as any_raised:
            way(grouping, "group_of_any")
        assert any_raised.value.subgroup(KeyboardInterrupt) is not None

    def test_a_group_with_one_that_cannot_travel(grouping: Any, way: Any) -> None:
        with pytest.raises(RemoteError, match="needs more") as raised:
            way(grouping, "group_with_one_that_cannot_travel")
        assert raised.value.typename == "builtins.ExceptionGroup"  # type: ignore[attr-defined]
