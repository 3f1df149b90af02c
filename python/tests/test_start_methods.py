"""Variables handed to children, however these are started."""

from __future__ import annotations

import ctypes
import gc
import multiprocessing
import multiprocessing.spawn
import multiprocessing.util
import os
import pickle
import subprocess
import sys
from typing import Any

import pytest

import sharevar
from sharevar._family import family

pytestmark = pytest.mark.long


class Point(ctypes.Structure):
    _fields_ = [("x", ctypes.c_double), ("y", ctypes.c_int)]


def change_everything(
    table: Any, items: Any, box: Any, numbers: Any, lock: Any, value: Any, array: Any,
    point: Any,
) -> None:  # fmt: skip
    with lock:
        table["child"] = os.getpid()
        items.append("child")
        box.value += 1
        numbers[1] = 20
        value.value += 1
        array[1] = 2.5
        point.x += 1
        with value.get_lock():
            value.value += 1


def test_arguments_of_a_process(manager: Any, context: Any) -> None:
    table, items, box = manager.dict(), manager.list(["parent"]), manager.Value("i", 1)
    numbers, lock = manager.Array("i", [1, 2]), manager.Lock()
    value, array = sharevar.Value("i", 5), sharevar.Array("d", 3)
    point = sharevar.Value(Point, 1, 2)
    arguments = (table, items, box, numbers, lock, value, array, point)
    child = context.Process(target=change_everything, args=arguments)
    child.start()
    child.join()
    assert child.exitcode == 0
    assert table["child"] == child.pid
    assert items.copy() == ["parent", "child"]
    assert (box.value, list(numbers)) == (2, [1, 20])
    assert (value.value, array[:], point.x) == (7, [0, 2.5, 0], 2)
    assert not lock.locked()


def append_pid(rows: Any) -> None:
    rows[0].append(os.getpid())


def test_a_temporary_proxy_lives_until_the_child_has_it(
    manager: Any, context: Any
) -> None:
    seen = manager.list()
    child = context.Process(target=append_pid, args=(manager.list([seen]),))
    child.start()
    gc.collect()
    for _ in range(100):
        manager.list(range(10))
    child.join()
    assert seen.copy() == [child.pid]


def make_and_send(connection: Any, outer: Any) -> None:
    own = sharevar.Manager()
    items = own.list(["of the child"])
    outer.append("seen")
    connection.send(items)
    connection.recv()


def test_a_variable_of_a_childs_manager_is_reached(manager: Any, context: Any) -> None:
    ours, theirs = context.Pipe()
    outer = manager.list()
    child = context.Process(target=make_and_send, args=(theirs, outer))
    child.start()
    items = ours.recv()
    items.append("and of the parent")
    assert items.copy() == ["of the child", "and of the parent"]
    ours.send("go")
    child.join()
    # The child is gone; the memory is not, as long as a process uses it.
    assert items[0] == "of the child"
    assert outer.copy() == ["seen"]


def square_into(arguments: Any) -> int:
    table, number = arguments
    table[number] = number * number
    return os.getpid()


def test_a_pool_that_is_older_than_the_manager(context: Any) -> None:
    with context.Pool(2) as pool:
        pool.map(abs, range(4))
        with sharevar.Manager() as manager:
            table = manager.dict()
            pids = pool.map(square_into, [(table, number) for number in range(20)])
            assert os.getpid() not in pids
            assert table.copy() == {number: number * number for number in range(20)}
        pool.close()
        pool.join()


def put_into_queue(queue: Any, items: Any) -> None:
    queue.put(items)
    queue.close()
    queue.join_thread()


def test_proxies_travel_through_queues(manager: Any, context: Any) -> None:
    queue = context.Queue()
    items = manager.list([1])
    child = context.Process(target=put_into_queue, args=(queue, items))
    child.start()
    queue.get().append(2)
    child.join()
    assert items.copy() == [1, 2]
    queue.close()
    queue.join_thread()


def grandchild(items: Any, method: str) -> None:
    items.append("child")
    context = multiprocessing.get_context(method)
    process = context.Process(target=items.append, args=("grandchild",))
    process.start()
    process.join()


@pytest.mark.parametrize("inner", ["fork", "spawn", "forkserver"])
def test_grandchildren(manager: Any, context: Any, inner: str) -> None:
    if (context.get_start_method(), inner) == ("fork", "forkserver"):
        pytest.skip("multiprocessing waits for its parent's fork server there, in vain")
    items = manager.list()
    child = context.Process(target=grandchild, args=(items, inner))
    child.start()
    child.join()
    assert items.copy() == ["child", "grandchild"]


