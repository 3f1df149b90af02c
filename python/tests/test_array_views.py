"""Views of arrays, and of other values with long buffers, which stay in shared memory."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Iterator
from typing import Any

import pytest

import sharevar

np = pytest.importorskip("numpy")

MIB = 1 << 20
FORK = multiprocessing.get_context("fork")


@pytest.fixture
def manager() -> Iterator[Any]:
    with sharevar.Manager(capacity=24 * MIB) as manager:
        yield manager


def test_a_view_of_an_array_is_an_array(manager: Any) -> None:
    arrays = [
        np.arange(30_000).reshape(3, 10_000),
        np.asfortranarray(np.arange(30_000.0).reshape(100, 300)),
        np.arange(60_000, dtype=">i4")[::2],
        np.zeros(10_000, dtype=[("x", "f4"), ("label", "U3")]),
    ]
    items = manager.list(arrays)
    for array, view, found in zip(arrays, items.views(), items, strict=True):
        assert type(view) is np.ndarray and view.dtype == array.dtype
        assert np.array_equal(view, array) and view.strides == found.strides
        assert not view.flags.writeable and view.flags.aligned
        assert view.ctypes.data % 64 == 0
        with pytest.raises(ValueError, match="read-only"):
            view[0] = array[0]


def test_a_derived_array_keeps_the_value(manager: Any) -> None:
    box = manager.dict(a=np.arange(200_000))
    column = box.view("a").reshape(400, 500)[:, 3]
    total = int(column.sum())
    for number in range(40):
        box["a"] = np.full(200_000, number)
    assert int(column.sum()) == total and box["a"][0] == 39


def test_a_writable_view_of_an_array_is_seen_by_all(manager: Any) -> None:
    box = manager.dict(a=np.zeros(20_000))

    def write() -> None:
        box.view("a", writable=True)[5:8] = 7

    view = box.view("a")
    worker = FORK.Process(target=write)
    worker.start()
    worker.join()
    assert worker.exitcode == 0
    assert view[4:9].tolist() == [0, 7, 7, 7, 0] == box["a"][4:9].tolist()
    array = np.zeros(20_000)
    array.flags.writeable = False
    box["a"] = array
    with pytest.raises(TypeError, match="read-only when it was stored"):
        box.view("a", writable=True)
    assert box.view("a").sum() == 0


def test_views_of_objects_with_arrays(manager: Any) -> None:
    inner = manager.list([1])
    box = manager.dict(a={"x": np.arange(20_000), "y": [np.ones(9_000), 1, inner]})
    view = box.view("a")
    del box["a"], inner
    assert view["x"][7] == 7 and view["y"][0].sum() == 9_000 and view["y"][1] == 1
    assert not view["x"].flags.writeable and view["y"][2][:] == [1]
    box["b"] = bytearray(b"abc" * 30_000)
    assert type(box.view("b")) is memoryview and box.view("b").readonly
    box.view("b", writable=True)[:3] = b"xyz"
    assert box["b"][:6] == b"xyzabc"


def test_an_array_without_a_buffer_of_its_own_is_copied_for_its_view(manager: Any) -> None:
    for array in (
        np.arange(5),
        np.array([1, "two", None] * 30_000, dtype=object),
        np.ones((100, 400)).view(np.recarray),
    ):
        box = manager.dict(a=array)
        view = box.view("a")
        assert np.array_equal(view, array) and type(view) is type(array)
        assert not view.flags.writeable
        with pytest.raises(TypeError, match="copied"):
            box.view("a", writable=True)
    box = manager.dict(a=bytearray(b"abc"))
    assert box.view("a") == b"abc" and box.view("a").readonly


def test_a_reader_that_may_only_read_has_a_copy_of_an_array() -> None:
    name = f"array-views-{os.getpid()}"
    with sharevar.Manager(name=name, pickle=True) as manager:
        manager.dict(name="box")["a"] = np.arange(20_000)
        with sharevar.attach(name, read_only=True, pickle=True) as reader:
            view = reader["box"].view("a")
            manager["box"]["a"] = np.zeros(20_000)
            assert view.sum() == sum(range(20_000)) and not view.flags.writeable


def test_ten_thousand_views_of_arrays(manager: Any) -> None:
    box = manager.dict(a=np.arange(10_000))
    views = [box.view("a")[number:] for number in range(10_000)]
    box["a"] = 1
    assert all(view[0] == number for number, view in enumerate(views))


def test_views_of_many_shapes_and_types(manager: Any) -> None:
    # More than are remembered, each seen often enough to be.
    box = manager.dict()
    for size in range(9_000, 9_300):
        for order in "CF":
            array = np.arange(2 * size, dtype="i4").reshape(2, size, order=order)
            box["a"] = array
            for _ in range(3):
                view, copy = box.view("a"), box["a"]
                assert view.strides == copy.strides == array.strides
                assert not view.flags.writeable and copy.flags.writeable
                assert np.array_equal(view, array) and np.array_equal(copy, array)


def test_the_error_is_the_same_where_numpy_must_not_be_imported(
    manager: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = manager.dict(a=range(3))
    monkeypatch.setitem(sys.modules, "numpy", None)
    with pytest.raises(TypeError, match="there are views of bytes"):
        values.view("a")
