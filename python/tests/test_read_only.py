"""Managers that a process has for reading only."""

from __future__ import annotations

import functools
import multiprocessing
import os
import pickle
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from support.waiting import eventually_raises

import sharevar


@pytest.fixture
def name(request: pytest.FixtureRequest) -> Iterator[str]:
    """A name that no other test has."""
    made = f"test-{os.getpid()}-{request.node.originalname}"[:64]
    yield made
    if made in sharevar.manager_names():
        sharevar.remove_manager(made)


@pytest.fixture
def shop(name: str) -> sharevar.managers.NamedManager:
    """A manager with a variable of each kind."""
    manager = sharevar.Manager(name=name, capacity=1 << 24)
    manager.dict({"a": 1, (1, 2): [3]}, name="dict")
    manager.list([1, 2, 3], name="list")
    manager.set([1, "b"], name="set")
    manager.Value("i", 4, name="value")
    manager.Array("i", [5, 6], name="array")
    manager.Namespace(name="space", x=7)
    manager.Queue(name="queue").put(8)
    manager.JoinableQueue(name="joinable").put(9)
    manager.PriorityQueue(name="ranked").put(10)
    manager.Lock(name="lock").acquire()
    manager.RLock(name="rlock")
    manager.Semaphore(2, name="semaphore")
    manager.BoundedSemaphore(2, name="bounded")
    manager.Event(name="event")
    manager.Condition(name="condition")
    manager.Barrier(2, name="barrier")
    return manager


def refused(operation: Callable[[], Any]) -> None:
    with pytest.raises(sharevar.ReadOnly, match="for reading only"):
        operation()


def test_every_kind_is_read(name: str, shop: Any) -> None:
    reading = sharevar.attach(name, read_only=True)
    assert sorted(reading.variables()) == sorted(shop.variables())
    d = reading["dict"]
    assert (d["a"], d[1, 2], d.get("b"), len(d), "a" in d) == (1, [3], None, 2, True)
    assert d.copy() == dict(d.items()) == {"a": 1, (1, 2): [3]} and list(d) == d.keys()
    items = reading["list"]
    assert items[:] == [1, 2, 3] and items[-1] == 3 and len(items) == 3 and items.index(2) == 1
    assert 4 not in items and 3 in items and items.count(1) == 1
    assert set(reading["set"]) == {1, "b"} and "b" in reading["set"]
    assert reading["value"].value == 4
    assert list(reading["array"]) == [5, 6] and reading["array"][1] == 6
    assert reading["space"].x == 7 and not hasattr(reading["space"], "y")
    assert [reading[queue].qsize() for queue in ("queue", "joinable", "ranked")] == [1, 1, 1]
    assert not reading["queue"].empty() and not reading["queue"].full()
    assert not reading["event"].is_set() and reading["barrier"].parties == 2
    for kind in shop.variables():
        assert repr(reading[kind]) and str(reading[kind])
    # By its kind, too, and as a global is asked for.
    assert reading.dict(name="dict")["a"] == reading.shared("dict", dict)["a"] == 1
    with pytest.raises(sharevar.WrongKind):
        reading.list(name="dict")
    with pytest.raises(KeyError):
        reading["absent"]


def test_no_kind_is_changed(name: str, shop: Any) -> None:
    reading = sharevar.attach(name, read_only=True)

    def states() -> dict[str, str]:
        return {kind: re.sub(" at 0x[0-9a-f]+", "", str(shop[kind])) for kind in names}

    names = shop.variables()
    before = states()
    d, items, elements = reading["dict"], reading["list"], reading["set"]
    for operation in (
        lambda: d.__setitem__("a", 2),
        lambda: d.__delitem__("a"),
        lambda: d.pop("a"),
        lambda: d.popitem(),
        lambda: d.clear(),
        lambda: d.update(a=2),
        lambda: d.setdefault("b", 2),
        lambda: d.incr("a"),
        lambda: items.append(4),
        lambda: items.extend([4]),
        lambda: items.insert(0, 4),
        lambda: items.__setitem__(0, 4),
        lambda: items.__delitem__(0),
        lambda: items.pop(),
        lambda: items.remove(1),
        lambda: items.sort(),
        lambda: items.reverse(),
        lambda: items.__iadd__([4]),
        lambda: elements.add(4),
        lambda: elements.discard(1),
        lambda: elements.clear(),
        lambda: setattr(reading["value"], "value", 5),
        lambda: reading["value"].incr(),
        lambda: reading["array"].__setitem__(0, 7),
        lambda: setattr(reading["space"], "x", 8),
        lambda: delattr(reading["space"], "x"),
        lambda: reading["queue"].put(1),
        lambda: reading["queue"].get(),
        lambda: reading["queue"].get_nowait(),
        lambda: reading["joinable"].task_done(),
        lambda: reading["ranked"].put(1),
        lambda: reading["ranked"].get(timeout=1),
        lambda: reading["lock"].acquire(),
        lambda: reading["lock"].acquire(False),
        lambda: reading["lock"].release(),
        lambda: reading["rlock"].acquire(),
        lambda: reading["semaphore"].acquire(),
        lambda: reading["bounded"].release(),
        lambda: reading["event"].set(),
        lambda: reading["event"].wait(),
        lambda: reading["barrier"].wait(),
        lambda: reading.dict(),
        lambda: reading.list(name="absent"),
        lambda: reading.shared("absent", int),
        lambda: reading.Lock(name="absent"),
        lambda: reading.arena.sweep(),
    ):
        refused(operation)
    assert states() == before and shop.variables() == names


