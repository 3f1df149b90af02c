"""Values of the classes that lists compare where they are: what a plain list of copies gives.

Most items are compared by their bytes in shared memory, and only the others by Python. Each of
these tests gives a shared list and a plain one of copies the same values, of many classes that
may equal one another, and expects the same answers.
"""

from __future__ import annotations

import datetime
import enum
import math
import pathlib
import pickle
import random
import uuid
import zoneinfo
from decimal import Decimal, FloatOperation, localcontext
from fractions import Fraction
from typing import Any

import pytest

pytestmark = [pytest.mark.every_engine, pytest.mark.many_operations]

EAST = datetime.timezone(datetime.timedelta(hours=1), "east")
WEST = datetime.timezone(-datetime.timedelta(hours=5, minutes=30))
BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")
NOON = datetime.datetime(2020, 5, 17, 12)
# Two of it in one value are pickled, though lists have a form of their own.
SHARED = [1]


class Colour(enum.Enum):
    RED = 1
    GREEN = "green"


class Number(enum.IntEnum):
    ONE = 1


class Level(enum.IntEnum):
    A, B, C, D, E, F, G = range(7)


class Day(datetime.date):
    """A date that equals the others of its month."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, datetime.date) and self.month == other.month

    def __hash__(self) -> int:
        return self.month


class Price(Decimal):
    """A subclass without an equality of its own."""


class Zone(datetime.tzinfo):
    """A zone that cannot be pickled."""

    def utcoffset(self, when: datetime.datetime | None) -> datetime.timedelta:
        return datetime.timedelta(hours=1)

    def __reduce__(self) -> Any:
        raise LookupError("asked for a pickle")


SCALARS: list[Any] = [
    None, True, False, 0, 1, -1, 1.0, 0.0, -0.0, 0.1, 1.5, math.nan, math.inf, 250, 2**70,
    2**70 + 1, float(2**70), -(2**70), "", "1", "a", "some longer text", b"a", b"longer bytes",
    Decimal(0), Decimal("-0"), Decimal(1), Decimal("1.0"), Decimal("1.50"), Decimal("1.5"),
    Decimal("0.1"), Decimal("10"), Decimal("1E+1"), Decimal("-2.5"), Decimal("-2.50"),
    Decimal("Infinity"), Decimal("NaN"), Decimal("12.25"), Decimal("12.75"), Decimal(2**70),
    Fraction(3, 2), Fraction(1), Fraction(1, 10), Price("1.5"), Number.ONE, Colour.RED,
    Colour.GREEN,
    NOON.date(), datetime.date(1, 1, 1), datetime.date(9999, 12, 31),
    datetime.date(2020, 5, 18),
    Day(2020, 5, 17), Day(2020, 6, 17),
    NOON, NOON.replace(fold=1), NOON.replace(microsecond=1), datetime.datetime(2020, 5, 17),
    NOON.replace(tzinfo=datetime.timezone.utc), NOON.replace(hour=13, tzinfo=EAST),
    NOON.replace(hour=6, minute=30, tzinfo=WEST), NOON.replace(hour=14, tzinfo=BERLIN),
    NOON.replace(hour=14, tzinfo=BERLIN, fold=1), NOON.replace(tzinfo=EAST, fold=1),
    NOON.time(), NOON.time().replace(fold=1), datetime.time(12, 0, tzinfo=EAST),
    datetime.time(11, 0, tzinfo=datetime.timezone.utc), datetime.timedelta(0),
    datetime.timedelta(days=1), datetime.timedelta(hours=24),
    datetime.timedelta(microseconds=-1),
    datetime.timedelta.max, uuid.UUID(int=0), uuid.UUID(int=1), uuid.UUID(int=2**128 - 1),
    uuid.UUID("12345678-1234-5678-1234-567812345678"),
    uuid.UUID("12345678-1234-5678-1234-567812345678", is_safe=uuid.SafeUUID.safe),
    pathlib.PurePosixPath("a/b"), pathlib.PurePosixPath("a/./b"), pathlib.Path("a/b"),
    pathlib.PurePosixPath("/"), pathlib.PurePosixPath("/a/b"), pathlib.Path("/a", "b"),
    pathlib.Path("//a/b"), pathlib.Path(), pathlib.Path("a/.."), pathlib.PureWindowsPath("a"),
    (NOON.date(), 1, "text"), (NOON.date(), True, "text"), (Decimal(1), NOON), (1, NOON),
    [NOON.date(), NOON.date()], [[NOON.date()], "x", "x"], (pathlib.Path("a"), WEST),
    ([1], [1]), (SHARED, SHARED), ((1,), (1,)), (Day(2020, 5, 17), 1), (math.nan, NOON),
]  # fmt: skip


def some_value(chance: random.Random, depth: int = 2) -> Any:
    """A scalar, or a container of such."""
    kind = chance.randrange(9)
    if depth == 0 or kind < 4:
        return chance.choice(SCALARS)
    items = [some_value(chance, depth - 1) for _ in range(chance.randrange(4))]
    if kind < 6:
        return tuple(items)
    if kind < 7:
        return items
    keys = [item for item in items if item.__hash__ and not isinstance(item, tuple)]
    if kind < 8:
        return {key: chance.choice(SCALARS) for key in chance.sample(keys, len(keys))}
    return set(keys)


def outcome(subject: Any, name: str, *arguments: Any) -> Any:
    try:
        return getattr(subject, name)(*arguments)
    except (ValueError, TypeError) as error:
        return type(error)


def copies(values: list[Any]) -> list[Any]:
    """The values as they come back from shared memory: no object is in there twice."""
    return [pickle.loads(pickle.dumps(value)) for value in values]


def test_each_scalar_is_found_where_a_list_finds_it(manager: Any) -> None:
    model, shared = copies(SCALARS), manager.list(SCALARS)
    for wanted in SCALARS:
        for name in ("__contains__", "count", "index"):
            assert outcome(shared, name, wanted) == outcome(model, name, wanted), (name, wanted)


@pytest.mark.parametrize("seed", range(8))
def test_each_of_a_random_mix_is_found_where_a_list_finds_it(manager: Any, seed: int) -> None:
    chance = random.Random(seed)
    values = [some_value(chance) for _ in range(250)]
    model, shared = copies(values), manager.list(values)
    others = [some_value(chance) for _ in range(50)]
    for wanted in chance.sample(values, 80) + others:
        for name in ("__contains__", "count", "index"):
            assert outcome(shared, name, wanted) == outcome(model, name, wanted), (name, wanted)
    for wanted in chance.sample(values, 40):
        assert outcome(shared, "remove", wanted) == outcome(model, "remove", wanted)
        # Sets may have another order.
        assert [sorted(repr(item)) for item in shared] == [sorted(repr(item)) for item in model]


def one_of_each(kind: str, number: int) -> Any:
    """A value of a kind; the larger the number, the larger the value, more or less."""
    makers: dict[str, Any] = {
        "bool": lambda: number > 5,
        "int": lambda: number * 40 - 300,
        "big int": lambda: (number - 10) * 2**66,
        "float": lambda: number / 4 - 1,
        "number": lambda: [number, number + 0.5, 2**70 + number, number > 3][number % 4],
        "str": lambda: "é" * (number % 3) + str(number),
        "long str": lambda: f"some longer text {number:04}",
        "bytes": lambda: bytes([number, 0, 1]) * (number % 4),
        "date": lambda: datetime.date(2020, 1, 1) + datetime.timedelta(days=number * 20),
        "datetime": lambda: (NOON + datetime.timedelta(hours=number)).replace(fold=number % 2),
        "aware": lambda: (NOON + datetime.timedelta(minutes=20 * number)).replace(
            tzinfo=[datetime.timezone.utc, EAST, WEST][number % 3]
        ),
        "one zone": lambda: (NOON + datetime.timedelta(minutes=number)).replace(tzinfo=EAST),
        "time": lambda: datetime.time(number % 24, fold=number % 2),
        "timedelta": lambda: datetime.timedelta(days=number - 9, seconds=number % 3),
        "uuid": lambda: uuid.UUID(int=number << 100 | number),
        "decimal": lambda: Decimal(number - 9) / 4,
        "price": lambda: Decimal(number * 13).scaleb(-2),
        "none": lambda: None,
        "path": lambda: pathlib.PurePosixPath(f"a/{number}"),
        "absolute path": lambda: pathlib.Path("/srv", *"abc"[: number % 4], f"{number}"),
        "any path": lambda: pathlib.Path("/a" if number % 2 else "a", "-!"[number % 3 :]),
        "dated": lambda: (datetime.date(2020, 1, 1 + number % 4), number * 30 - 200, "x", "x"),
        "dated list": lambda: [datetime.date(2020, 1, 1 + number), NOON.replace(tzinfo=EAST)],
        "priced": lambda: (Decimal(number % 5), number / 4),
        "enum": lambda: Level(number % 7),
    }
    return makers[kind]()


KINDS = [
    "bool", "int", "big int", "float", "number", "str", "long str", "bytes", "date", "datetime",
    "aware", "one zone", "time", "timedelta", "uuid", "decimal", "price", "path",
    "absolute path", "any path", "dated", "dated list", "priced", "enum",
]  # fmt: skip


def same(left: list[Any], right: list[Any]) -> bool:
    return [(type(x), repr(x)) for x in left] == [(type(x), repr(x)) for x in right]


def check_sorting(manager: Any, items: list[Any]) -> None:
    for reverse in (False, True):
        for start in (items, sorted(items), sorted(items, reverse=True), sorted(items)[::-1]):
            shared = manager.list(start)
            shared.sort(reverse=reverse)
            assert same(shared.copy(), sorted(start, reverse=reverse)), (start, reverse)


@pytest.mark.parametrize("kind", KINDS)
def test_sorted_as_a_list_sorts(manager: Any, kind: str) -> None:
    chance = random.Random(kind)
    for _ in range(8):
        numbers = [chance.randrange(20) for _ in range(40)]
        check_sorting(manager, [one_of_each(kind, number) for number in numbers])


@pytest.mark.parametrize("seed", range(12))
def test_sequences_are_sorted_as_a_list_sorts(manager: Any, seed: int) -> None:
    chance = random.Random(seed)
    kinds = chance.choices([*KINDS, "none"], k=3)
    make = chance.choice([tuple, list])

    def item() -> Any:
        parts = [one_of_each(kind, chance.randrange(6)) for kind in kinds]
        parts.append(make(parts[:1]))
        return make(parts[: chance.randrange(5)])

    check_sorting(manager, [item() for _ in range(60)])


def test_a_long_run_is_in_order_to_the_last_item(manager: Any) -> None:
    for kind in ("int", "big int", "str", "long str", "date", "uuid", "price", "decimal"):
        ordered = sorted([one_of_each(kind, number % 25) for number in range(20_000)])
        for place in (0, 1, 9_000, 16_383, 16_384, 19_998):
            broken = ordered[:place] + ordered[place + 1 :] + [ordered[place]]
            shared = manager.list(broken)
            shared.sort()
            assert shared.copy() == ordered


@pytest.mark.parametrize("kind", [*KINDS, "mixed str"])
def test_a_few_strays_find_their_places(manager: Any, kind: str) -> None:
    chance = random.Random(kind)
    for count in (1, 2, 3, 9, 30):
        if kind == "mixed str":
            ordered = sorted("a" * chance.randrange(40) + chr(0x60 + n % 9) for n in range(300))
        else:
            ordered = sorted([one_of_each(kind, n % 25) for n in range(300)])
        for reverse in (False, True):
            items = ordered[::-1] if reverse else ordered[:]
            for _ in range(count):
                items.insert(chance.randrange(300), items.pop(chance.randrange(300)))
            for start in (items, items[::-1]):
                shared = manager.list(start)
                shared.sort(reverse=reverse)
                assert same(shared.copy(), sorted(start, reverse=reverse)), (count, reverse)


class Ranked:
    """Only its own class can compare it. It counts how often one is made."""

    made = 0

    def __init__(self, rank: int) -> None:
        Ranked.made += 1
        self.rank = rank

    def __reduce__(self) -> Any:
        return Ranked, (self.rank,)

    def __lt__(self, other: Ranked) -> bool:
        return self.rank < other.rank


def test_equal_objects_are_made_once_to_be_sorted(manager: Any) -> None:
    shared = manager.list([Ranked(number % 4) for number in range(400)])
    before = Ranked.made
    shared.sort(reverse=True)
    assert Ranked.made - before == 4
    assert [item.rank for item in shared] == sorted([0, 1, 2, 3] * 100, reverse=True)


class Subset(frozenset[int]):
    """Of two of them neither may be less."""


def test_items_without_a_total_order_are_compared_as_a_list_compares_them(manager: Any) -> None:
    items = [Subset(range(n % 3, n % 5)) for n in range(90)]
    shared = manager.list(items)
    shared.sort()
    assert shared.copy() == sorted(items)


KEYS: dict[str, Any] = {
    "int": lambda n: n % 7 - 3,
    "large int": lambda n: (n % 7 - 3) * 2**62,
    "bool": lambda n: n % 3 == 0,
    "int and bool": lambda n: n % 3 if n % 2 else n % 3 == 0,
    "float": lambda n: (n % 7) / 4 - 1,
    "zero": lambda n: [0.0, -0.0, 1.5][n % 3],
    "nan": lambda n: [1.0, math.nan, 2.0][n % 3],
    "number": lambda n: n % 7 if n % 2 else n % 5 + 0.5,
    "str": lambda n: "aé\U0001f600\uffffz"[n % 5] * (n % 3),
    "surrogate": lambda n: "a\udc80z"[n % 3],
    "tuple": lambda n: (n % 3, str(n % 5)),
    "date": lambda n: datetime.date(2020, 1, 1 + n % 20),
}


@pytest.mark.parametrize("name", KEYS)
def test_sorted_by_keys_as_a_list_sorts(manager: Any, name: str) -> None:
    numbers = random.Random(name).sample(range(60), 60)
    for reverse in (False, True):
        shared = manager.list(numbers)
        shared.sort(key=KEYS[name], reverse=reverse)
        assert shared.copy() == sorted(numbers, key=KEYS[name], reverse=reverse)


def test_keys_without_an_order_raise_and_change_nothing(manager: Any) -> None:
    shared = manager.list([3, 1, 2])
    for keys in ([1, "a", 2], ["a", 1, b"b"], [1.5, "a", 1], [None, None, None]):
        with pytest.raises(TypeError):
            shared.sort(key=lambda item, keys=keys: keys[item - 1])
        assert shared.copy() == [3, 1, 2]


def test_a_nan_is_left_where_a_list_leaves_it(manager: Any) -> None:
    for nan in (math.nan, (1, math.nan), Decimal(2)):
        items = [(1, 2.5), nan, (1, 1.5)] if isinstance(nan, tuple) else [3.0, nan, 1.5, 2]
        expected = pickle.loads(pickle.dumps(items))
        expected.sort()
        shared = manager.list(items)
        shared.sort()
        assert same(shared.copy(), expected)


@pytest.mark.parametrize(
    "items",
    [
        [NOON, NOON.date()],
        [NOON, NOON.replace(tzinfo=EAST)],
        [(1, "a"), (1, 2)],
        [(1,), [2]],
        [(1, None), (1, "a")],
        [None, None],
        [{}, {}],
        [{"a": 1}, {"a": 2}],
        [1, "a"],
        [uuid.UUID(int=1), 1],
    ],
)
def test_what_has_no_order_raises_and_changes_nothing(manager: Any, items: list[Any]) -> None:
    with pytest.raises(TypeError):
        sorted(items)
    shared = manager.list(items)
    with pytest.raises(TypeError):
        shared.sort()
    assert shared.copy() == items


def test_other_elements_are_not_compared_behind_the_first_that_differ(manager: Any) -> None:
    items = [(3, "a"), (1, 2), (2, None)]
    shared = manager.list(items)
    shared.sort()
    assert shared.copy() == sorted(items, key=lambda item: item[0])


def test_a_search_pickles_nothing_of_the_users(manager: Any) -> None:
    shared = manager.list([NOON.replace(tzinfo=EAST), NOON])
    assert NOON.replace(tzinfo=Zone()) in shared
    assert datetime.time(12, tzinfo=Zone()) not in shared


def test_a_subclass_is_asked(manager: Any) -> None:
    shared = manager.list([datetime.date(2020, 5, 1), Day(2020, 6, 1), NOON.date()])
    assert shared.index(Day(2020, 5, 30)) == 0 and shared.count(Day(2020, 5, 30)) == 2
    # The item stands on the left, but a subclass is asked first.
    assert shared.index(datetime.date(2020, 6, 20)) == 1
    assert shared.count(Price("1.5")) == 0
    assert manager.list([Decimal("1.50")]).count(Price("1.5")) == 1


@pytest.mark.needs("processes")
def test_decimals_equal_numbers_of_other_classes(manager: Any) -> None:
    shared = manager.list([Decimal("2.50"), 2.5, 2**70, Decimal(2**70), Fraction(5, 2), "2.5"])
    for wanted in (Decimal("2.5"), 2.5, Fraction(5, 2)):
        assert shared.count(wanted) == 3, wanted
    for wanted in (2**70, Decimal(2**70), float(2**70)):
        assert shared.count(wanted) == 2, wanted
    with localcontext() as context:
        context.traps[FloatOperation] = True
        assert shared.count(Decimal("2.5")) == 3
        with pytest.raises(FloatOperation):
            manager.list([Decimal(1), 2.5]).sort()


def test_an_eq_may_change_the_list(manager: Any) -> None:
    shared = manager.list([NOON.date(), 1, (1, 2)])
    asked = []

    class Meddler:
        def __eq__(self, other: object) -> bool:
            if not asked:
                shared.append(NOON)
            asked.append(other)
            return other == NOON

        __hash__ = None  # type: ignore[assignment]

    # The search is in the list of the moment in which it has read it.
    assert Meddler() not in shared and len(asked) == 3
    # An item that is compared by its bytes is found in the list as it is now.
    assert shared.index(NOON) == 3 and shared.count(NOON) == 1
