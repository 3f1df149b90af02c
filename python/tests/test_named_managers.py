"""Managers that programs which are no relatives find by a name."""

from __future__ import annotations

import datetime
import decimal
import fractions
import functools
import multiprocessing
import os
import pickle
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.waiting import eventually, eventually_raises

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
    # A command that lists all managers of this user has each for a moment.
    eventually_raises(sharevar.NoSuchManager, lambda: sharevar.attach(name))
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
    eventually_raises(sharevar.NoSuchManager, lambda: sharevar.attach(name))
    assert not entry.exists()


def test_what_is_wrong_is_said(name: str) -> None:
    for text in ("", ".hidden", "a/b", "ä"):
        with pytest.raises(sharevar.InvalidName, match="letters"):
            sharevar.Manager(name=text)
    surrogate = "a\udcff"
    for ask in (
        lambda: sharevar.Manager(name=surrogate),
        lambda: sharevar.attach(surrogate),
        lambda: sharevar.attach(surrogate, read_only=True),
        lambda: sharevar.remove_manager(surrogate),
        lambda: sharevar.shared("stock", dict, app=surrogate),
    ):
        with pytest.raises(sharevar.InvalidName, match=r"'a\\udcff' is no name .* letters"):
            ask()
    assert issubclass(sharevar.InvalidName, ValueError)
    assert issubclass(sharevar.NoSuchManager, LookupError)
    unknown: Any = "forever"
    with pytest.raises(ValueError, match="forever"):
        sharevar.Manager(name=name, lifetime=unknown)
    untyped: Any = sharevar.Manager
    with pytest.raises(TypeError, match="lifetime"):
        untyped(lifetime="keep")


