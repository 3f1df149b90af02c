"""Arrays that are made in shared memory: one memory in all processes, of any type and shape."""

from __future__ import annotations

import copy
import gc
import multiprocessing
import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest

import sharevar

np = pytest.importorskip("numpy")

FORK = multiprocessing.get_context("fork")
RECORD = [("x", "f4"), ("label", "U3"), ("seen", "?")]


@pytest.fixture(scope="module")
def manager() -> Iterator[Any]:
    with sharevar.Manager() as manager:
        yield manager


@pytest.mark.parametrize("shape", [5, (), (0, 3), (3, 4), (2, 3, 4), [6], np.int64(7)])
@pytest.mark.parametrize("dtype", [float, "i8", ">i4", "?", "c16", "M8[s]", "U5", RECORD])
def test_it_is_the_array_that_zeros_makes(manager: Any, shape: Any, dtype: Any) -> None:
    shared = manager.array(shape, dtype)
    array, plain = shared.numpy(), np.zeros(shape, dtype)
    assert type(array) is np.ndarray and array.flags.writeable and array.flags.c_contiguous
    assert (array.shape, array.dtype, array.tobytes()) == (
        plain.shape, plain.dtype, plain.tobytes(),
    )  # fmt: skip
    assert (shared.shape, shared.dtype) == (plain.shape, plain.dtype)


def test_it_is_used_as_an_array(manager: Any) -> None:
    shared = manager.array((3, 4), "i4")
    shared[1] = [1, 2, 3, 4]
    assert len(shared) == 3 and shared[1, 2] == 3
    assert [row.sum() for row in shared] == [0, 10, 0]
    assert np.asarray(shared).sum() == 10 and (shared.numpy() + 1).sum() == 22
    assert np.shares_memory(np.asarray(shared), shared.numpy())
    assert not np.shares_memory(np.array(shared), shared.numpy())
    assert np.asarray(shared, dtype=float).dtype == float
    assert shared.memory[4:8].tolist() == [1, 2, 3, 4] and shared.memory._typecode == "i"
    assert "(3, 4)" in repr(shared)
    for dtype in (object, "V0", [("any", object)]):
        with pytest.raises(TypeError, match="fixed size"):
            manager.array(3, dtype)
    with pytest.raises(ValueError, match="negative"):
        manager.array((3, -1))
    with pytest.raises(sharevar.OutOfSharedMemory):
        manager.array((1 << 40, 1 << 20), "u1")


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_it_travels_to_children(manager: Any, method: str) -> None:
    shared = manager.array((2, 1000), RECORD)
    child = multiprocessing.get_context(method).Process(target=fill, args=(shared,))
    child.start()
    child.join()
    assert child.exitcode == 0
    assert (shared.numpy()["x"] == 1.5).all() and shared.numpy()[1, 3]["label"] == "abc"


def fill(shared: Any) -> None:
    array = shared.numpy()
    array["x"], array["label"] = 1.5, "abc"


def test_it_is_a_value_of_variables(manager: Any) -> None:
    shared = manager.array(100)
    box = manager.dict(a=shared, b=[shared, 1])
    del shared
    gc.collect()
    box["a"].numpy()[3] = 7
    assert box["b"][0].numpy()[3] == 7
    array = box["a"].numpy()
    box.clear()
    gc.collect()
    manager.list([bytes(1000)] * 10)
    assert array[3] == 7 and array.sum() == 7


def test_it_has_a_name() -> None:
    name = f"shared-array-{os.getpid()}"
    with sharevar.Manager(name=name) as manager:
        manager.array((3, 4), "f4", name="grid").numpy()[1, 1] = 2
        with sharevar.attach(name) as other:
            assert other.array((3, 4), "f4", name="grid").numpy()[1, 1] == 2
            assert other["grid"][5] == 2
            for shape, dtype in (((3, 5), "f4"), ((3, 4), "i4")):
                with pytest.raises(ValueError, match="this one has 12 of 'f'"):
                    other.array(shape, dtype, name="grid")
            with pytest.raises(sharevar.PickleRefused):
                other.dict(name="box")["a"] = other.array(3)


def test_an_array_of_another_name_for_the_type_is_the_same(manager: Any) -> None:
    # Rust calls what NumPy calls 'l' a 'q'.
    for letter, dtype in (("q", np.int64), ("Q", np.uint64), ("l", "q"), ("L", "Q")):
        memory = manager.Array(letter, [1, 2, 3, 4])
        assert sharevar.SharedArray(memory, (2, 2), dtype).numpy().tolist() == [[1, 2], [3, 4]]


def test_a_deep_copy_is_a_plain_array(manager: Any) -> None:
    shared = manager.array(3)
    copied = copy.deepcopy({"a": shared})["a"]
    copied[0] = 5
    assert type(copied) is np.ndarray and shared[0] == 0


@pytest.mark.parametrize("shape", [(2.9, 3), "34", 2.5, (None,)])
def test_a_shape_has_whole_numbers(manager: Any, shape: Any) -> None:
    with pytest.raises(TypeError):
        manager.array(shape)


def test_an_engine_without_memory_says_so() -> None:
    with sharevar.Manager("memory:") as manager:
        with pytest.raises(BufferError, match="view of an array"):
            manager.array(3).numpy()


def test_a_process_that_is_killed_gives_it_back() -> None:
    with sharevar.Manager(capacity=16 << 20) as manager:
        for _ in range(12):
            started = manager.Event()

            def hold(started: Any = started) -> None:
                array = manager.array(4 << 20, "u1").numpy()
                array[:] = 1
                started.set()
                signal.pause()

            worker = FORK.Process(target=hold)
            worker.start()
            started.wait()
            os.kill(worker.pid or 0, signal.SIGKILL)
            worker.join()
        assert manager.array(4 << 20, "u1").numpy().sum() == 0
