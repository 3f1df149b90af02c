"""``sharevar.get_context`` and contexts handed to what takes one."""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from multiprocessing import context as standard_context
from multiprocessing import shared_memory
from typing import Any

import pytest

import sharevar


def test_the_start_method_is_the_one_asked_for(start_method: str) -> None:
    context = sharevar.get_context(start_method)
    assert context is sharevar.get_context(start_method)
    assert context.get_start_method() == start_method
    assert isinstance(context, type(multiprocessing.get_context(start_method)))
    assert context.Process is multiprocessing.get_context(start_method).Process
    assert context.get_context() is context
    assert context.get_context("spawn") is sharevar.get_context("spawn")
    assert type(pickle.loads(pickle.dumps(context))) is type(context)
    with pytest.raises(ValueError, match="concrete context"):
        context.set_start_method("spawn")


def test_the_default_is_that_of_multiprocessing() -> None:
    default = sharevar.get_context()
    assert default.get_start_method() == multiprocessing.get_start_method()
    for get in (sharevar.get_context, default.get_context):
        with pytest.raises(ValueError, match="cannot find context"):
            get("rocket")


def change(table: Any, value: Any, array: Any, raw: Any, lock: Any) -> None:
    with lock:
        table["pid"] = os.getpid()
        value.value += 1
        array[0] = 2.5
        raw.value = 7


def test_everything_of_a_context_is_ours(start_method: str) -> None:
    context = sharevar.get_context(start_method)
    value, array, raw = context.Value("i", 1), context.Array("d", 2), context.RawValue("i")
    lock = context.Lock()
    assert type(lock) is sharevar.Lock
    with context.Manager() as manager:
        assert type(manager) is sharevar.managers.SyncManager
        table = manager.dict()
        child = context.Process(target=change, args=(table, value, array, raw, lock))
        child.start()
        child.join()
        assert table["pid"] == child.pid
        with context.Pool(1) as pool:
            pool.starmap(change, [(table, value, array, raw, lock)])
        assert table["pid"] != child.pid
    assert (value.value, array[:], raw.value) == (3, [2.5, 0], 7)
    assert list(context.RawArray("i", [1, 2])) == [1, 2]


def test_a_managers_host_is_started_by_its_context(start_method: str) -> None:
    context = sharevar.get_context(start_method)
    process_name = type(context.Process()).__name__
    for manager in (context.Manager(), sharevar.Manager(ctx=context)):
        with manager:
            assert type(manager._host.start()._process).__name__ == process_name


def test_executors_take_our_contexts(start_method: str) -> None:
    context = sharevar.get_context(start_method)
    with (
        context.Manager() as manager,
        concurrent.futures.ProcessPoolExecutor(1, context) as executor,
    ):
        items = manager.list()
        for number in range(3):
            executor.submit(items.append, number).result()
        assert items.copy() == [0, 1, 2]


class OwnLock:
    """What a package has written for its own processes."""


class RegisteredContext(standard_context.SpawnContext):
    _name = "registered"
    __module__ = "package.of.others"

    def Lock(self) -> Any:
        return OwnLock()


@pytest.fixture
def registered() -> Iterator[RegisteredContext]:
    contexts: Any = standard_context._concrete_contexts  # type: ignore[attr-defined]
    contexts["registered"] = RegisteredContext()
    yield contexts["registered"]
    del contexts["registered"]


def test_a_context_that_a_package_has_registered(registered: Any) -> None:
    context = sharevar.get_context("registered")
    assert isinstance(context, RegisteredContext)
    assert context is sharevar.get_context("registered")
    assert context.get_start_method() == "registered"
    assert context.get_context() is context
    assert context.get_context("fork") is sharevar.get_context("fork")
    table, value, array, raw = (
        context.Manager().dict(), context.Value("i", 1), context.Array("d", 2),
        context.RawValue("i"),
    )  # fmt: skip
    lock = context.Lock()
    assert type(lock) is sharevar.Lock
    child = context.Process(target=change, args=(table, value, array, raw, lock))
    child.start()
    child.join()
    assert (child.exitcode, table["pid"], value.value) == (0, child.pid, 2)
    # As the package itself gets it.
    namespace = {"__name__": "package.elsewhere", "context": context}
    exec("lock = context.Lock()", namespace)
    assert type(namespace["lock"]) is OwnLock
    assert type(registered.Lock()) is OwnLock


def test_a_registered_context_that_is_the_default() -> None:
    program = (
        "import multiprocessing, multiprocessing.context as c, sharevar\n"
        "class Own(c.ForkContext): _name = 'own'\n"
        "c._concrete_contexts['own'] = Own()\n"
        "multiprocessing.set_start_method('own')\n"
        "context = sharevar.get_context()\n"
        "assert isinstance(context, Own), context\n"
        "assert type(context.Lock()) is sharevar.Lock\n"
    )
    assert subprocess.run([sys.executable, "-c", program], timeout=30).returncode == 0


def test_an_unknown_method_is_refused_as_in_the_standard_library() -> None:
    with pytest.raises(ValueError, match="cannot find context for 'nonsense'"):
        sharevar.get_context("nonsense")


def test_shared_memory_is_the_standard_one() -> None:
    assert sharevar.shared_memory.SharedMemory is shared_memory.SharedMemory
    with sharevar.managers.SharedMemoryManager() as manager:
        numbers = manager.ShareableList([1, 2])
        again = sharevar.shared_memory.ShareableList(name=numbers.shm.name)
        again[0] = 5
        assert numbers[0] == 5
        again.shm.close()


def test_every_name_of_multiprocessing_is_here() -> None:
    assert set(multiprocessing.__all__) <= set(sharevar.__all__)
    assert sharevar.Process is multiprocessing.Process
    with pytest.raises(pickle.PicklingError):
        sharevar.SimpleQueue().put(lambda: None)
    with sharevar.Manager() as manager, pytest.raises(TypeError, match="at most 1 argument"):
        manager.set(1, 2)


def test_the_submodules_that_a_standard_queue_imports_are_there_when_installed() -> None:
    program = "import multiprocessing as m; m.Queue(); m.queues.Queue, m.synchronize.Lock"
    command = [sys.executable, "-m", "sharevar", "-c", program]
    assert subprocess.run(command, timeout=30).returncode == 0
