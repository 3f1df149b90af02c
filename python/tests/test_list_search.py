"""Looking for values in a shared list, and sorting it: what a plain list of copies gives."""

from __future__ import annotations

import enum
import math
import pickle
import random
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

import sharevar

pytestmark = pytest.mark.every_engine


class Loud(str):
    """A str with an equality of its own."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and self.lower() == other.lower()

    def __hash__(self) -> int:
        return hash(self.lower())


class Yes:
    """What equals everything, if it is asked."""

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]


class Colour(enum.IntEnum):
    RED = 1


class Point:
    def __init__(self, x: float) -> None:
        self.x = x

    def __eq__(self, other: object) -> bool:
        return (isinstance(other, Point) and self.x == other.x) or other == self.x

    def __hash__(self) -> int:
        return hash(self.x)


VALUES: list[Any] = [
    None, True, False, 0, 1, -1, 2, 0.0, -0.0, 1.0, 1.5, math.inf, -math.inf, math.nan,
    2**53, float(2**53), 2**53 + 1, 2**62, 2**63, float(2**63), 2**64, 2**70, float(2**70),
    -(2**63), -(2**70), 2**200, float(2**200), 1e300, 5e-324,
    "", "a", "A", "text", "a longer text", "A LONGER TEXT", "naïve €",
    b"", b"a", b"a longer text",
    bytearray(b"a"), (), (1,), (1.0,), (True,), (1, "a longer text"), (1, "another text"),
    (1.0, "a longer text"), (None,), (math.nan,), ((1,), 2), ((1.0,), 2),
    ("a", b"a", None, 2**70),
    [], [1], [1.0], [1, [2]], {}, {1: 2}, {1.0: 2}, {1: 2, 3: 4}, {3: 4, 1: 2}, {1, 2}, {2, 1},
    {"a", "b"}, frozenset({1}), {1}, 1j, 1 + 0j, Decimal(1), Decimal("1.5"), Fraction(3, 2),
    Fraction(1), Loud("TEXT"), Loud("a"), Yes(), Colour.RED, Point(1.5), Point(7), range(3),
    (Loud("a"),), [Decimal(1)], (Yes(), 1), "\ud800",
]  # fmt: skip


def outcome(subject: Any, name: str, *arguments: Any) -> Any:
    try:
        return getattr(subject, name)(*arguments)
    except ValueError as error:
        return type(error)


def test_each_value_is_found_where_a_list_finds_it(manager: Any) -> None:
    # A list of copies: no NaN is in there twice.
    model = pickle.loads(pickle.dumps(VALUES))
    shared = manager.list(VALUES)
    for wanted in VALUES:
        for name in ("__contains__", "count", "index"):
            expected = outcome(model, name, wanted)
            assert outcome(shared, name, wanted) == expected, (name, wanted)


def test_numbers_of_other_packages(manager: Any) -> None:
    numpy = pytest.importorskip("numpy")
    shared = manager.list([numpy.float64(1), 2, "s", numpy.int64(3), 4.0])
    assert shared.index(1) == 0 and shared.index(numpy.int8(2)) == 1
    assert shared.index(numpy.str_("s")) == 2 and shared.count(3) == 1
    assert numpy.float32(4) in shared and numpy.float32(5) not in shared


def test_remove_takes_the_first_that_is_equal(manager: Any) -> None:
    for wanted in (1, 1.0, True, "text", (1, "a longer text"), Decimal(1), Loud("text"), Yes()):
        shared, model = manager.list(VALUES), pickle.loads(pickle.dumps(VALUES))
        shared.remove(wanted)
        place = model.index(wanted)
        assert len(shared) == len(VALUES) - 1
        assert repr(shared[place]) == repr(model[place + 1])
    shared = manager.list([1, 2])
    with pytest.raises(ValueError, match=r"list\.remove\(x\): x not in list"):
        shared.remove(3)
    with pytest.raises(ValueError, match="'x' is not in list"):
        shared.index("x")


def test_the_item_stands_on_the_left(manager: Any) -> None:
    asked = []

    class Needle:
        def __eq__(self, other: object) -> bool:
            asked.append(other)
            return False

        __hash__ = None  # type: ignore[assignment]

    assert Needle() not in manager.list([1, "a"])
    # Both decline, so the other side is asked in the end.
    assert asked == [1, "a"]
    asked.clear()
    assert Needle() not in manager.list([Yes()]) or not asked


def test_an_eq_that_raises_is_heard(manager: Any) -> None:
    class Angry:
        def __eq__(self, other: object) -> bool:
            raise LookupError(other)

        __hash__ = None  # type: ignore[assignment]

    shared = manager.list([1])
    for name in ("__contains__", "count", "index", "remove"):
        with pytest.raises(LookupError):
            getattr(shared, name)(Angry())
    assert shared.copy() == [1]


def test_index_between_ends(manager: Any) -> None:
    model = [1, 2, 3, 1, 2, 3]
    shared = manager.list(model)
    ends = (-(2**70), -7, -3, -1, 0, 2, 4, 6, 9, 2**70)
    for start in ends:
        for stop in ends:
            arguments = ("index", 2, start, stop)
            assert outcome(shared, *arguments) == outcome(model, *arguments), arguments
    with pytest.raises(TypeError):
        shared.index(1, "a")


def test_long_lists_are_searched_to_the_end(manager: Any) -> None:
    model: list[Any] = [f"some item {number}" for number in range(40_000)]
    shared = manager.list(model)
    for place in (0, 4095, 4096, 16_383, 16_384, 39_999):
        assert shared.index(model[place]) == place
    assert "some item" not in shared and shared.count("some item 7") == 1
    shared.insert(0, "first")
    assert shared.index("some item 20000") == 20_001
    shared.remove("some item 20000")
    assert shared[20_001] == "some item 20001" and len(shared) == 40_000
    assert Loud("SOME ITEM 39999") in shared


def same(left: list[Any], right: list[Any]) -> bool:
    return [(type(x), repr(x)) for x in left] == [(type(x), repr(x)) for x in right]


KINDS: dict[str, list[Any]] = {
    "ints": [random.Random(1).randrange(-50, 50) for _ in range(500)],
    "ints and bools": [1, True, 0, False, 1, True, -1] * 3,
    "floats": [0.0, -0.0, 1.5, -math.inf, 2.25, -0.0, 0.0, 1e10],
    "large ints": [2**70, 1, -(2**70), 2**64],
    "large floats": [1e300, 1.0, 5e-324, -1e300],
    "ints and floats": [2, 1.5, 1, 1.0, 2.0],
    "short strs": ["b", "a", "", "ab", "aa", "Z"],
    "strs": [
        "a longer text",
        "b",
        "a longer text!",
        "",
        "naïve €",
        "a",
        "\U0001f600 face",
        "￿ text",
    ]
    * 2,
    "bytes": [b"a longer text", b"b", b"", b"\xff" * 20, b"a longer"],
    "tuples": [(2, "a"), (1, "b"), (1, "a")],
    "nan": [3.0, math.nan, 1.0, 2.0],
    "none": [],
    "one": ["x"],
    "in order": list(range(100)),
    "falling": [(3, True), (2, 1), (2, True), (2, 1.0), (1, 0), (1, False), (0, 0)],
    "falling with equals first": [(2, 1.0), (2, True), (2, 1), (1, 0), (1, False)],
    "rising with equals first": [(1, 0), (1, False), (1, 0.0), (2, 1.0), (2, True), (2, 1)],
    "falling, then not": ["c", "b", "b", "a", "d"],
    "equals": [(2, 1.0), (2, True), (2, 1)],
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("reverse", [False, True])
def test_sorted_as_a_list_sorts(manager: Any, kind: str, reverse: bool) -> None:
    shared = manager.list(KINDS[kind])
    shared.sort(reverse=reverse)
    assert same(shared.copy(), sorted(KINDS[kind], reverse=reverse))
    shared = manager.list(KINDS[kind])
    shared.sort(key=repr, reverse=reverse)
    assert same(shared.copy(), sorted(KINDS[kind], key=repr, reverse=reverse))


def test_long_lists_are_sorted(manager: Any) -> None:
    shuffled = random.Random(2).sample(range(40_000), 40_000)
    for model in (shuffled, [f"some item {x}" for x in shuffled], [float(x) for x in shuffled]):
        shared = manager.list(model)
        shared.sort()
        assert shared.copy() == sorted(model)  # type: ignore[type-var]
        shared.reverse()
        assert shared[0] == max(model)  # type: ignore[type-var]


def test_mixed_classes_raise_and_change_nothing(manager: Any) -> None:
    shared = manager.list([3, "a", 1])
    with pytest.raises(TypeError, match="not supported between"):
        shared.sort()
    assert shared.copy() == [3, "a", 1]


def test_repeated_items_refer_to_the_same_variables(manager: Any) -> None:
    inner = manager.list([1])
    shared = manager.list([inner, "a longer text", [inner], 5])
    shared *= 3
    assert len(shared) == 12
    inner.append(2)
    assert (
        shared[8].copy() == [1, 2]
        and shared[10][0].copy() == [1, 2]
        and shared[9] == "a longer text"
    )
    del shared[:]
    assert inner.copy() == [1, 2]
    with pytest.raises(sharevar.OutOfSharedMemory):
        full = manager.list([1])
        full *= 2**50
    with pytest.raises(TypeError):
        shared *= "a"
