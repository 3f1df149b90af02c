"""SetProxy against set."""

from __future__ import annotations

import copy
import multiprocessing
import operator
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sharevar

pytestmark = pytest.mark.every_engine

fork = multiprocessing.get_context("fork")


@dataclass(frozen=True)
class Place:
    """An element that only Python can compare."""

    row: int

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Place) and self.row % 10 == other.row % 10

    def __hash__(self) -> int:
        return hash(self.row % 10)


elements = (
    st.integers(-3, 3)
    | st.booleans()
    | st.sampled_from([1.0, 2.5, None, "a", "b", "long " * 30, b"a", (1, "x")])
    | st.builds(Place, st.integers(0, 12))
    | st.frozensets(st.integers(0, 2), max_size=2)
    | st.fractions(0, 2, max_denominator=2)
)
groups = st.lists(elements, max_size=6)
operations = st.one_of(
    st.tuples(
        st.sampled_from(["add", "discard", "remove", "__contains__"]), elements
    ),
    st.tuples(st.sampled_from(["clear", "__len__", "copy"])),
    st.tuples(
        st.sampled_from(
            [
                "update",
                "difference",
                "difference_update",
                "intersection",
                "intersection_update",
                "symmetric_difference",
                "symmetric_difference_update",
                "union",
                "isdisjoint",
                "issubset",
                "issuperset",
            ]
        ),
        groups,
    ),
    st.tuples(
        st.sampled_from(
            ["update", "difference", "intersection", "union", "difference_update"]
        ),
        groups,
        groups,
    ),
    st.tuples(
        st.sampled_from(
            ["__or__", "__and__", "__sub__", "__xor__", "__le__", "__lt__", "__ge__",
             "__gt__", "__ror__", "__rand__", "__rsub__", "__rxor__"]
        ),
        st.sets(elements, max_size=5),
    ),
)


def outcome(subject: Any, name: str, arguments: tuple[Any, ...]) -> Any:
    try:
        return getattr(subject, name)(*arguments)
    except Exception as error:
        return type(error), error.args


@settings(max_examples=300, deadline=None)
@given(groups, st.lists(operations, max_size=20))
def test_it_behaves_as_a_set(initial: list[Any], steps: list[tuple[Any, ...]]) -> None:
    plain, shared = set(initial), sharevar.SetProxy(initial)
    for name, *arguments in steps:
        expected = outcome(plain, name, tuple(arguments))
        assert outcome(shared, name, tuple(arguments)) == expected, (name, arguments)
        assert shared.copy() == plain
        assert len(shared) == len(plain)
    while plain:
        element = shared.pop()
        assert element in plain
        plain.remove(element)
    with pytest.raises(KeyError, match="pop from an empty set"):
        shared.pop()


@pytest.mark.parametrize(
    "in_place", [operator.ior, operator.iand, operator.isub, operator.ixor]
)
@pytest.mark.parametrize("other", [{2, 3, 9}, frozenset((1, 3))])
def test_in_place_operators_keep_the_proxy(
    in_place: Callable[[Any, Any], Any], other: Any
) -> None:
    for operand in (other, sharevar.SetProxy(other)):
        shared = sharevar.SetProxy([1, 2, 3])
        assert in_place(shared, operand) is shared
        assert shared.copy() == in_place({1, 2, 3}, other)
    with pytest.raises(TypeError):
        in_place(shared, [1])


def test_operators_take_sets_on_either_side_only() -> None:
    shared = sharevar.SetProxy([1, 2])
    assert shared | {3} == {3} | shared == {1, 2, 3}
    assert {2, 3} - shared == {3}
    assert shared - shared == set()
    assert shared <= shared | {1}
    assert {1} < shared
    for wrong in ([1], (1,), "a"):
        with pytest.raises(TypeError):
            shared | wrong
        with pytest.raises(TypeError):
            wrong & shared


def test_order_is_that_of_coming_and_pop_takes_the_last() -> None:
    shared = sharevar.SetProxy("edcba")
    shared.add("e")
    shared.discard("d")
    shared.add("d")
    assert list(shared) == ["e", "c", "b", "a", "d"]
    assert [shared.pop() for _ in range(5)] == ["d", "a", "b", "c", "e"]


def test_a_change_of_length_ends_the_iteration() -> None:
    shared = sharevar.SetProxy([1, 2, 3])
    with pytest.raises(RuntimeError, match="Set changed size during iteration"):
        for element in shared:
            shared.discard(element)


def test_what_is_not_hashable_is_refused_but_looked_for() -> None:
    shared = sharevar.SetProxy([frozenset((1, 2))])
    with pytest.raises(TypeError, match="unhashable"):
        shared.add({1})  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="unhashable"):
        assert [1] in shared
    assert {1, 2} in shared
    shared.remove({1, 2})
    with pytest.raises(KeyError) as raised:
        shared.remove({1, 2})
    assert raised.value.args == ({1, 2},)


def test_its_forms() -> None:
    shared = sharevar.SetProxy(["x"])
    assert str(shared) == "{'x'}"
    assert repr(shared) == f"<SetProxy object, typeid 'set' at {id(shared):#x}>"
    assert str(sharevar.SetProxy()) == "set()"
    assert copy.deepcopy(shared) == {"x"}
    for same in (copy.copy(shared), pickle.loads(pickle.dumps(shared))):
        same.add("y")
    assert shared._callmethod("copy") == {"x", "y"}
    assert Fraction(1) not in shared
    assert shared.isdisjoint(sharevar.SetProxy([7]))


def test_it_stands_in_other_variables(manager: Any) -> None:
    store = manager.dict()
    store["seen"] = sharevar.SetProxy([1], arena=manager.arena)
    store["seen"].add(2)
    assert isinstance(store["seen"], sharevar.SetProxy)
    assert store["seen"].copy() == {1, 2}


@pytest.mark.parametrize("count", [10, 9000])
def test_changes_of_many(count: int) -> None:
    shared = sharevar.SetProxy(range(count))
    shared ^= set(range(count // 2, 2 * count))
    assert list(shared)[: count // 2] == list(range(count // 2))
    assert shared.copy() == set(range(count // 2)) | set(range(count, 2 * count))
    shared &= set(range(count // 4))
    assert list(shared) == list(range(count // 4))
    shared -= set(range(count))
    assert len(shared) == 0


def toggle(shared: Any, number: int, times: int) -> None:
    for _ in range(times):
        shared ^= {number, "both"}
        shared ^= {number, "both"}
        shared.add((number, "own"))
        shared -= {(number, "own")}


@pytest.mark.one_version
def test_two_processes_toggle_at_once(context: Any) -> None:
    shared = sharevar.SetProxy(["stays"])
    children = [
        context.Process(target=toggle, args=(shared, number, 200)) for number in (1, 2)
    ]
    for child in children:
        child.start()
    for child in children:
        child.join()
        assert child.exitcode == 0
    assert shared.copy() == {"stays"}
