"""DictProxy against a plain dict."""

from __future__ import annotations

import copy
import enum
import pickle
from collections.abc import MutableMapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sharevar

pytestmark = pytest.mark.every_engine

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.integers()
    | st.floats(allow_nan=False)
    | st.sampled_from(["", "a", "b", "long " * 30])
    | st.text(max_size=5)
    | st.binary(max_size=5)
)
keys = scalars | st.tuples(scalars, scalars)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(scalars, inner, max_size=3)
        | st.tuples(inner, inner)
    ),
    max_leaves=6,
)
operations = st.one_of(
    st.tuples(st.just("__setitem__"), keys, values),
    st.tuples(st.just("__getitem__"), keys),
    st.tuples(st.just("__delitem__"), keys),
    st.tuples(st.just("__contains__"), keys),
    st.tuples(st.just("get"), keys),
    st.tuples(st.just("get"), keys, values),
    st.tuples(st.just("pop"), keys),
    st.tuples(st.just("pop"), keys, values),
    st.tuples(st.just("popitem")),
    st.tuples(st.just("setdefault"), keys, values),
    st.tuples(st.just("setdefault"), keys),
    st.tuples(st.just("update"), st.dictionaries(keys, values, max_size=4)),
    st.tuples(st.just("update"), st.lists(st.tuples(keys, values), max_size=4)),
    st.tuples(st.just("clear")),
    st.tuples(st.just("__len__")),
)


def outcome(subject: Any, name: str, arguments: tuple[Any, ...]) -> Any:
    try:
        return "gave", getattr(subject, name)(*arguments)
    except (KeyError, TypeError) as error:
        return "raised", type(error), error.args if type(error) is KeyError else ()


def exact(value: Any) -> str:
    """Tells 1 from True and 1.0, which are equal."""
    return repr(value)


@given(steps=st.lists(operations, max_size=30))
@settings(max_examples=200, deadline=None)
def test_random_operations_give_what_a_dict_gives(steps: list[Any]) -> None:
    with sharevar.Manager(capacity=16 << 20) as manager:
        shared, model = manager.dict(), {}
        for name, *arguments in steps:
            ours = outcome(shared, name, tuple(copy.deepcopy(arguments)))
            theirs = outcome(model, name, tuple(arguments))
            assert exact(ours) == exact(theirs), (name, arguments)
            assert exact(shared.copy()) == exact(model)
        assert exact(shared.keys()) == exact(list(model.keys()))
        assert exact(shared.values()) == exact(list(model.values()))
        assert exact(shared.items()) == exact(list(model.items()))
        assert exact(list(shared)) == exact(list(model))
        assert manager.arena.check() == []


def test_made_as_a_dict_is_made(manager: Any) -> None:
    assert manager.dict({"a": 1}, b=2).copy() == {"a": 1, "b": 2}
    assert manager.dict([("a", 1)]).copy() == {"a": 1}
    assert manager.dict().copy() == {}
    assert manager.dict(manager.dict(a=1)).copy() == {"a": 1}
    with pytest.raises(TypeError):
        manager.dict(1)


def test_shows_itself_as_the_standard_proxy_does(manager: Any) -> None:
    shared = manager.dict(a=[1])
    assert str(shared) == "{'a': [1]}"
    assert repr(shared) == f"<DictProxy object, typeid 'dict' at {id(shared):#x}>"


class Colour(enum.IntEnum):
    RED = 1


class Word(str):
    pass


@pytest.mark.parametrize(
    "key", [1, 1.0, True, Decimal(1), Fraction(1), Colour.RED, complex(1)]
)
def test_numbers_that_are_equal_are_one_key(manager: Any, key: Any) -> None:
    shared = manager.dict({1: "one"})
    assert shared[key] == "one"
    assert key in shared
    shared[key] = "uno"
    assert shared.copy() == {1: "uno"}
    assert type(shared.keys()[0]) is int
    del shared[key]
    assert len(shared) == 0


def test_keys_of_many_kinds(manager: Any) -> None:
    shared = manager.dict()
    model: dict[Any, Any] = {}
    for key in (
        "a", Word("b"), b"c", None, (1, "x"), (1.0, ("y", None)), 2**100, -(2**70),
        frozenset({1, 2}), Decimal("1.5"), Fraction(1, 3), float("inf"),
    ):  # fmt: skip
        shared[key] = model[key] = repr(key)
    assert shared.copy() == model
    for key in model:
        assert shared[key] == model[key]
    assert shared["b"] == shared[Word("b")]
    assert shared[(True, "x")] == "(1, 'x')"
    assert shared[1.5] == "Decimal('1.5')"


