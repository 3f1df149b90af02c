"""ListProxy against a plain list."""

from __future__ import annotations

import copy
import pickle
from collections.abc import MutableSequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sharevar

pytestmark = pytest.mark.every_engine

items = (
    st.integers(-3, 3)
    | st.text(max_size=3)
    | st.none()
    | st.floats(allow_nan=False)
    | st.lists(st.integers(), max_size=2)
)
indexes = st.integers(-8, 8)
bounds = st.none() | indexes
slices = st.builds(slice, bounds, bounds, bounds.filter(lambda step: step != 0))
item_lists = st.lists(items, max_size=6)
operations = st.one_of(
    st.tuples(st.just("append"), items),
    st.tuples(st.just("extend"), item_lists),
    st.tuples(st.just("insert"), indexes, items),
    st.tuples(st.just("pop")),
    st.tuples(st.just("pop"), indexes),
    st.tuples(st.just("remove"), items),
    st.tuples(st.just("reverse")),
    st.tuples(st.just("clear")),
    st.tuples(st.just("index"), items),
    st.tuples(st.just("index"), items, indexes, indexes),
    st.tuples(st.just("count"), items),
    st.tuples(st.just("__getitem__"), indexes | slices),
    st.tuples(st.just("__setitem__"), indexes, items),
    st.tuples(st.just("__setitem__"), slices, item_lists),
    st.tuples(st.just("__delitem__"), indexes | slices),
    st.tuples(st.just("__contains__"), items),
    st.tuples(st.just("__add__"), item_lists),
    st.tuples(st.just("__mul__"), st.integers(-1, 3)),
    st.tuples(st.just("__rmul__"), st.integers(-1, 3)),
    st.tuples(st.just("__len__")),
    st.tuples(st.just("__imul__"), st.integers(-1, 3)),
    st.tuples(st.just("__iadd__"), item_lists),
    st.tuples(st.just("sort")),
)


def outcome(subject: Any, name: str, arguments: tuple[Any, ...]) -> Any:
    try:
        result = getattr(subject, name)(*arguments)
    except (IndexError, TypeError, ValueError) as error:
        return "raised", type(error)
    return "gave", "itself" if result is subject else repr(result)


@given(start=item_lists, steps=st.lists(operations, max_size=30))
@settings(max_examples=300, deadline=None)
def test_random_operations_give_what_a_list_gives(start: Any, steps: Any) -> None:
    with sharevar.Manager(capacity=16 << 20) as manager:
        shared, model = manager.list(start), list(start)
        for name, *arguments in steps:
            before = list(model)
            theirs = outcome(model, name, tuple(arguments))
            ours = outcome(shared, name, tuple(arguments))
            assert ours == theirs, (name, arguments, before)
            if name == "sort" and theirs[0] == "raised":
                # A plain list is left half sorted; ours as it was.
                model[:] = before
            assert repr(shared.copy()) == repr(model), (name, arguments, before)
        assert repr(list(shared)) == repr(model)
        assert repr(list(reversed(shared))) == repr(model[::-1])
        assert str(shared) == repr(model)
        assert manager.arena.check() == []


def test_made_as_a_list_is_made(manager: Any) -> None:
    assert manager.list().copy() == []
    assert manager.list("ab").copy() == ["a", "b"]
    assert manager.list(x for x in (1, 2)).copy() == [1, 2]
    assert manager.list(manager.list([1])).copy() == [1]
    with pytest.raises(TypeError):
        manager.list(1)
    with pytest.raises(TypeError):
        manager.list([1], [2])


def test_shows_itself_as_the_standard_proxy_does(manager: Any) -> None:
    shared = manager.list([1, "a"])
    assert str(shared) == "[1, 'a']"
    assert repr(shared) == f"<ListProxy object, typeid 'list' at {id(shared):#x}>"


def test_sort_takes_key_and_reverse_and_is_stable(manager: Any) -> None:
    words = ["bb", "a", "ccc", "dd", "e", "AA"]
    for options in ({}, {"reverse": True}, {"key": len}, {"key": len, "reverse": True}):
        shared = manager.list(words)
        shared.sort(**options)
        assert shared.copy() == sorted(words, **options)