READS = """
import pickle, sys, sharevar
reading = pickle.loads(bytes.fromhex(sys.argv[1]))
print(list(reading))
try:
    reading.append(4)
except sharevar.ReadOnly:
    print("refused")
"""


def append(items: Any, answers: Any) -> None:
    try:
        items.append(4)
    except sharevar.ReadOnly:
        answers.put(list(items))


def test_other_processes_read_as_this_one_does(name: str, shop: Any, start_method: str) -> None:
    reading = sharevar.attach(name, read_only=True)
    # This process has it for writing, too, by another attachment.
    shop["list"].append(0)
    context = multiprocessing.get_context(start_method)
    answers = context.Queue()
    child = context.Process(target=append, args=(reading["list"], answers))
    child.start()
    assert answers.get(timeout=50) == [1, 2, 3, 0]
    child.join()
    done = subprocess.run(
        [sys.executable, "-c", READS, pickle.dumps(reading["list"]).hex()],
        capture_output=True,
        text=True,
        timeout=50,
    )
    assert done.stdout == "[1, 2, 3, 0]\nrefused\n", done.stderr
    refused(lambda: pickle.loads(pickle.dumps(reading))["list"].append(4))
    shop["list"].append(1)
    assert reading["list"][-1] == 1


KEEPS = """
import sys, sharevar
reading = sharevar.attach(sys.argv[1], read_only=True)
print("ready", flush=True)
sys.stdin.readline()
print(reading["list"][:])
"""


def test_a_reader_keeps_the_manager(name: str) -> None:
    manager = sharevar.Manager(name=name, capacity=1 << 24)
    manager.list([1], name="list")
    with subprocess.Popen(
        [sys.executable, "-c", KEEPS, name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None and child.stdout.readline() == "ready\n"
        del manager
        assert sharevar.attach(name)["list"][:] == [1]
        output, _ = child.communicate("\n", timeout=50)
    assert output == "[1]\n"
    # A command that lists all managers of this user has each for a moment.
    eventually_raises(
        sharevar.NoSuchManager, lambda: sharevar.attach(name, read_only=True)
    )


@pytest.mark.parametrize("kind", ["queue", "joinable", "ranked"])
def test_a_queue_has_no_descriptor(name: str, shop: Any, kind: str) -> None:
    reading = sharevar.attach(name, read_only=True)
    refused(reading[kind].fileno)


WRITES = """
import sharevar, sys
name = sys.argv[1]
reading = sharevar.attach(name, read_only=True, pickle=True)
for write in (
    lambda: setattr(reading["number"], "value", 7),
    lambda: reading["numbers"].__setitem__(0, 7),
    lambda: reading["parts"]["append"](7),
    lambda: reading["account"].value.grow(),
    lambda: reading.shared("number", sharevar.Value, "i"),
    lambda: reading.shared("number", sharevar.Value, "d"),
    lambda: reading.shared("rust", sharevar.Array, "d", 2),
):
    try:
        write()
    except sharevar.ReadOnly:
        pass
    else:
        raise AssertionError("it has written")
assert list(reading.arena.find("number")) == [3]
assert reading["account"].value.size == 1
assert reading.info().processes == (int(sys.argv[2]),)
assert list(reading.shared("rust", lambda: 1)) == [0.0, 0.0]
"""


@sharevar.monitor
class Account:
    def __init__(self) -> None:
        self.size = 1

    def grow(self) -> None:
        self.size += 1


def test_a_process_may_have_it_for_writing_too(name: str) -> None:
    with sharevar.Manager(name=name, capacity=1 << 24, pickle=True) as manager:
        items = manager.list([1])
        manager.dict({"append": functools.partial(type(items).append, items)}, name="parts")
        reading = sharevar.attach(name, read_only=True, pickle=True)
        with pytest.raises(sharevar.ReadOnly):
            reading["parts"]["append"](7)
        manager["parts"]["append"](7)
        assert items[:] == [1, 7]
        # What another process sends is as it was there, in any order.
        for sent in ((reading["parts"], items), (items, reading["parts"])):
            code = "import pickle, sys; pickle.loads(bytes.fromhex(sys.argv[1]))"
            which = sent.index(items)
            subprocess.run(
                [sys.executable, "-c", f"{code}[{which}].append(8)", pickle.dumps(sent).hex()],
                check=True,
                timeout=50,
            )
        assert items[:] == [1, 7, 8, 8]


def test_what_a_pickle_refers_to_is_read_only_too(name: str) -> None:
    with sharevar.Manager(name=name, capacity=1 << 24, pickle=True) as manager:
        manager.shared("number", sharevar.Value, "i", 3)
        manager.shared("numbers", sharevar.RawArray, "i", [3])
        manager.shared("account", Account)
        manager.arena.named("rust", sharevar.ArrayProxy, "d", 2)
        items = manager.list([1])
        # A pickle, in which the list is a reference.
        manager.dict({"append": functools.partial(type(items).append, items)}, name="parts")
        done = subprocess.run(
            [sys.executable, "-c", WRITES, name, str(os.getpid())],
            env={**os.environ, "PYTHONPATH": os.path.dirname(__file__)},
            capture_output=True,
            text=True,
            timeout=50,
        )
        assert done.returncode == 0, done.stderr
        assert manager["number"].value == 3 and items[:] == [1]
        assert manager["account"].value.size == 1