@pytest.mark.parametrize("first", ["", "import sys; "])
@pytest.mark.parametrize("more", [[], ["an argument", "and another"]])
def test_a_fork_server_is_told_however_it_is_started(first: str, more: list[str]) -> None:
    # Each version of Python has another command, and some have arguments behind it.
    command = (
        f"{first}from multiprocessing.forkserver import main; import os, sys;"
        " from sharevar._family import family; assert family._arena is not None;"
        " os.write(int(os.environ['ANSWER']), family.arena().id + repr(sys.argv).encode())"
    )
    reading, writing = os.pipe()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANSWER", str(writing))
        executable = multiprocessing.spawn.get_executable()
        arguments = [executable, "-c", command, *more]
        child = multiprocessing.util.spawnv_passfds(executable, arguments, [writing])
    os.close(writing)
    with open(reading, "rb") as answer:
        assert answer.read() == family.arena().id + repr(["-c", *more]).encode()
    assert os.waitpid(child, 0)[1] == 0


def read_from_stdin() -> None:
    try:
        print(pickle.load(sys.stdin.buffer))
    except sharevar.SharevarError as error:
        print(type(error).__name__)


def stranger(pickled: bytes) -> str:
    program = (
        f"import sys; sys.path[:] = {sys.path!r}; import test_start_methods as t;"
        " t.read_from_stdin()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], input=pickled, stdout=subprocess.PIPE
    )
    return done.stdout.decode().strip()


def test_a_late_reference_raises(manager: Any) -> None:
    items = manager.list([1])
    pickled = pickle.dumps(items)
    assert stranger(pickled) == "[1]"
    del items
    gc.collect()
    manager.list([2])
    with pytest.raises(sharevar.HandleExpired):
        pickle.loads(pickled)
    assert stranger(pickled) == "HandleExpired"


def test_a_reference_to_an_arena_that_is_gone_raises() -> None:
    program = (
        "import pickle, sys, sharevar\n"
        "m = sharevar.Manager()\n"
        "sys.stdout.buffer.write(pickle.dumps(m.list([1])))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE)
    with pytest.raises(sharevar.ArenaGone):
        pickle.loads(done.stdout)


def test_whatever_stands_at_the_place_is_not_believed(tmp_path: Any) -> None:
    from sharevar._family.arenas import ArenaReference, attach
    from sharevar._family.descriptors import DescriptorHolder, DescriptorReference

    with open(tmp_path / "other", "w+b") as other, sharevar.Manager() as manager:
        other.write(b"x" * (1 << 20))
        other.flush()
        reading, writing = os.pipe()
        holders = tuple(
            DescriptorHolder(os.getpid(), number)
            for number in (other.fileno(), reading, manager.arena.fileno(), 987654)
        )
        with pytest.raises(sharevar.ArenaGone):
            attach(ArenaReference(b"?" * 16, DescriptorReference(None, holders)))
        os.close(reading)
        os.close(writing)


def crash_in(items: Any) -> None:
    while True:
        items.append(os.getpid())
        items.pop()


@pytest.mark.one_version
def test_writers_that_are_killed_leave_whole_lists(manager: Any, context: Any) -> None:
    items = manager.list(["first"])
    for _ in range(5):
        writers = [context.Process(target=crash_in, args=(items,)) for _ in range(2)]
        for writer in writers:
            writer.start()
        while len(items) == 1:
            pass
        for writer in writers:
            writer.kill()
            writer.join()
        assert items[0] == "first"
        assert len(items) <= 3
        del items[1:]
    assert items.copy() == ["first"]


def test_a_fork_while_threads_are_busy(manager: Any) -> None:
    import threading

    fork = multiprocessing.get_context("fork")
    table, done = manager.dict(), threading.Event()

    def work() -> None:
        number = 0
        while not done.is_set():
            table[number % 50] = number
            number += 1

    thread = threading.Thread(target=work)
    thread.start()
    try:
        for _ in range(20):
            child = fork.Process(target=table.__setitem__, args=("child", 1))
            child.start()
            child.join()
            assert child.exitcode == 0
            assert table.pop("child") == 1
    finally:
        done.set()
        thread.join()