def test_sort_begins_again_when_the_list_changed_under_it(manager: Any) -> None:
    shared = manager.list([3, 1, 2])
    calls = []

    def key(item: int) -> int:
        if not calls:
            shared.append(0)
        calls.append(item)
        return item

    shared.sort(key=key)
    assert shared.copy() == [0, 1, 2, 3]
    assert len(calls) == 7


def test_sort_that_raises_leaves_the_list_as_it_was(manager: Any) -> None:
    shared = manager.list([2, "a", 1])
    with pytest.raises(TypeError):
        shared.sort()
    assert shared.copy() == [2, "a", 1]


def test_iteration_sees_what_is_appended_meanwhile(manager: Any) -> None:
    shared = manager.list([1, 2])
    seen = []
    for item in shared:
        if len(shared) < 5:
            shared.append(item * 10)
        seen.append(item)
    assert seen == [1, 2, 10, 20, 100]


def test_augmented_assignment_keeps_the_proxy(manager: Any) -> None:
    shared = same = manager.list([1])
    shared += (2, 3)
    shared *= 2
    assert shared is same
    assert shared.copy() == [1, 2, 3, 1, 2, 3]
    shared.extend(shared)
    assert len(shared) == 12
    shared *= 0
    assert shared.copy() == []


def test_takes_other_proxies(manager: Any) -> None:
    shared = manager.list([1])
    shared.extend(manager.list([2]))
    shared.extend(manager.dict(a=1))
    shared[0:1] = [0, 1]
    assert shared.copy() == [0, 1, 2, "a"]


def test_nested_proxies_stay_shared(manager: Any) -> None:
    rows = manager.list([manager.list([0] * 3) for _ in range(3)])
    rows[1][2] = 5
    assert [row.copy() for row in rows] == [[0, 0, 0], [0, 0, 5], [0, 0, 0]]
    rows[0].append(rows[1])
    assert rows[0][3][2] == 5
    with pytest.raises(ValueError, match="not in list"):
        rows.remove([0, 0, 5])


def test_plain_nested_lists_are_copies(manager: Any) -> None:
    shared = manager.list([[1]])
    shared[0].append(2)
    assert shared.copy() == [[1]]


def test_equality_is_identity_as_for_standard_proxies(manager: Any) -> None:
    shared = manager.list([1])
    assert shared != [1]
    assert shared == shared
    assert len({shared, manager.list([1])}) == 2


def test_copies_and_pickles(manager: Any) -> None:
    shared = manager.list([[1]])
    assert copy.deepcopy(shared) == [[1]]
    assert type(copy.deepcopy(shared)) is list
    for same in (copy.copy(shared), pickle.loads(pickle.dumps(shared))):
        assert type(same) is sharevar.ListProxy
        same.append(2)
        assert shared.pop() == 2


def test_is_a_mutable_sequence_and_generic() -> None:
    assert issubclass(sharevar.ListProxy, MutableSequence)
    assert sharevar.ListProxy[int].__args__ == (int,)


def test_every_standard_method_is_there() -> None:
    from multiprocessing import managers

    for name in (*managers.BaseListProxy._exposed_, "__iadd__"):
        assert callable(getattr(sharevar.ListProxy, name)), name


def test_what_cannot_be_pickled_changes_nothing(manager: Any) -> None:
    shared = manager.list([1])
    with pytest.raises(sharevar.NotShareable):
        shared.append(lambda: 1)
    with pytest.raises(sharevar.NotShareable):
        shared.extend([2, lambda: 1])
    with pytest.raises(sharevar.NotShareable):
        shared[0:1] = [3, lambda: 1]
    assert shared.copy() == [1]


def test_long_lists(manager: Any) -> None:
    shared, model = manager.list(range(50_000)), list(range(50_000))
    for place in (0, 1, 25_000, 49_999, -1):
        shared.insert(place, "new")
        model.insert(place, "new")
        assert shared.pop(place) == model.pop(place)
    del shared[10_000:40_000:7]
    del model[10_000:40_000:7]
    shared[100:200] = range(1_000)
    model[100:200] = range(1_000)
    shared.reverse()
    model.reverse()
    assert shared.copy() == model
