"""Value, Array, RawValue and RawArray, beside those of multiprocessing."""

from __future__ import annotations

import ctypes
import multiprocessing
import pickle
from multiprocessing import sharedctypes as standard
from multiprocessing.reduction import ForkingPickler
from typing import Any

import numpy
import pytest

import sharevar
from sharevar import sharedctypes

NUMBERS = "bBhHiIlLqQfd"


class Point(ctypes.Structure):
    _fields_ = [("x", ctypes.c_double), ("y", ctypes.c_int)]


class Union(ctypes.Union):
    _fields_ = [("whole", ctypes.c_uint32), ("parts", ctypes.c_uint8 * 4)]


@pytest.mark.parametrize("typecode", NUMBERS)
@pytest.mark.parametrize("value", [0, 1, -1, 300, 2**40, -(2**70)])
def test_numbers_come_out_as_from_multiprocessing(typecode: str, value: int) -> None:
    ours, theirs = sharevar.Value(typecode, 5), multiprocessing.Value(typecode, 5)
    assert ours.value == theirs.value == 5
    try:
        theirs.value = value
    except (OverflowError, TypeError) as error:
        with pytest.raises(type(error)):
            ours.value = value
    else:
        ours.value = value
    assert ours.value == theirs.value
    with pytest.raises(TypeError):
        ours.value = "x"


@pytest.mark.parametrize("typecode", NUMBERS)
def test_arrays_come_out_as_from_multiprocessing(typecode: str) -> None:
    ours = sharevar.Array(typecode, range(10))
    theirs = multiprocessing.Array(typecode, range(10))
    for array in (ours, theirs):
        array[3] = 7
        array[5:7] = [1, 2]
    assert list(ours) == list(theirs)
    assert ours[2:8] == theirs[2:8]
    assert ours[::-3] == theirs[::-3]
    assert len(ours) == 10
    with pytest.raises(IndexError):
        ours[10]
    with pytest.raises(ValueError):
        ours[0:2] = [1]
    assert list(sharevar.Array(typecode, 4)) == [0, 0, 0, 0]


def test_characters() -> None:
    text = sharevar.Array("c", b"hello")
    assert type(text) is not standard.SynchronizedString
    assert isinstance(text, standard.SynchronizedString)
    assert (text.value, text.raw) == (b"hello", b"hello")
    text.value = b"hi"
    assert (text.value, text.raw) == (b"hi", b"hi\0lo")
    with pytest.raises(ValueError):
        text.value = b"too long"
    wide = sharevar.Array("u", "häß")
    assert wide.get_obj().value == "häß"
    assert sharevar.Value("c", b"x").value == b"x"
    assert sharevar.Value("u", "ä").value == "ä"


@pytest.mark.parametrize(
    "cls",
    [
        ctypes.c_bool,
        ctypes.c_char,
        ctypes.c_wchar,
        ctypes.c_longdouble,
        ctypes.c_size_t,
        ctypes.c_int8,
        ctypes.c_uint64,
        ctypes.c_void_p,
        ctypes.c_char_p,
    ],
)
def test_every_simple_ctypes_type(cls: Any) -> None:
    assert sharevar.Value(cls).value == multiprocessing.Value(cls).value
    assert sharevar.RawValue(cls).value == cls().value


def test_structures_and_unions() -> None:
    point = sharevar.Value(Point, 1.5, 2)
    assert (point.x, point.y) == (1.5, 2)
    point.x += 1
    assert point.get_obj().x == 2.5
    assert sharevar.Value(Point, 1, 3).y == 3
    points = sharevar.Array(Point, [(1, 2), (3, 4)])
    assert [(item.x, item.y) for item in points] == [(1, 2), (3, 4)]
    union = sharevar.RawValue(Union, 0x01020304)
    assert sorted(union.parts) == [1, 2, 3, 4]
    matrix = sharevar.RawArray(ctypes.c_int * 3, 2)
    matrix[1][2] = 5
    assert [list(row) for row in matrix] == [[0, 0, 0], [0, 0, 5]]


def test_locks() -> None:
    number = sharevar.Value("i", 1)
    with number.get_lock():
        number.value += 1
        with number:
            number.value += 1
    assert number.value == 3
    lock = sharevar.Lock()
    assert sharevar.Value("i", lock=lock).get_lock() is lock
    standard_lock = multiprocessing.RLock()
    assert sharevar.Array("i", 1, lock=standard_lock).get_lock() is standard_lock
    assert type(sharevar.Value("i", 7, lock=False)) is ctypes.c_int
    for bad in ("x", 1):
        with pytest.raises(AttributeError, match="has no method 'acquire'"):
            sharevar.Value("i", lock=bad)
        with pytest.raises(AttributeError):
            sharevar.Array("i", 1, lock=bad)


def test_synchronized_and_copy() -> None:
    raw = sharevar.RawValue("i", 4)
    wrapped = sharedctypes.synchronized(raw)
    wrapped.value += 1
    assert raw.value == 5
    duplicate = sharedctypes.copy(raw)
    duplicate.value = 0
    assert raw.value == 5
    with pytest.raises(AssertionError):
        sharedctypes.synchronized(wrapped)
    assert repr(wrapped).startswith("<Synchronized wrapper for c_int(5)")


def test_pickles_lead_to_the_same_memory() -> None:
    subjects = [
        sharevar.Value("i", 1),
        sharevar.RawValue("i", 1),
        sharevar.Value(ctypes.c_long, 1),
    ]
    for subject in subjects:
        for dumps in (pickle.dumps, ForkingPickler.dumps):
            same = pickle.loads(dumps(subject))
            same.value += 1
            assert subject.value == same.value
    array = sharevar.Array("d", [1, 2])
    pickle.loads(pickle.dumps(array))[0] = 5
    assert list(array) == [5, 2]
    point = sharevar.Value(Point, 1, 2)
    pickle.loads(pickle.dumps(point)).x = 9
    assert point.x == 9
    plain = pickle.loads(pickle.dumps(ctypes.c_int(3)))
    assert plain.value == 3


def test_memory_is_freed_and_zeroed() -> None:
    arena = sharevar._family.family.arena()
    sharevar.RawArray("B", 1 << 20)
    used = arena.used
    for _ in range(50):
        array = sharevar.RawArray("B", 1 << 20)
        assert not any(array[::4096])
        array[::4096] = b"\xff" * len(array[::4096])
        del array
    assert arena.used < used + (8 << 20)


def test_numpy_views_the_same_memory() -> None:
    array = sharevar.Array("d", 10)
    view = numpy.frombuffer(array.get_obj())
    view[3] = 1.5
    assert array[3] == 1.5


def test_bad_arguments() -> None:
    with pytest.raises((ValueError, OverflowError)):
        sharevar.RawArray("i", -1)
    with pytest.raises(TypeError):
        sharevar.RawArray("i", 1.5)
    with pytest.raises(TypeError):
        sharevar.RawValue("z")
    assert len(sharevar.RawArray("i", 0)) == 0


def test_the_wrapper_classes_have_their_names_here() -> None:
    assert isinstance(sharevar.Array("i", 2), sharedctypes.SynchronizedArray)
    assert isinstance(sharevar.Value("i"), sharedctypes.Synchronized)
    with pytest.raises(AttributeError, match=r"sharevar\.sharedctypes"):
        sharedctypes.nothing  # noqa: B018
