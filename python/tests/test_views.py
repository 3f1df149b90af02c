"""Views of values: no copy, the bytes stay while a view lives, those of the killed end."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import sharevar

KIB = 1 << 10
MIB = 1 << 20
FORK = multiprocessing.get_context("fork")


@pytest.fixture
def manager() -> Iterator[Any]:
    with sharevar.Manager(capacity=24 * MIB) as manager:
        yield manager


def filled(number: int, size: int = MIB) -> bytes:
    return bytes([number]) * size


def filled_array(number: int, size: int = MIB) -> Any:
    return pytest.importorskip("numpy").full(size, number, dtype="u1")


# A view of each has items, and slices of the same memory.
of_each_type = pytest.mark.parametrize("make", [filled, filled_array])


def test_a_view_is_of_the_bytes_and_cannot_be_written(manager: Any) -> None:
    box, items = manager.dict(a=filled(1)), manager.list([filled(2), filled(3)])
    view = box.view("a")
    assert type(view) is memoryview and view.readonly and len(view) == MIB
    assert view == filled(1) and bytes(view[5:8]) == b"\1\1\1"
    with pytest.raises(TypeError):
        view[0] = 7
    assert [bytes(view) for view in items.views()] == items[:]
    assert items.view(-1) == filled(3)


def test_a_replaced_value_stays_until_its_last_view_is_gone(manager: Any) -> None:
    box = manager.dict(a=filled(1))
    view, again = box.view("a"), box.view("a")
    for number in range(2, 40):
        box["a"] = filled(number)
    assert view == again == filled(1) and box["a"] == filled(39)
    del view
    assert again == filled(1)
    del box["a"]
    del box
    gc.collect()
    manager.dict()
    assert again == filled(1)


def test_a_view_outlives_the_manager() -> None:
    manager = sharevar.Manager(capacity=8 * MIB)
    box = manager.dict(a=filled(1))
    view = box.view("a")
    del box
    manager.shutdown()
    del manager
    gc.collect()
    assert view == filled(1)


def test_values_that_are_short_or_no_bytes(manager: Any) -> None:
    box = manager.dict(
        short=b"abc", empty=b"", few=b"x" * 1000, text="x" * MIB, one=1, inner=manager.list()
    )
    box["set"], box["of none"] = frozenset([1]), frozenset(range(50_000))
    for key in ("short", "empty", "few"):
        assert box.view(key) == box[key] and box.view(key).readonly
        with pytest.raises(TypeError, match="copied"):
            box.view(key, writable=True)
    for key in ("text", "one", "inner", "set", "of none"):
        with pytest.raises(TypeError, match="buffer"):
            box.view(key)
    with pytest.raises(KeyError):
        box.view("none")
    with pytest.raises(IndexError):
        manager.list().view(0)


def test_an_engine_without_views_says_so() -> None:
    with sharevar.Manager("memory:") as manager:
        for view in (
            lambda: manager.dict(a=b"1").view("a"),
            lambda: manager.list([b"1"]).view(0),
        ):
            with pytest.raises(sharevar.Unsupported, match="view of a value"):
                view()


def test_a_reader_that_may_only_read_has_a_copy() -> None:
    name = f"views-{os.getpid()}"
    with sharevar.Manager(name=name) as manager:
        manager.dict(name="box")["a"] = filled(1)
        with sharevar.attach(name, read_only=True) as reader:
            view = reader["box"].view("a")
            manager["box"]["a"] = filled(2)
            assert view == filled(1)


def test_a_writable_view_is_seen_by_all(manager: Any) -> None:
    box = manager.dict(a=filled(0))

    def write() -> None:
        box.view("a", writable=True)[10:13] = b"abc"

    view = box.view("a")
    worker = FORK.Process(target=write)
    worker.start()
    worker.join()
    assert worker.exitcode == 0
    assert bytes(view[9:14]) == b"\0abc\0" == box["a"][9:14]


def test_a_forked_child_has_its_parents_views(manager: Any) -> None:
    box = manager.dict(a=filled(1))
    views = [box.view("a")]
    gone, checked = manager.Event(), manager.Event()

    def look() -> None:
        gone.wait()
        assert views[0] == filled(1)
        checked.set()

    worker = FORK.Process(target=look)
    worker.start()
    box["a"] = filled(2)
    views.pop().release()
    manager.list([filled(number) for number in range(5)])
    gone.set()
    worker.join()
    assert checked.is_set() and worker.exitcode == 0


def hold(box: Any, held: Any) -> None:
    views = [box.view("a")[5:] for _ in range(10)]
    held.set()
    signal.pause()
    del views


def hold_again_and_again(box: Any, held: Any) -> None:
    held.set()
    while True:
        view = box.view("a")
        assert view[0] == view[-1]
        del view


@of_each_type
@pytest.mark.parametrize("use", [hold, hold_again_and_again])
def test_the_views_of_killed_processes_are_given_back(
    manager: Any, use: Callable[[Any, Any], None], make: Callable[..., Any]
) -> None:
    box = manager.dict(a=make(1, 4 * MIB))
    for number in range(12):
        held = manager.Event()
        worker = FORK.Process(target=use, args=(box, held))
        worker.start()
        held.wait()
        os.kill(worker.pid or 0, signal.SIGKILL)
        worker.join()
        # There is no room for the values of all that were killed.
        box["a"] = make(number, 4 * MIB)
    assert bytes(box["a"]) == filled(11, 4 * MIB)


@of_each_type
def test_an_arena_that_is_full_of_viewed_values_is_full_and_no_more(
    manager: Any, make: Callable[..., Any]
) -> None:
    box, views = manager.dict(a=b"", n=0), []
    with pytest.raises(sharevar.OutOfSharedMemory):
        for number in range(100):
            box["a"] = make(number)
            # What is derived from a view keeps the value, too.
            views.append(box.view("a")[5:])
    assert len(views) > 10 and bytes(box["a"])[5:] == bytes(views[-1])
    assert all(bytes(view) == filled(number)[5:] for number, view in enumerate(views))
    box["n"] = 7
    views.clear()
    for number in range(40):
        box["a"] = make(number)
    box["b"] = make(201)
    assert bytes(box["a"]) == filled(39) and box["n"] == 7


def test_a_hundred_thousand_views(manager: Any) -> None:
    box = manager.dict(a=filled(1, 64 * KIB))
    views = [box.view("a") for _ in range(100_000)]
    del box["a"]
    assert views[0] == views[-1] == filled(1, 64 * KIB)
    del views
    many = manager.list([filled(number, 64 * KIB) for number in range(100)])
    pinned = [view for _ in range(10) for view in many.views()]
    many.clear()
    assert all(view[0] == number % 100 for number, view in enumerate(pinned))


def test_a_numpy_array_over_a_view(manager: Any) -> None:
    numpy = pytest.importorskip("numpy")
    box = manager.dict(a=numpy.arange(100_000).tobytes())
    array = numpy.frombuffer(box.view("a"), dtype=numpy.int64)
    del box["a"]
    assert array.sum() == sum(range(100_000)) and not array.flags.writeable
