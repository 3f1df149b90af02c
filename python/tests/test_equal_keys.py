"""Keys that are equal are one key, whatever their class: dicts and sets against plain ones."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import enum
import ipaddress
import multiprocessing
import pathlib
import sys
import threading
import time
import uuid
import zoneinfo
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sharevar

pytestmark = pytest.mark.every_engine

fork = multiprocessing.get_context("fork")


class Fold(str):
    """Equal without regard to case."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and self.lower() == str(other).lower()

    def __hash__(self) -> int:
        return hash(self.lower())


class FoldBytes(bytes):
    def __eq__(self, other: object) -> bool:
        return isinstance(other, bytes) and self.lower() == bytes(other).lower()

    def __hash__(self) -> int:
        return hash(self.lower())


class Pairs(int):
    """2 and 3 are equal."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, int) and int(self) // 2 == int(other) // 2

    def __hash__(self) -> int:
        return hash(int(self) // 2 * 2)


class Bag(tuple[Any, ...]):
    """Equal whatever the order."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, tuple) and sorted(self) == sorted(other)

    def __hash__(self) -> int:
        return hash(tuple(sorted(self)))


class Like:
    """Equals an object of another class, and hashes as it."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return bool(self.value == (other.value if isinstance(other, Like) else other))

    def __hash__(self) -> int:
        return hash(self.value)

    def __repr__(self) -> str:
        return f"Like({self.value!r})"


class Loose:
    """Equal by one attribute."""

    def __init__(self, id: int, note: str) -> None:
        self.id, self.note = id, note

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Loose) and self.id == other.id

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        return f"Loose({self.id}, {self.note!r})"


class Text(str):
    pass


class Color(enum.Enum):
    RED = 1
    ALSO_RED = 1
    GREEN = 2


class Access(enum.Flag):
    READ = 1
    WRITE = 2


class Number(enum.IntEnum):
    ONE = 1


class Name(str, enum.Enum):
    A = "a"


@dataclasses.dataclass(frozen=True)
class Point:
    x: float
    y: float
    tags: frozenset[str] = frozenset()


Pair = collections.namedtuple("Pair", "a b")

UTC = datetime.timezone.utc
EAST = datetime.timezone(datetime.timedelta(hours=1))
ODD = datetime.timezone(datetime.timedelta(seconds=30))
ODDER = datetime.timezone(datetime.timedelta(microseconds=1))
BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")
at = datetime.datetime
HUGE = 10**40

# Each row: objects that equal one another and none of another row.
ROWS: list[list[Any]] = [
    ["Abc".lower(), Fold("Abc"), Fold("aBC")],
    ["s", Text("s"), Like("s")],
    ["a", Name.A, Text("a")],
    ["long " * 30, Text("long " * 30), Like("long " * 30)],
    ["\ud800x", Text("\ud800x"), Like("\ud800x")],
    [b"x", FoldBytes(b"X"), FoldBytes(b"x")],
    [b"m", memoryview(b"m")],
    [b"a"],
    [1, True, 1.0, Decimal("1.0"), Fraction(1), 1 + 0j, complex(1, -0.0), Number.ONE],
    [0, False, -0.0, Decimal("-0"), 0j, Access(0).value],
    [4, Pairs(5), Pairs(4)],
    [0.5, Fraction(1, 2), Decimal("0.50"), 0.5 + 0j],
    [0.1],
    [Fraction(1, 10), Decimal("0.1")],
    [Fraction(1, 3), Like(Fraction(1, 3))],
    [1j, complex(-0.0, 1), Like(1j)],
    [2**53, float(2**53), Decimal(2**53)],
    [2**53 + 1],
    [HUGE, Decimal(HUGE), Fraction(HUGE)],
    [float(HUGE), int(float(HUGE))],
    [2**63, float(2**63)],
    [-(2**63), float(-(2**63))],
    [10**6000, Decimal("1E+6000")],
    [float("inf"), Decimal("Infinity")],
    [(1, "b"), (1.0, "b"), (True, Text("b")), Pair(1, "b"), Like((1, "b"))],
    [(2, 3), Bag((3, 2)), Bag((2, 3))],
    [("x", ("y", 2)), ("x", ("y", 2.0)), (Text("x"), Pair("y", 2))],
    [(Fold("Q"), 1), ("q", 1.0), (Fold("q"), True)],
    [(Loose(1, "a"), 1), (Loose(1, "b"), 1)],
    [frozenset("abcdefgh"), frozenset("hgfedcba"), frozenset([Name.A, *"bcdefgh"])],
    [frozenset([1, 2]), frozenset([1.0, Decimal(2)])],
    [frozenset([Fold("Z")]), frozenset(["z"])],
    [frozenset(), frozenset([])],
    [frozenset([frozenset()]), frozenset({frozenset()})],
    [Loose(1, "a"), Loose(1, "b")],
    [Loose(2, "a")],
    [Point(1, 2), Point(1.0, 2)],
    [Point(1, 2, frozenset("xy")), Point(1, 2.0, frozenset("yx"))],
    [Color.RED, Color.ALSO_RED],
    [Color.GREEN],
    [Access.READ | Access.WRITE],
    [datetime.date(2020, 1, 1)],
    [at(2020, 1, 1), at(2020, 1, 1, fold=1)],
    [at(2020, 1, 1, tzinfo=UTC), at(2020, 1, 1, 1, tzinfo=EAST)],
    [at(2020, 6, 1, tzinfo=UTC), at(2020, 6, 1, 2, tzinfo=BERLIN)],
    [at(2020, 10, 25, 2, 30, tzinfo=BERLIN), at(2020, 10, 25, 2, 30, fold=1, tzinfo=BERLIN)],
    [at(2020, 10, 25, 0, 30, tzinfo=UTC)],
    [datetime.time(1), datetime.time(1, fold=1), datetime.time(1, tzinfo=BERLIN)],
    [datetime.time(1, tzinfo=UTC), datetime.time(2, tzinfo=EAST)],
    [datetime.time(2, tzinfo=UTC), datetime.time(2, 0, 30, tzinfo=ODD)],
    # `__eq__` leaves out an offset's microseconds, and `__hash__` does not.
    [datetime.time(2, tzinfo=ODDER)],
    [datetime.time(2, 0, 0, 1, tzinfo=ODDER)],
    [datetime.timedelta(1), datetime.timedelta(hours=24)],
    [datetime.timedelta.max],
    [datetime.timedelta.min],
    [UTC, datetime.timezone(datetime.timedelta(0), "name")],
    [BERLIN],
    [uuid.UUID(int=1), uuid.UUID(int=1, is_safe=uuid.SafeUUID.safe)],
    [pathlib.PurePosixPath("p"), pathlib.Path("p"), pathlib.PurePosixPath("p/.")],
    [pathlib.PureWindowsPath("P"), pathlib.PureWindowsPath("p")],
    [pathlib.PurePosixPath("\udc80")],
    [ipaddress.ip_address("1.2.3.4")],
    [ipaddress.ip_interface("1.2.3.4/24")],
    [ipaddress.ip_network("1.2.3.0/24"), ipaddress.ip_network("1.2.3.0/255.255.255.0")],
    [ipaddress.ip_address("::1"), ipaddress.ip_address("0:0::1")],
    [ipaddress.ip_address("fe80::1")],
    [ipaddress.ip_network("fe80::/10")],
    [range(0), range(1, 1)],
    [range(1), range(0, 7, 10)],
    [range(3), range(0, 3, 1)],
    [range(0, 5, 2), range(0, 6, 2)],
    [range(10**30)],
    [int],
    [len],
    [Ellipsis],
    [None],
    [()],
    [((),)],
]  # fmt: skip
if sys.version_info >= (3, 11):
    # Before, a pickle loses the scope, and a long fraction has none.
    ROWS.append([ipaddress.ip_address("fe80::1%eth0")])
    ROWS.append([Fraction(1, 10**6000), Decimal("1E-6000")])

try:
    import numpy
except ImportError:
    pass
else:
    ROWS += [
        [numpy.str_("n"), "n"],
        [numpy.int64(37), 37, numpy.float64(37), numpy.uint8(37), Fraction(37)],
        [numpy.float32(0.25), 0.25, Fraction(1, 4)],
        [numpy.float32(0.1), float(numpy.float32(0.1))],
        [numpy.bytes_(b"n"), b"n"],
        [numpy.complex64(2j), 2j],
        [numpy.datetime64("2020-01-01")],
        [(numpy.int64(38), 1), (38, 1), (numpy.float64(38), numpy.uint8(1))],
    ]

# An object that cannot be pickled can be looked for.
KEPT = [[one for one in row if type(one) is not memoryview] for row in ROWS]
KEYS = [one for row in KEPT for one in row]
indexes = st.integers(0, len(KEYS) - 1)


def shown(items: Any) -> list[Any]:
    return [(type(key), key, value) for key, value in items]


def test_the_rows_are_what_python_says() -> None:
    for row in ROWS:
        for other in ROWS:
            for one in row:
                for two in other:
                    equal = hash(one) == hash(two) and bool(one == two)
                    assert equal == (row is other), (one, two)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: type(row[0]).__name__)
def test_any_finds_any(manager: sharevar.managers.SyncManager, row: list[Any]) -> None:
    for stored in row:
        if type(stored) is memoryview:
            continue
        # Beside keys of its own kind, of others, and of such as only Python compares.
        for others in ([], [("other", 1)], [Loose(9, "")], [Loose(9, ""), "other"]):
            shared = manager.dict(dict.fromkeys(others, 0))
            elements = manager.set(others)
            shared[stored] = 1
            elements.add(stored)
            for wanted in row:
                assert shared[wanted] == 1
                assert wanted in shared
                assert wanted in elements
                assert shared.get_many([wanted, 77]) == [1, None]
                shared.update({wanted: 2} if type(wanted) is not memoryview else {})
                shared[stored] = 3
                assert shared.setdefault(wanted, 4) == 3
                shared[stored] = 1
                assert len(shared) == len(elements) == len(others) + 1
                assert type(shared.keys()[-1]) is type(stored)
                assert shared.pop(wanted) == 1
                elements.remove(wanted)
                assert stored not in shared
                assert stored not in elements
                with pytest.raises(KeyError):
                    del shared[wanted]
                shared[stored] = 1
                elements.update([stored])
                assert type(shared.keys()[-1]) is type(list(elements)[-1]) is type(stored)


def test_all_keys_in_one_dict(manager: sharevar.managers.SyncManager) -> None:
    for keys in (KEYS, KEYS[::-1]):
        plain = {key: number for number, key in enumerate(keys)}
        shared = manager.dict()
        for number, key in enumerate(keys):
            shared[key] = number
        assert shown(shared.items()) == shown(plain.items())
        assert shown(manager.dict(plain).items()) == shown(plain.items())
        assert [*map(type, manager.set(keys).copy())] == [*map(type, set(keys))]
        nested = manager.dict({"inner": manager.dict()})
        for number, key in enumerate(keys):
            nested["inner"][key] = number
        assert shown(nested["inner"].items()) == shown(plain.items())
        for row in ROWS:
            for key in row:
                assert shared[key] == plain[key]


operations = st.one_of(
    st.tuples(st.sampled_from(["set", "get", "pop", "in", "setdefault", "incr"]), indexes),
    st.tuples(st.sampled_from(["update", "|=", "&=", "-=", "^="]), st.lists(indexes)),
    st.tuples(st.sampled_from(["clear", "popitem"])),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(operations, max_size=40))
def test_a_dict_and_a_set_are_as_plain_ones(steps: list[Any]) -> None:
    shared, plain = _a_dict(), dict[Any, Any]()
    elements, some = sharevar.SetProxy(), set[Any]()
    for number, (name, *arguments) in enumerate(steps):
        if name in ("clear", "popitem"):
            if name == "clear" or not plain:
                for each in (shared, plain, elements, some):
                    each.clear()
            else:
                assert shown([shared.popitem()]) == shown([plain.popitem()])
        elif isinstance(arguments[0], list):
            keys = [KEYS[index] for index in arguments[0]]
            shared.update(dict.fromkeys(keys, number))
            plain.update(dict.fromkeys(keys, number))
            if name == "|=":
                elements |= set(keys)
                some |= set(keys)
            elif name == "&=":
                elements &= set(keys)
                some &= set(keys)
            elif name == "-=":
                elements -= set(keys)
                some -= set(keys)
            elif name == "^=":
                elements ^= set(keys)
                some ^= set(keys)
            else:
                elements.update(keys)
                some.update(keys)
        else:
            key = KEYS[arguments[0]]
            if name == "set":
                shared[key] = plain[key] = number
                elements.add(key)
                some.add(key)
            elif name == "get":
                assert shared.get(key) == plain.get(key)
            elif name == "in":
                assert (key in shared, key in elements) == (key in plain, key in some)
            elif name == "pop":
                assert shared.pop(key, None) == plain.pop(key, None)
                elements.discard(key)
                some.discard(key)
            elif name == "incr":
                plain[key] = plain.get(key, 0) + 1
                assert shared.incr(key) == plain[key]
            else:
                assert shared.setdefault(key, 7) == plain.setdefault(key, 7)
        assert shown(shared.items()) == shown(plain.items())
        assert len(elements) == len(some)
        assert elements == some or elements.copy() == some


def _a_dict() -> Any:
    return sharevar.DictProxy(sharevar._family.family.arena())


def _in_another_process(shared: Any, elements: Any, rest: Any) -> None:
    for number, row in enumerate(ROWS):
        for key in row:
            assert shared[key] == number, key
            assert key in elements
        shared[KEPT[number][-1]] = -number
        elements.add(KEPT[number][-1])
    for number, row in enumerate(KEPT):
        rest[row[0]] = number


@pytest.mark.needs("processes")
def test_in_processes_of_other_hash_seeds(
    manager: sharevar.managers.SyncManager,
    context: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shared, elements, rest = manager.dict(), manager.set(), manager.dict()
    for number, row in enumerate(KEPT):
        shared[row[0]] = number
        elements.add(row[0])
    # In this process there are indexes of these keys, which a forked child inherits.
    assert Loose(77, "") not in shared
    monkeypatch.setenv("PYTHONHASHSEED", "12345")
    child = context.Process(target=_in_another_process, args=(shared, elements, rest))
    child.start()
    child.join()
    assert child.exitcode == 0
    assert len(shared) == len(elements) == len(rest) == len(ROWS)
    for number, row in enumerate(ROWS):
        for key in row:
            assert shared[key] == -number
            assert rest.pop(key) == number
            rest[KEPT[number][0]] = number
    assert [*map(type, shared)] == [type(row[0]) for row in KEPT]


class Plain:
    """Compared by identity."""


def test_objects_that_are_compared_by_identity_are_not_one_key(
    manager: sharevar.managers.SyncManager,
) -> None:
    shared = manager.dict()
    shared[Plain()], shared[Plain()] = 1, 2
    assert sorted(shared.values()) == [1, 2]
    assert Plain() not in shared
    assert len(manager.set([Plain(), Plain()])) == 2


@pytest.mark.many_operations
def test_after_deletions_and_from_several_proxies(
    manager: sharevar.managers.SyncManager,
) -> None:
    outer = manager.dict(inner=manager.dict())
    plain: dict[Any, int] = {}
    for number in range(3000):
        key: Any = (Loose(number % 50, ""), Fold(f"K{number % 70}"), f"k{number % 90}")
        key = key[number % 3]
        shared = outer["inner"]
        if number % 7 == 0:
            assert shared.pop(key, None) == plain.pop(key, None)
        elif number % 1111 == 0:
            shared.clear()
            plain.clear()
        else:
            shared[key] = plain[key] = number
        assert len(outer["inner"]) == len(plain)
    assert shown(outer["inner"].items()) == shown(plain.items())


class Using:
    """Its comparison uses the dict that holds it."""

    shared: Any = None
    grows = False

    def __init__(self, number: int) -> None:
        self.number = number

    def __hash__(self) -> int:
        if self.shared is not None:
            self.shared["hashed"] = self.shared.get("hashed", 0) + 1
            assert "absent" not in self.shared
        return 1

    def __eq__(self, other: object) -> bool:
        if self.shared is not None:
            count = self.shared.get("compared", 0) + 1
            self.shared["compared"] = count
            if self.grows:
                self.shared[f"grown {count}"] = count
        return isinstance(other, Using) and self.number == other.number


@pytest.fixture
def using(manager: sharevar.managers.SyncManager) -> Iterator[Any]:
    shared = manager.dict()
    for number in range(3):
        shared[Using(number)] = number
    Using.shared = shared
    yield shared
    Using.shared, Using.grows = None, False


def test_keys_that_use_their_dict(using: Any) -> None:
    for number in range(6):
        using[Using(number)] = -number
    assert [using[Using(number)] for number in range(6)] == [0, -1, -2, -3, -4, -5]
    assert using.pop(Using(2)) == -2
    assert Using(2) not in using
    assert using.setdefault(Using(2), 5) == 5
    assert using["hashed"] > 0 and using["compared"] > 0


def test_a_comparison_that_always_puts_keys_in_raises(using: Any) -> None:
    Using.grows = True
    with pytest.raises(RuntimeError, match="must not change the dict"):
        using[Using(9)] = 1
    Using.grows = False
    assert Using(9) not in using


def _come_and_go(shared: Any, name: str, stop: Any) -> None:
    number = 0
    while not stop.is_set():
        number += 1
        shared[(name, number % 100)] = number
        shared.pop((name, (number + 50) % 100), None)
        shared[Loose(1000 + number % 10, name)] = number


def _add_and_discard(elements: Any, stop: Any) -> None:
    number = 0
    while not stop.is_set():
        number += 1
        elements.add(-(number % 7))
        elements.discard(-(number % 5))


@pytest.mark.needs("processes")
def test_searches_beside_writers_end(manager: sharevar.managers.SyncManager) -> None:
    shared, elements, stop = manager.dict(), manager.set(range(50)), manager.Event()
    targets = [(shared, "a"), (shared, "b")]
    children = [fork.Process(target=_come_and_go, args=(*target, stop)) for target in targets]
    noisy = threading.Thread(target=_add_and_discard, args=(elements, stop))
    for child in children:
        child.start()
    noisy.start()
    try:
        for number in range(60):
            shared[Fold(f"Key{number}")] = number
            assert shared[f"key{number}"] == number
            assert shared[Fold(f"KEY{number}")] == number
            shared.incr(Fold(f"KEY{number}"), 0.5)
            assert Loose(5, "") not in shared
            elements &= {*range(60)}
            elements ^= {number + 100}
    finally:
        stop.set()
        for child in children:
            child.join()
        noisy.join()
    assert [child.exitcode for child in children] == [0, 0]
    assert [shared[Fold(f"key{number}")] for number in range(60)] == [
        number + 0.5 for number in range(60)
    ]


@pytest.mark.parametrize(
    "make",
    [
        lambda number: datetime.date.fromordinal(700_000 + number),
        lambda number: ("name", datetime.date.fromordinal(700_000 + number)),
        lambda number: uuid.UUID(int=number),
        lambda number: Loose(number, ""),
        lambda number: Fold(f"K{number}"),
    ],
    ids=["date", "tuple", "UUID", "object", "str"],
)
def test_a_look_up_among_many_costs_what_it_costs_among_few(
    manager: sharevar.managers.SyncManager, make: Any
) -> None:
    def cost(shared: Any, count: int) -> float:
        # The first look-up of this process may have to read the keys.
        assert make(1_000_000) not in shared
        wanted = [make(number * count // 100) for number in range(100)]
        best = float("inf")
        for _ in range(5):
            begun = time.process_time()
            for key in wanted:
                shared[key]
            best = min(best, time.process_time() - begun)
        return best

    few = manager.dict({make(number): number for number in range(100)})
    many = manager.dict({make(number): number for number in range(20_000)})
    assert cost(many, 20_000) < 5 * cost(few, 100)


@pytest.mark.many_operations
def test_a_look_up_costs_the_same_among_many_dicts(
    manager: sharevar.managers.SyncManager,
) -> None:
    def cost(count: int) -> float:
        dicts = [manager.dict({Loose(number, ""): number for number in range(300)})]
        dicts += [manager.dict(dicts[0].copy()) for _ in range(count - 1)]
        best = float("inf")
        for _ in range(4):
            begun = time.process_time()
            for shared in dicts:
                shared[Loose(7, "")]
            best = min(best, (time.process_time() - begun) / count)
        return best

    assert cost(150) < 10 * cost(30)
