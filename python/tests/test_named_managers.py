"""Managers that programs which are no relatives find by a name."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.waiting import eventually

import sharevar
from sharevar._family.reduction import handle_of
from sharevar.managers import NamedManager


@pytest.fixture
def name(request: pytest.FixtureRequest) -> Iterator[str]:
    """A name that no other test has."""
    made = f"test-{os.getpid()}-{request.node.originalname}"[:64]
    yield made
    if made in sharevar.manager_names():
        sharevar.remove_manager(made)


def program(source: str, *arguments: str) -> subprocess.Popen[str]:
    """A program of its own, which has nothing from this one but its arguments."""
    return subprocess.Popen(
        [sys.executable, "-c", "import sys, sharevar\n" + source, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def ended_well(child: subprocess.Popen[str]) -> None:
    child.communicate(timeout=50)
    assert child.returncode == 0


COUNT = """
manager = sharevar.Manager(name=sys.argv[1], capacity=1 << 24)
counts = manager.shared("counts", dict)
print("ready", flush=True)
sys.stdin.readline()
for _ in range(500):
    counts.incr("turns")
"""

HOLD = """
lock = sharevar.attach(sys.argv[1]).shared("lock", sharevar.Lock)
lock.acquire()
print("ready", flush=True)
sys.stdin.readline()
"""


def test_programs_count_in_one_dict(name: str) -> None:
    children = [program(COUNT, name) for _ in range(3)]
    for child in children:
        assert child.stdout is not None and child.stdout.readline() == "ready\n"
    manager = sharevar.attach(name)
    assert name in sharevar.manager_names()
    for child in children:
        ended_well(child)
    assert manager["counts"].copy() == {"turns": 1500}
    del manager
    with pytest.raises(sharevar.NoSuchManager, match=name):
        sharevar.attach(name)


def test_a_killed_program_gives_back_its_lock(name: str) -> None:
    manager = sharevar.Manager(name=name, capacity=1 << 24)
    lock = manager.shared("lock", sharevar.Lock)
    child = program(HOLD, name)
    assert child.stdout is not None and child.stdout.readline() == "ready\n"
    assert not lock.acquire(block=False)
    child.kill()
    child.communicate()
    assert lock.acquire(timeout=10)
    assert lock.owner_died


def test_variables_are_found_by_their_names(name: str) -> None:
    manager = sharevar.Manager(name=name, capacity=1 << 24)
    assert manager.variables() == []
    stock = manager.shared("stock", dict, apples=3)
    manager.shared("jobs", sharevar.Queue).put(1)
    manager.shared("limit", sharevar.BoundedSemaphore, 2)
    manager.shared("lock", sharevar.Lock)
    manager.shared("answer", int, 42)
    assert manager.variables() == ["stock", "jobs", "limit", "lock", "answer"]
    other = sharevar.attach(name)
    assert type(other["stock"]) is sharevar.DictProxy
    assert other["stock"].copy() == {"apples": 3} and "stock" in other and "other" not in other
    assert type(other["jobs"]) is sharevar.Queue and other["jobs"].get() == 1
    assert type(other["limit"]) is sharevar.BoundedSemaphore
    assert type(other["lock"]) is sharevar.Lock
    assert other["answer"].value == 42
    stock["nested"] = other.list([1])
    assert other["stock"]["nested"][:] == [1]
    with pytest.raises(KeyError, match="pears"):
        other["pears"]
    with pytest.raises(sharevar.WrongKind):
        other.shared("stock", list)


def test_what_is_kept_stays_until_it_is_removed(name: str) -> None:
    keep = "m = sharevar.Manager(name=sys.argv[1], lifetime='keep', capacity=1 << 24)\n"
    ended_well(program(keep + "m.shared('kept', list, [1, 2])", name))
    manager = sharevar.attach(name)
    kept = manager["kept"]
    assert kept[:] == [1, 2]
    sharevar.remove_manager(name)
    with pytest.raises(sharevar.ClosedError):
        kept.append(3)
    with pytest.raises(sharevar.NoSuchManager):
        sharevar.remove_manager(name)
    assert name not in sharevar.manager_names()
    assert sharevar.Manager(name=name, capacity=1 << 24).variables() == []


def test_leaving_ends_it_for_this_process_alone(name: str) -> None:
    with sharevar.Manager(name=name, capacity=1 << 24) as manager:
        assert isinstance(manager, NamedManager) and manager.name == name
        stock = manager.shared("stock", dict)
    with pytest.raises(AssertionError, match="not yet started"):
        manager.shared("stock", dict)
    stock["apples"] = 1
    again = sharevar.attach(name)
    assert again["stock"].copy() == {"apples": 1}
    again.shutdown()
    stock["apples"] = 2


def add(counts: Any, manager: NamedManager) -> None:
    counts.incr("turns")
    manager["counts"].incr("turns")


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_children_get_it_by_every_start_method(name: str, method: str) -> None:
    manager = sharevar.Manager(name=name, capacity=1 << 24)
    counts = manager.shared("counts", dict)
    context = multiprocessing.get_context(method)
    child = context.Process(target=add, args=(counts, manager))
    child.start()
    child.join(50)
    assert child.exitcode == 0
    assert counts.copy() == {"turns": 2}


def test_a_forked_child_is_missed_when_it_is_killed(name: str) -> None:
    manager = sharevar.Manager(name=name, capacity=1 << 24)
    lock, held = manager.shared("lock", sharevar.Lock), manager.shared("held", sharevar.Event)
    child = os.fork()
    if child == 0:
        lock.acquire()
        held.set()
        signal.pause()
    assert held.wait(50)
    assert not lock.acquire(block=False)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert lock.acquire(timeout=10)


def test_a_pickle_leads_to_it_in_any_program(name: str) -> None:
    manager = sharevar.Manager(name=name, capacity=1 << 24)
    stock = manager.shared("stock", dict)
    load = "pickle.loads(bytes.fromhex(sys.argv[1])).incr('apples')"
    pickled = pickle.dumps(stock)
    ended_well(program("import pickle\n" + load, pickled.hex()))
    assert stock.copy() == {"apples": 1}
    # Another manager of the name is not taken for it.
    sharevar.remove_manager(name)
    del stock, manager
    _another = sharevar.Manager(name=name, capacity=1 << 24)
    with pytest.raises(sharevar.ArenaGone, match="made anew"):
        pickle.loads(pickled)


def test_the_memory_goes_with_the_last_program(name: str) -> None:
    child = program(COUNT, name)
    assert child.stdout is not None and child.stdout.readline() == "ready\n"
    entry = Path(f"/dev/shm/sharevar-{os.geteuid()}") / name
    assert entry.exists()
    child.kill()
    child.communicate()
    eventually(lambda: name not in sharevar.manager_names())
    # An empty-looking entry is left of it, until the next process comes.
    with pytest.raises(sharevar.NoSuchManager):
        sharevar.attach(name)
    assert not entry.exists()


def test_what_is_wrong_is_said(name: str) -> None:
    for text in ("", ".hidden", "a/b", "ä"):
        with pytest.raises(sharevar.InvalidName, match="letters"):
            sharevar.Manager(name=text)
    assert issubclass(sharevar.InvalidName, ValueError)
    assert issubclass(sharevar.NoSuchManager, LookupError)
    unknown: Any = "forever"
    with pytest.raises(ValueError, match="forever"):
        sharevar.Manager(name=name, lifetime=unknown)
    untyped: Any = sharevar.Manager
    with pytest.raises(TypeError, match="lifetime"):
        untyped(lifetime="keep")


@pytest.mark.parametrize(
    ("method", "arguments", "other"),
    [
        ("list", ([1, 2],), "dict"),
        ("dict", ({"a": 1},), "list"),
        ("set", ([1],), "dict"),
        ("Namespace", (), "dict"),
        ("Value", ("i", 7), "list"),
        ("Array", ("i", [1, 2]), "list"),
        ("Lock", (), "RLock"),
        ("RLock", (), "Lock"),
        ("Semaphore", (2,), "Event"),
        ("BoundedSemaphore", (2,), "Event"),
        ("Event", (), "Semaphore"),
        ("Condition", (), "Event"),
        ("Barrier", (2,), "Event"),
        ("Queue", (), "list"),
        ("JoinableQueue", (), "list"),
        ("PriorityQueue", (), "list"),
    ],
)
def test_each_kind_by_its_method(
    name: str, method: str, arguments: tuple[Any, ...], other: str
) -> None:
    with sharevar.Manager(name=name) as first, sharevar.attach(name) as second:
        made = getattr(first, method)(*arguments, name="it")
        place = handle_of(made)
        assert handle_of(getattr(second, method)(*arguments, name="it")) == place
        assert handle_of(second["it"]) == place
        assert first.variables() == ["it"]
        # Without a name it is another one.
        assert handle_of(getattr(first, method)(*arguments)) != place
        with pytest.raises(sharevar.errors.WrongKind):
            getattr(second, other)(name="it")


def test_contents_come_from_the_first_process(name: str) -> None:
    with sharevar.Manager(name=name) as first, sharevar.attach(name) as second:
        assert first.dict({"a": 1}, name="stock").copy() == {"a": 1}
        assert second.dict({"a": 2}, name="stock")["a"] == 1
        assert first.Value("i", 7, name="box").value == 7
        assert first.Namespace(x=1, name="space").x == 1
        assert first.dict(named="a key").copy() == {"named": "a key"}