@pytest.mark.parametrize("app", ["no name", "a\udcff"])
def test_a_bad_name_in_the_environment_is_said_to_be_there(
    app: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHAREVAR_APP", app)
    with pytest.raises(sharevar.InvalidName, match=r"SHAREVAR_APP in the .* letters"):
        sharevar.shared("stock", dict)
    # The program's own mistake is no fault of the environment.
    with pytest.raises(sharevar.InvalidName) as caught:
        sharevar.shared("stock", dict, app="a b")
    assert "SHAREVAR_APP" not in str(caught.value)


def test_a_manager_that_lives_while_it_is_used_is_not_taken_for_a_kept_one(
    name: str, tmp_path: Path
) -> None:
    manager = sharevar.Manager(name=name, capacity=1 << 24)
    # No dump is read where there is a manager.
    for load in (None, tmp_path / "missing"):
        with pytest.raises(sharevar.NotKept, match=f"while_used.*sharevar rm {name}"):
            sharevar.Manager(name=name, lifetime="keep", load=load)
    assert manager.info().lifetime == "while_used"
    manager.dict(name="stock")["apples"] = 3
    assert sharevar.Manager(name=name)["stock"]["apples"] == 3
    assert sharevar.Manager(name=name, lifetime="while_used")["stock"]["apples"] == 3
    sharevar.remove_manager(name)
    assert sharevar.Manager(name=name, lifetime="keep", capacity=1 << 24).variables() == []
    # Those who ask for nothing, or for less, take what is there.
    assert sharevar.Manager(name=name).info().lifetime == "keep"
    assert sharevar.Manager(name=name, lifetime="while_used").info().lifetime == "keep"
    assert sharevar.Manager(name=name, lifetime="keep").info().lifetime == "keep"


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


def test_kinds_have_the_same_names_in_all_errors(name: str) -> None:
    with sharevar.Manager(name=name, capacity=1 << 24) as manager:
        manager.JoinableQueue(name="tasks")
        for other, found, expected in (
            (sharevar.Queue, "joinable queue", "process queue"),
            (sharevar.BoundedSemaphore, "joinable queue", "bounded semaphore"),
            (int, "joinable queue", "value"),
            (sharevar.RawArray, "joinable queue", "array without a lock"),
        ):
            with pytest.raises(sharevar.WrongKind) as caught:
                manager.shared("tasks", other)
            text = f"the kind of the shared variable 'tasks' is {found}, not {expected}"
            assert str(caught.value) == text
        # Made as a program in Rust does it.
        manager.arena.named("rust", sharevar.ListProxy)
        with pytest.raises(sharevar.WrongKind, match="kind is list, not dict"):
            manager.dict(name="rust")


ENDS = {"ends": "", "dies": "import os; os._exit(0)"}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("kind", ["Lock", "RLock", "Semaphore"])
def test_a_process_that_has_ended_is_no_holder(name: str, end: str, kind: str) -> None:
    with sharevar.Manager(name=name, capacity=1 << 24) as manager:
        lock = getattr(manager, kind)(name="lock")
        holds = f"lock = sharevar.attach(sys.argv[1])['lock']; lock.acquire(); {ENDS[end]}"
        ended_well(program(holds, name))
        info = lock.info().lock
        is_held = end == "ends" and kind != "RLock"
        assert (info.holders, info.is_left_held) == ((), is_held and kind == "Lock")
        assert lock.acquire(block=False) is not is_held
        if is_held:
            lock.release()
            assert lock.acquire(block=False)
        [holder] = lock.info().lock.holders if not is_held or kind == "Lock" else [None]
        assert holder is None or holder.process == os.getpid()


def test_a_lock_may_be_given_back_by_the_end_of_its_holder(name: str) -> None:
    with sharevar.Manager(name=name, capacity=1 << 24) as manager:
        locks = {
            "lock": manager.Lock(owned=True, name="lock"),
            "shared": manager.shared("shared", sharevar.Lock, owned=True),
            "units": manager.Semaphore(1, owned=True, name="units"),
            "bounded": manager.BoundedSemaphore(1, owned=True, name="bounded"),
        }
        for each, lock in locks.items():
            holds = f"sharevar.attach(sys.argv[1])[{each!r}].acquire()"
            ended_well(program(holds, name))
            assert lock.acquire(block=False), each
        unnamed = sharevar.Manager()
        assert unnamed.Lock(owned=False).acquire() and unnamed.Semaphore(owned=True).acquire()


REMADE: dict[str, tuple[Any, ...]] = {
    "dict": ({"a": 1},),
    "list": ([1, 2],),
    "set": ([1],),
    "Value": ("i", 5),
    "Array": ("i", [1, 2]),
    "Semaphore": (3,),
    "BoundedSemaphore": (3,),
    "Barrier": (2,),
    "Queue": (4,),
}


@pytest.mark.parametrize("kind", REMADE)
def test_a_variable_whose_name_was_taken_away_is_made_anew(name: str, kind: str) -> None:
    command = [Path(sys.executable).parent / "sharevar", "del", name, "it"]
    with sharevar.Manager(name=name, capacity=1 << 24, pickle=True) as manager:

        def state() -> str:
            made = getattr(manager, kind)(*REMADE[kind], name="it")
            return str(getattr(made, "maxsize", getattr(made, "parties", made)))

        before = state()
        for _ in range(2):
            subprocess.run(command, check=True, timeout=50)
            assert manager.variables() == []
            with pytest.raises(KeyError):
                manager["it"]
            assert state() == before
        subprocess.run(command, check=True, timeout=50)
        assert manager.shared("it", sharevar.Value, "i", 3).value == 3
        subprocess.run(command, check=True, timeout=50)
        assert manager.shared("it", list, [7])[:] == [7]


# Of each class that is no value of MessagePack: one that may be a key.
KEYS: tuple[Any, ...] = (
    1 << 80, float("inf"), b"bytes", (1, "a"), "\ud800",
    datetime.date(2020, 2, 3), datetime.datetime(2020, 2, 3), datetime.timedelta(1),
    uuid.UUID(int=5), fractions.Fraction(1, 3), decimal.Decimal("1.5"), complex(1, 2),
    Path("/a/b"), frozenset({1, 2}), range(3), socket.AF_INET, dict,
    (datetime.date(2020, 2, 3), 1), frozenset({datetime.date(2020, 2, 3)}),
)  # fmt: skip


def test_a_dump_has_keys_of_all_classes(name: str, tmp_path: Path) -> None:
    with sharevar.Manager(name=name, capacity=1 << 24, pickle=True) as manager:
        manager.dict({key: number for number, key in enumerate(KEYS)}, name="dict")
        manager.set(KEYS, name="set")
        manager.dump(tmp_path / "dump")
        again = f"{name[:50]}-again"
        with sharevar.Manager(name=again, load=tmp_path / "dump", pickle=True) as loaded:
            for number, key in enumerate(KEYS):
                assert loaded["dict"][key] == number and key in loaded["set"]
            assert loaded["dict"].copy() == manager["dict"].copy()
            assert loaded["set"].copy() == set(KEYS)
            sharevar.remove_manager(again)


def test_an_entry_without_a_variable_counts_for_nothing(name: str) -> None:
    with sharevar.Manager(name=name, capacity=1 << 24, pickle=True) as manager:
        # As it is left on a server, or by one that asks while the name is taken away.
        entries = manager.arena.named("sharevar:filled", sharevar.DictProxy)
        entries["it"] = "DictProxy"
        with pytest.raises(KeyError):
            manager["it"]
        assert manager.dict({"a": 1}, name="it").copy() == {"a": 1}
        entries["other"] = "ListProxy"
        assert manager.shared("other", sharevar.Value, "i", 3).value == 3


ASKS = """
manager = sharevar.attach(sys.argv[1], pickle=True)
print("ready", flush=True)
while sharevar.manager_names().count(sys.argv[1]):
    try:
        assert manager.dict({"a": 1}, name="dict").copy() == {"a": 1}
        assert manager.Semaphore(3, name="units").get_value() == 3
        assert manager.shared("number", sharevar.Value, "i", 5).value == 5
        manager["dict"]
    except (KeyError, sharevar.HandleExpired):
        # It was taken away at that moment.
        pass
    except sharevar.ClosedError:
        break
"""


def test_names_are_taken_away_beside_those_who_ask(name: str) -> None:
    command = Path(sys.executable).parent / "sharevar"
    with sharevar.Manager(name=name, capacity=1 << 24, pickle=True):
        asking = [program(ASKS, name) for _ in range(2)]
        for child in asking:
            assert child.stdout is not None and child.stdout.readline() == "ready\n"
        gone, until = set(), time.monotonic() + 40
        while gone != {"dict", "units", "number"}:
            assert time.monotonic() < until, gone
            for each in ("dict", "units", "number"):
                done = subprocess.run([command, "del", name, each], capture_output=True)
                # No process may have made it anew so soon.
                assert done.returncode == 0 or b"has no variable" in done.stderr, done.stderr
                gone.update([each] if done.returncode == 0 else [])
        assert all(child.poll() is None for child in asking)
        sharevar.remove_manager(name)
        for child in asking:
            ended_well(child)


def test_an_object_that_is_elsewhere_and_gone_is_made_anew(name: str) -> None:
    with sharevar.Manager(name=name, capacity=1 << 24, pickle=True) as manager:
        elsewhere = sharevar.Manager()
        made = manager.shared("it", elsewhere.dict, a=1)
        assert manager["it"].copy() == made.copy() == {"a": 1}
        elsewhere.shutdown()
        del elsewhere, made
        # Another process may have it still.
        for ask in (lambda: manager["it"], lambda: manager.shared("it", dict)):
            with pytest.raises(sharevar.ArenaGone, match=r"'it' is elsewhere.*sharevar del"):
                ask()
        assert manager.variables() == ["it"]
        command = Path(sys.executable).parent / "sharevar"
        subprocess.run([command, "del", name, "it"], check=True, timeout=50)
        assert manager.shared("it", dict, {"b": 2}).copy() == {"b": 2}
        other = sharevar.Manager(name=f"{name[:50]}-other")
        manager.shared("other", other.dict, a=1)
        sharevar.remove_manager(other.name)
        del other
        assert manager.shared("other", list, [1])[:] == [1]


def test_objects_over_one_memory_have_one_lock(name: str) -> None:
    with sharevar.Manager(name=name, capacity=1 << 24, pickle=True) as manager:
        made = manager.shared("number", sharevar.Value, "i", 5)
        # As a process does that is killed in the middle of `sharevar del`.
        manager.arena.named("sharevar:filled", sharevar.DictProxy).pop("number")
        again = manager.shared("number", sharevar.Value, "i", 0)
        assert again.value == 5
        source = "lock = sharevar.attach(sys.argv[1], pickle=True)['number'].get_lock()"
        with made.get_lock():
            ended_well(program(f"{source}; assert not lock.acquire(block=False)", name))


def test_a_dump_goes_into_files_alone_and_names_what_it_cannot_have(
    name: str, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "dump")
    with sharevar.Manager(name=name, capacity=1 << 24, pickle=True) as manager:
        number = manager.shared("number", sharevar.Value, "i", 3)
        with pytest.raises(OSError, match="something else than a file"):
            manager.dump(tmp_path / "pipe")
        for _ in range(2):
            manager.dump(tmp_path / "dump")
        manager.dump(tmp_path / "link")
        assert (tmp_path / "link").is_symlink() and (tmp_path / "pipe").is_fifo()
        number.value = 4
        load = tmp_path / "link"
        with sharevar.Manager(name=f"{name[:50]}-again", load=load, pickle=True) as again:
            assert again.shared("number", sharevar.Value, "i").value == 3
            sharevar.remove_manager(again.name)
        items = manager.list()
        manager.dict({"kept": functools.partial(len, items)}, name="partial")
        with pytest.raises(sharevar.NotDumpable, match='in the variable "partial"'):
            manager.dump(tmp_path / "dump")


def test_no_dump_is_needed_where_there_is_a_manager(name: str, tmp_path: Path) -> None:
    missing = tmp_path / "dump"
    with pytest.raises(OSError, match="dump"):
        sharevar.Manager(name=name, load=missing)
    with sharevar.Manager(name=name, capacity=1 << 24) as manager:
        manager.dict({"a": 1}, name="stock")
        again = sharevar.Manager(name=name, load=missing)
        assert again["stock"]["a"] == 1
        missing.write_bytes(b"no dump")
        assert sharevar.Manager(name=name, load=missing)["stock"]["a"] == 1


def test_contents_come_from_the_first_process(name: str) -> None:
    with sharevar.Manager(name=name) as first, sharevar.attach(name) as second:
        assert first.dict({"a": 1}, name="stock").copy() == {"a": 1}
        assert second.dict({"a": 2}, name="stock")["a"] == 1
        assert first.Value("i", 7, name="box").value == 7
        assert first.Namespace(x=1, name="space").x == 1
        assert first.dict(named="a key").copy() == {"named": "a key"}