def test_unhashable_keys_are_refused(manager: Any) -> None:
    shared = manager.dict()
    for key in ([], {}, set(), (1, [])):
        with pytest.raises(TypeError):
            shared[key] = 1
        with pytest.raises(TypeError):
            shared.get(key)
    assert len(shared) == 0


def test_values_keep_their_types(manager: Any) -> None:
    values = [
        None, True, 0, -1, 2**63, -(2**200), 1.5, float("inf"), "ä€😀", b"\0\xff",
        [1, [2]], (1, (2,)), {"a": {1: (2,)}}, {1, 2}, frozenset({1}), Decimal("1.5"),
        complex(1, 2), Colour.RED, Word("w"), bytearray(b"x"), range(3),
    ]  # fmt: skip
    shared = manager.dict(enumerate(values))
    for index, value in enumerate(values):
        assert shared[index] == value
        assert type(shared[index]) is type(value)


def test_one_object_in_two_places_stays_one(manager: Any) -> None:
    inner = [1]
    cycle: list[Any] = []
    cycle.append(cycle)
    shared = manager.dict(pair=[inner, inner], cycle=cycle)
    pair = shared["pair"]
    assert pair == [[1], [1]]
    assert shared["cycle"][0] is not None
    copied = shared["cycle"]
    assert copied[0][0] is copied[0] or copied[0] is copied


def test_what_cannot_be_pickled_changes_nothing(manager: Any) -> None:
    shared = manager.dict(a=1)
    for bad in (lambda: 1, (x for x in ()), open):
        if bad is open:
            continue
        with pytest.raises(sharevar.NotShareable):
            shared["a"] = bad
        with pytest.raises(TypeError):
            shared.update(b=2, c=bad)
        with pytest.raises(sharevar.NotShareable):
            shared.setdefault("d", bad)
    assert shared.copy() == {"a": 1}


def test_nested_proxies_stay_shared(manager: Any) -> None:
    outer = manager.dict()
    outer["list"] = manager.list([1])
    outer["dict"] = manager.dict(inner=manager.list())
    outer["box"] = manager.Value("i", 3)
    outer["lock"] = manager.Lock()
    outer["array"] = manager.Array("d", [1.5, 2])
    outer["list"].append(2)
    outer["dict"]["inner"].append("deep")
    outer["box"].value += 1
    outer["array"][1] = 4
    assert outer["list"].copy() == [1, 2]
    assert type(outer["list"]) is sharevar.ListProxy
    assert outer["dict"]["inner"].copy() == ["deep"]
    assert outer["box"].value == 4
    assert list(outer["array"]) == [1.5, 4.0]
    with outer["lock"]:
        assert outer["lock"].locked()
    assert not outer["lock"].locked()
    del outer["list"]
    assert "list" not in outer


def test_operators(manager: Any) -> None:
    shared = manager.dict(a=1)
    assert shared | {"b": 2} == {"a": 1, "b": 2}
    assert {"b": 2} | shared == {"b": 2, "a": 1}
    same = shared
    shared |= {"c": 3}
    assert shared is same
    assert shared.copy() == {"a": 1, "c": 3}
    assert list(reversed(shared)) == ["c", "a"]


def test_incr(manager: Any) -> None:
    shared = manager.dict(n=1)
    assert shared.incr("n") == 2
    assert shared.incr("n", 5) == 7
    assert shared.incr("new") == 1
    assert shared.incr("n", -0.5) == 6.5
    shared["big"] = 2**63 - 1
    assert shared.incr("big") == 2**63
    shared["text"] = "x"
    with pytest.raises(TypeError):
        shared.incr("text")
    assert shared["text"] == "x"


def test_iteration_raises_when_the_length_changes(manager: Any) -> None:
    shared = manager.dict(a=1, b=2)
    for key in shared:
        shared[key] = 0
    iterator = iter(shared)
    assert next(iterator) == "a"
    del shared["b"]
    with pytest.raises(RuntimeError, match="changed size"):
        next(iterator)
    for key in shared.keys():
        shared[key + key] = 0
    assert shared.copy() == {"a": 0, "aa": 0}


def test_iteration_beyond_a_page(manager: Any) -> None:
    shared = manager.dict(dict.fromkeys(range(2500)))
    assert list(shared) == list(range(2500)) == list(manager.set(range(2500)))
    with pytest.raises(RuntimeError, match="changed size"):
        for key in shared:
            if key == 1100:
                shared["more"] = 1
    ending = manager.dict(dict.fromkeys(range(1001)))
    with pytest.raises(RuntimeError, match="changed size"):
        for key in ending:
            if key == 999:
                # The last one of a page, before a page of one key.
                del ending[0]


