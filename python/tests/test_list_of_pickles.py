"""Lists of objects that are pickled: many are read as one pickle, and are what they were."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import decimal
import enum
import fractions
import operator
import pathlib
import pickle
import random
from typing import Any

import pytest

pytestmark = pytest.mark.every_engine


class Plain:
    def __init__(self, number: int) -> None:
        self.number = number
        self.numbers = [number, {number: {number}}]

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and vars(other) == vars(self)

    def __hash__(self) -> int:
        return self.number


class Other(Plain):
    pass


class Slots:
    __slots__ = ("number", "text")

    def __init__(self, number: int) -> None:
        self.number, self.text = number, "x" * number

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Slots) and (self.number, self.text) == (
            other.number,
            other.text,
        )

    __hash__ = None  # type: ignore[assignment]


@dataclasses.dataclass(frozen=True)
class Data:
    number: int
    inner: tuple[Any, ...]


Pair = collections.namedtuple("Pair", "left right")


class Colour(enum.Enum):
    RED = 1
    GREEN = 2


class NeedsKeywords:
    """It is made by a call with keywords (NEWOBJ_EX)."""

    def __new__(cls, *, number: int) -> NeedsKeywords:
        made = super().__new__(cls)
        made.number = number  # type: ignore[attr-defined]
        return made

    def __getnewargs_ex__(self) -> Any:
        return (), vars(self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NeedsKeywords) and vars(other) == vars(self)

    __hash__ = None  # type: ignore[assignment]


MAKERS: list[Any] = [
    Plain, Other, Slots,
    lambda n: Data(n, (Plain(n), n)),
    lambda n: Pair(n, Pair(str(n), None)),
    lambda n: [Colour.RED, Colour.GREEN][n % 2],
    lambda n: NeedsKeywords(number=n),
    lambda n: frozenset([n, (n, frozenset())]),
    lambda n: collections.OrderedDict([(n, Plain(n)), ("a", n)]),
    lambda n: collections.defaultdict(list, {n: [n]}),
    lambda n: collections.deque([n, n], 5),
    lambda n: collections.Counter("a" * n),
    lambda n: bytearray([n]) * n,
    lambda n: 1j * n,
    lambda n: fractions.Fraction(n, 7),
    lambda n: decimal.Decimal(n) / 8,
    lambda n: datetime.date(2020, 1, 1 + n % 28),
    lambda n: pathlib.Path("/a", str(n)),
    lambda n: range(n),
    lambda n: operator.itemgetter(n),
    lambda n: [set, dict, Plain, len, print][n % 5],
    # More memos than have a number of one byte.
    lambda n: [Plain(number) for number in range(40 + n)],
    lambda n: "a\udc80" * n,
]  # fmt: skip


def same(left: Any, right: Any) -> bool:
    # Not all have an equality.
    return type(left) is type(right) and (left == right or repr(left) == repr(right))


@pytest.mark.parametrize("seed", range(4))
def test_a_list_has_the_objects_that_were_put_in(manager: Any, seed: int) -> None:
    chance = random.Random(seed)
    items: list[Any] = []
    while len(items) < 300:
        # Some in a row of one class, with values between them that are not pickled.
        make = chance.choice(MAKERS)
        items += [make(chance.randrange(30)) for _ in range(chance.randrange(1, 30))]
        items += [chance.choice([1, "text", None, [1], (2.5, "x")])] * chance.randrange(2)
    shared = manager.list(items)
    for read in (shared.copy(), shared[:], shared[::-1][::-1], shared[20:]):
        expected = items[-len(read) :]
        assert all(map(same, read, expected)) and len(read) == len(expected)
    wanted = chance.choice([item for item in items if isinstance(item, Plain)] or items)
    copies = [pickle.loads(pickle.dumps(item)) for item in items]
    assert shared.index(wanted) == copies.index(wanted)
    assert shared.count(wanted) == copies.count(wanted)


def test_objects_of_a_list_share_nothing(manager: Any) -> None:
    shared = manager.list([Plain(1)] * 20)
    first, *others = shared.copy()
    first.numbers.append("changed")
    assert others == [Plain(1)] * 19
    loop: list[Any] = []
    loop.append(loop)
    read = manager.list([loop, loop, (Plain(1), loop)]).copy()
    assert read[0][0] is read[0] and read[1][0] is read[1] and read[0] is not read[1]
    assert read[2][1][0] is read[2][1]


READ: list[int] = []


class Broken:
    """One that cannot be read, if its number says so."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __reduce__(self) -> Any:
        return make, (self.number,)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Broken) and self.number == other.number

    __hash__ = None  # type: ignore[assignment]


def make(number: int) -> Broken:
    if number == 50:
        raise LookupError("fifty")
    READ.append(number)
    return Broken(number)


def test_an_object_that_cannot_be_read_raises_its_own_error_where_it_is(manager: Any) -> None:
    shared = manager.list([Broken(number) for number in range(60)])
    with pytest.raises(LookupError, match="fifty"):
        shared.copy()
    with pytest.raises(LookupError, match="fifty"):
        shared.index(Broken(55))
    with pytest.raises(LookupError, match="fifty"):
        shared.sort(key=id)
    # Those before it are found.
    assert shared.index(Broken(49)) == 49
    assert [item.number for item in shared[51:]] == list(range(51, 60))


def test_a_search_that_ends_soon_reads_few(manager: Any) -> None:
    shared = manager.list([Broken(100 + number) for number in range(2000)])
    READ.clear()
    assert Broken(101) in shared
    assert len(READ) < 100


def test_shared_variables_in_objects_are_the_same_variables(manager: Any) -> None:
    inner = [manager.list([number]) for number in range(20)]
    shared = manager.list([Data(number, (each,)) for number, each in enumerate(inner)])
    for number, item in enumerate(shared.copy()):
        item.inner[0].append("added")
        assert inner[number].copy() == [number, "added"]


def test_a_needle_that_has_one_list_in_many_places_is_looked_at_in_part(manager: Any) -> None:
    needle = [0] * 100
    for _ in range(4):
        needle = [needle] * 100  # type: ignore[list-item]
    assert needle not in manager.list([1, [0], (0, 1)])
