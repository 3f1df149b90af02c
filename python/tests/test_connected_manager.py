"""Managers of another engine than shared memory: what the tests of the kinds do not look at."""

from __future__ import annotations

import multiprocessing
import pickle
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

import sharevar

fork = multiprocessing.get_context("fork")


@pytest.fixture
def memory() -> Iterator[Any]:
    with sharevar.Manager("memory:") as manager:
        yield manager


def test_names_lead_to_one_variable(memory: Any) -> None:
    stock = memory.dict(name="stock", apples=3)
    memory.dict(name="stock")["pears"] = 1
    assert stock.copy() == {"apples": 3, "pears": 1}
    assert memory.shared("visits", int).incr() == 1
    assert memory["visits"].value == 1 and "visits" in memory and "x" not in memory
    with memory.Lock(name="door"):
        assert memory.Lock(name="door").locked()
    assert memory.variables() == ["stock", "visits", "door"]
    with pytest.raises(KeyError):
        memory["x"]
    with pytest.raises(sharevar.WrongKind):
        memory.list(name="stock")


def test_each_call_is_a_home_of_its_own(memory: Any) -> None:
    with sharevar.Manager("memory:") as other:
        assert other.store.id != memory.store.id and other.address == "memory:"
        memory.list(name="a")
        assert other.variables() == []
        # A variable of another home goes by reference, as a value of its own.
        inner = other.list([1])
        outer = memory.list([inner])
        outer[0].append(2)
        assert inner[:] == [1, 2]


def test_variables_hold_each_other_and_keep_their_classes(memory: Any) -> None:
    inner, queue, box = memory.list([1]), memory.JoinableQueue(), memory.Value("i", 1)
    outer = memory.dict(inner=inner, queue=queue, box=box)
    outer["inner"].append(2)
    assert outer["inner"][:] == [1, 2]
    assert type(outer["queue"]) is sharevar.JoinableQueueProxy
    assert type(outer["box"]) is sharevar.ValueProxy
    assert outer["inner"].store is memory.store
    nested = memory.list([{"deep": (outer, memory.set({1}))}])
    assert nested[0]["deep"][0]["box"].value == 1 and nested[0]["deep"][1].copy() == {1}
    assert pickle.loads(pickle.dumps(outer))["inner"][:] == [1, 2]


def test_after_shutdown_operations_say_so() -> None:
    manager = sharevar.Manager("memory:")
    numbers, lock = manager.list([1]), manager.Lock()
    lock.acquire()
    told = []

    def wait() -> None:
        with pytest.raises(sharevar.ClosedError):
            lock.acquire()
        told.append(True)

    waiter = threading.Thread(target=wait)
    waiter.start()
    manager.shutdown()
    waiter.join()
    assert told == [True]
    for operation in (numbers.pop, lock.release, lambda: len(numbers)):
        with pytest.raises(sharevar.ClosedError):
            operation()
    with pytest.raises(AssertionError, match="not yet started"):
        manager.list()
    manager.shutdown()


def test_operations_of_shared_memory_alone_are_refused(memory: Any) -> None:
    queue, array = memory.Queue(), memory.Array("i", [1, 2])
    refused = (
        queue.fileno,
        lambda: memory.list()._token,
    )
    for operation in refused:
        with pytest.raises(sharevar.Unsupported, match="use a manager of shared") as told:
            operation()
        assert isinstance(told.value, NotImplementedError) and told.value.happened is False
    with pytest.raises(BufferError, match="memory has no view of an array"):
        memoryview(array)
    assert not hasattr(memory, "register") and not hasattr(memory, "Pool")


def test_an_address_that_no_engine_has() -> None:
    for address in ("nowhere://place", "memory", "memory:x", ""):
        with pytest.raises(sharevar.NoEngine, match="no engine is registered") as told:
            sharevar.Manager(address)
        assert isinstance(told.value, ValueError)
    with pytest.raises(TypeError, match="pickle and durability only"):
        sharevar.Manager("memory:", capacity=1 << 20)  # type: ignore[call-overload]
    for address in ("memory:", "redis://nowhere/0?namespace=shop"):
        with pytest.raises(TypeError, match="pickle and durability only"):
            sharevar.Manager(address, load="shop.dump")  # type: ignore[call-overload]


def used_in_a_child(numbers: Any, connection: Any) -> None:
    try:
        numbers.append(1)
    except sharevar.Unsupported as error:
        connection.send(str(error))


def test_a_forked_child_is_told_that_its_copy_is_none(memory: Any) -> None:
    numbers = memory.list()
    ours, theirs = fork.Pipe()
    child = fork.Process(target=used_in_a_child, args=(numbers, theirs))
    child.start()
    assert "no variables for other processes; use a manager of shared memory" in ours.recv()
    child.join()
    assert numbers[:] == []


def test_another_program_is_told_where_the_variable_is(memory: Any) -> None:
    program = (
        "import pickle, sys\n"
        "try:\n"
        "    pickle.loads(bytes.fromhex(sys.argv[1]))\n"
        "except NotImplementedError as error:\n"
        "    print(error)\n"
    )
    reference = pickle.dumps(memory.list()).hex()
    told = subprocess.run(
        [sys.executable, "-c", program, reference], capture_output=True, text=True, check=True
    )
    assert "kept in the memory of another one" in told.stdout


def test_no_shared_memory_is_made() -> None:
    program = (
        "import sharevar\n"
        "with sharevar.Manager('memory:') as manager:\n"
        "    items, lock = manager.Queue(), manager.Lock()\n"
        "    items.put((1, 'two', lock))\n"
        "    with manager.Condition(lock):\n"
        "        assert isinstance(items.get()[2], sharevar.Lock)\n"
        "    str(lock), repr(lock), manager.Barrier(1).wait()\n"
        "assert sharevar._family.family._arena is None\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
