"""The manager's box and array."""

from __future__ import annotations

import copy
import pickle
from array import array
from typing import Any

import numpy
import pytest

import sharevar

pytestmark = pytest.mark.every_engine

TYPECODES = "bBhHiIlLqQfd"


def test_box_holds_anything(manager: Any) -> None:
    box = manager.Value("i", 5)
    assert box.value == box.get() == 5
    box.value = "text"
    assert box.value == "text"
    box.set([1, (2,)])
    assert box.get() == [1, (2,)]
    assert str(box) == "Value('i', [1, (2,)])"
    assert repr(box) == f"<ValueProxy object, typeid 'Value' at {id(box):#x}>"


def test_box_incr(manager: Any) -> None:
    box = manager.Value("i", 2**63 - 2)
    assert box.incr() == 2**63 - 1
    assert box.incr(5) == 2**63 + 4
    assert box.value == 2**63 + 4
    box.value = "x"
    with pytest.raises(TypeError):
        box.incr()
    assert box.value == "x"


def test_box_keeps_its_value_when_the_new_one_cannot_be_pickled(manager: Any) -> None:
    box = manager.Value("i", 5)
    with pytest.raises(sharevar.NotShareable):
        box.value = lambda: 1
    assert box.value == 5


def test_box_copies_and_pickles(manager: Any) -> None:
    box = manager.Value("i", 5)
    for same in (copy.copy(box), pickle.loads(pickle.dumps(box))):
        same.value += 1
        assert box.value == same.value
        assert str(same) == str(box)


@pytest.mark.parametrize("typecode", TYPECODES)
def test_array_holds_the_range_of_its_type(manager: Any, typecode: str) -> None:
    model = array(typecode, [1, 2, 3])
    shared = manager.Array(typecode, [1, 2, 3])
    assert len(shared) == 3
    assert list(shared) == list(model)
    assert type(shared[0]) is type(model[0])
    assert str(shared) == repr(model)
    assert shared[1:] == model[1:]
    assert shared[::-1] == model[::-1]
    shared[-1] = model[-1] = 7
    assert list(shared) == list(model)
    if typecode not in "fd":
        bits = 8 * model.itemsize
        low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
        if typecode.isupper():
            low, high = 0, 2**bits - 1
        for value in (low, high):
            shared[0] = value
            assert shared[0] == value
        for value in (low - 1, high + 1):
            with pytest.raises(OverflowError):
                shared[0] = value
            with pytest.raises(OverflowError):
                shared[0:2] = [1, value]
        assert shared[0] == high
        with pytest.raises(TypeError):
            shared[0] = 1.5
    with pytest.raises(TypeError):
        shared[0] = "x"
    for bad in (3, -4):
        with pytest.raises(IndexError):
            shared[bad]
        with pytest.raises(IndexError):
            shared[bad] = 1


@pytest.mark.filterwarnings("ignore:The 'u' type code:DeprecationWarning")
def test_array_of_characters(manager: Any) -> None:
    shared = manager.Array("u", "häß")
    assert list(shared) == ["h", "ä", "ß"]
    shared[0] = "€"
    assert "".join(shared) == "€äß"


def test_array_slices_keep_the_length(manager: Any) -> None:
    shared = manager.Array("i", range(6))
    shared[1:3] = [10, 20]
    shared[::2] = [0, 0, 0]
    assert list(shared) == [0, 10, 0, 3, 0, 5]
    for bad in ([1], [1, 2, 3]):
        with pytest.raises(ValueError):
            shared[1:3] = bad
    assert list(shared) == [0, 10, 0, 3, 0, 5]


def test_array_refuses_bad_contents(manager: Any) -> None:
    with pytest.raises(TypeError):
        manager.Array("i", ["x"])
    with pytest.raises(OverflowError):
        manager.Array("b", [1000])
    with pytest.raises(ValueError):
        manager.Array("?", [1])


@pytest.mark.needs("views")
@pytest.mark.parametrize("typecode", TYPECODES)
def test_numpy_views_the_same_memory(manager: Any, typecode: str) -> None:
    shared = manager.Array(typecode, range(10))
    view = numpy.asarray(shared)
    assert view.dtype == numpy.dtype(typecode)
    assert view.flags.writeable
    view[3] = 42
    assert shared[3] == 42
    shared[4] = 43
    assert view[4] == 43
    view += 1
    assert shared[3] == 43
    other = numpy.asarray(pickle.loads(pickle.dumps(shared)))
    assert numpy.shares_memory(view, other)


@pytest.mark.needs("views")
def test_view_outlives_the_proxy(manager: Any) -> None:
    view = numpy.asarray(manager.Array("d", [1.5] * 1000))
    for _ in range(100):
        manager.Array("d", [9.0] * 1000)
    assert (view == 1.5).all()


def test_empty_array(manager: Any) -> None:
    shared = manager.Array("i", [])
    assert len(shared) == 0
    assert list(shared) == []
    assert copy.deepcopy(manager.Array("i", [1])) == array("i", [1])