def test_all_at_once_gives_keys_of_each_form_as_they_were_put_in(manager: Any) -> None:
    # Around the longest key that stands in an entry, and in a second batch of a walk.
    texts = [letter * length for letter in ("x", "é", "\ud800") for length in range(70)]
    forms = [True, 2.0, 3, (1, 2.0), (True, "x"), 2**70, -0.0, b"", b"y" * 40, None, 1.5,
             Decimal("2.5"), ("z" * 50, b"z")]  # fmt: skip
    model = {key: number for number, key in enumerate([*texts, *forms, *range(100, 1300)])}
    values = manager.list([1])
    model["shared"] = values
    model["long"] = "value " * 2000
    shared, elements = manager.dict(model), manager.set(model)
    of_items = [key for key, _ in shared.items()]
    for found in (shared.keys(), list(shared), of_items, list(shared.copy()), list(elements)):
        assert list(map(repr, found)) == list(map(repr, model))
    assert shared.values()[-2][:] == shared.items()[-2][1][:] == [1]
    del shared["shared"], model["shared"]
    assert shared.values() == list(model.values())
    assert shared.copy() == dict(shared.items()) == model


def test_many_values_at_once(manager: Any) -> None:
    shared = manager.dict({"a": 1, 2: [3], "list": manager.list([4])})
    one, two, inner, absent = shared.get_many(["a", 2.0, "list", "x"])
    assert (one, two, inner[:], absent) == (1, [3], [4], None)
    assert shared.get_many(iter("ax"), 7) == [1, 7]
    assert shared.get_many([]) == []
    with pytest.raises(TypeError, match="unhashable"):
        shared.get_many([[]])


def test_copies_and_pickles(manager: Any) -> None:
    shared = manager.dict(a=[1])
    assert copy.deepcopy(shared) == {"a": [1]}
    assert type(copy.deepcopy(shared)) is dict
    for same in (copy.copy(shared), pickle.loads(pickle.dumps(shared))):
        assert type(same) is sharevar.DictProxy
        same["b"] = 2
        assert shared.pop("b") == 2


def test_is_a_mutable_mapping_and_generic(manager: Any) -> None:
    assert isinstance(manager.dict(), MutableMapping)
    assert sharevar.DictProxy[str, int].__args__ == (str, int)


def test_calls_by_name(manager: Any) -> None:
    shared = manager.dict(a=1)
    assert shared._callmethod("get", ("a",)) == 1
    assert shared._callmethod("update", (), {"b": 2}) is None
    assert shared._callmethod("__repr__") == "{'a': 1, 'b': 2}"
    assert shared._callmethod("#GETVALUE") == shared._getvalue() == {"a": 1, "b": 2}
    with pytest.raises(Exception, match="not in exposed"):
        shared._callmethod("__sizeof__")


def test_every_standard_method_is_there(manager: Any) -> None:
    from multiprocessing import managers

    for name in managers.DictProxy._exposed_:
        assert callable(getattr(sharevar.DictProxy, name)), name


@pytest.mark.many_operations
def test_grows_and_shrinks(manager: Any) -> None:
    shared, model = manager.dict(), {}
    for number in range(20_000):
        shared[number] = model[number] = str(number)
    for number in range(0, 20_000, 3):
        del shared[number]
        del model[number]
    assert shared.copy() == model
    shared.clear()
    assert len(shared) == 0
    assert shared.copy() == {}


@pytest.mark.needs("arena")
def test_memory_is_used_again(manager: Any) -> None:
    shared = manager.dict()

    def fill_and_empty() -> None:
        for number in range(2_000):
            shared[number] = "x" * 200
        for number in range(2_000):
            shared[number] = b"y" * (number % 500)
        shared.update({number: [number] * 5 for number in range(1_000)})
        shared.clear()

    for _ in range(3):
        fill_and_empty()
    used = manager.arena.used
    assert used > 400_000
    for _ in range(10):
        fill_and_empty()
    assert manager.arena.used <= used


def test_out_of_memory_changes_nothing() -> None:
    with sharevar.Manager(capacity=8 << 20) as manager:
        shared = manager.dict(a=1)
        with pytest.raises(sharevar.OutOfSharedMemory) as caught:
            shared["a"] = b"x" * (64 << 20)
        assert isinstance(caught.value, MemoryError) and caught.value.happened is False
        with pytest.raises(sharevar.OutOfSharedMemory):
            for number in range(1_000):
                shared[number] = b"x" * 100_000
        count = len(shared)
        assert shared["a"] == 1
        assert count > 10
        assert shared.pop(5) == b"x" * 100_000
        assert manager.arena.check() == []
