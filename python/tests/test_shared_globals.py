"""sharevar.shared: one variable for the whole family of processes."""

from __future__ import annotations

import array
import collections
import dataclasses
import datetime
import decimal
import enum
import fractions
import functools
import io
import ipaddress
import itertools
import multiprocessing
import os
import queue
import socket
import subprocess
import sys
import textwrap
import threading
import types
import uuid
from pathlib import Path
from typing import Any

import pytest

import sharevar

PROGRAM = textwrap.dedent(
    """
    import multiprocessing, sys
    import sharevar

    names = sharevar.shared("names", list)
    table = sharevar.shared("table", dict, {"start": 1})
    number = sharevar.shared("number", int)
    lock = sharevar.shared("lock", sharevar.Lock)
    value = sharevar.shared("value", float, 1.5)
    plain = []

    def child(name):
        with lock:
            names.append(name)
            plain.append(name)
            table[name] = len(names)
            number.value += 1
        late = sharevar.shared("late", list)
        late.append(name)

    if __name__ == "__main__":
        context = multiprocessing.get_context(sys.argv[1])
        names.append("parent")
        for name in ("a", "b"):
            process = context.Process(target=child, args=(name,))
            process.start()
            process.join()
            assert process.exitcode == 0, process.exitcode
        print(names, table, number.value, value.value, plain)
        print(sharevar.shared("late", list))
    """
)


@pytest.mark.parametrize("runner", [[], ["-m", "sharevar"]])
def test_a_module_level_variable(tmp_path: Path, start_method: str, runner: list[str]) -> None:
    script = tmp_path / "program.py"
    script.write_text(PROGRAM)
    done = subprocess.run(
        [sys.executable, "-X", "dev", *runner, str(script), start_method],
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""
    assert done.stdout == (
        "['parent', 'a', 'b'] {'start': 1, 'a': 2, 'b': 3} 2 1.5 []\n['a', 'b']\n"
    )


def test_a_package_that_only_the_parents_path_has(tmp_path: Path, start_method: str) -> None:
    location = Path(sharevar.__file__).parent.parent
    script = tmp_path / "program.py"
    script.write_text(f"import sys; sys.path.insert(0, {str(location)!r})\n{PROGRAM}")
    done = subprocess.run(
        [sys.executable, str(script), start_method],
        capture_output=True,
        text=True,
        env={"PATH": ""},
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("['a', 'b']\n")


def test_kinds() -> None:
    assert type(sharevar.shared("a list", list, "ab")) is sharevar.ListProxy
    assert sharevar.shared("a list", list).copy() == ["a", "b"]
    assert type(sharevar.shared("a dict", dict, x=1)) is sharevar.DictProxy
    assert sharevar.shared("a dict", dict).copy() == {"x": 1}
    assert sharevar.shared("an int", int, "12").value == 12
    assert sharevar.shared("an int", int, "99").incr() == 13
    assert sharevar.shared("a string", str).value == ""
    assert sharevar.shared("made", lambda: [1, 2]).copy() == [1, 2]
    with sharevar.shared("a lock", sharevar.Lock):
        assert sharevar.shared("a lock", sharevar.Lock).locked()


@sharevar.monitor
class Counter:
    def __init__(self) -> None:
        self.count = 0


class Derived(sharevar.Queue[Any]):
    pass


class Level(enum.IntEnum):
    LOW = 1


@dataclasses.dataclass(frozen=True)
class Frozen:
    x: int = 1


@dataclasses.dataclass(frozen=True)
class FrozenWithDict:
    x: dict[str, int]


@dataclasses.dataclass
class Attributes:
    x: int = 1


class Plain:
    pass


class Slots:
    __slots__ = ("x",)


# The maker of a variable, its arguments, its repr, and a change that others see.
THEMSELVES: list[tuple[Any, tuple[Any, ...], Any, Any]] = [
    (set, ("ab",), sharevar.SetProxy, lambda s: s.add("c")),
    (lambda: {1, 2}, (), sharevar.SetProxy, lambda s: s.add(3)),
    (sharevar.SetProxy, ([1],), sharevar.SetProxy, lambda s: s.add(3)),
    (sharevar.ListProxy, ([1],), sharevar.ListProxy, lambda x: x.append(3)),
    (sharevar.DictProxy, (), sharevar.DictProxy, lambda x: x.update(a=3)),
    (sharevar.ArrayProxy, ("i", [1, 2]), sharevar.ArrayProxy, lambda a: a.__setitem__(0, 7)),
    (sharevar.ValueProxy, (bytearray(b"a"),), sharevar.ValueProxy, lambda v: v.set(b"b")),
    (sharevar.Queue, (2,), sharevar.Queue, lambda q: q.put(1)),
    (Derived, (2,), Derived, lambda q: q.put(1)),
    (sharevar.JoinableQueue, (), sharevar.JoinableQueue, lambda q: q.put(1)),
    (sharevar.SimpleQueue, (), sharevar.SimpleQueue, lambda q: q.put(1)),
    (sharevar.QueueProxy, (), sharevar.QueueProxy, lambda q: q.put(1)),
    (queue.Queue, (), sharevar.JoinableQueue, lambda q: q.put(1)),
    (queue.SimpleQueue, (), sharevar.SimpleQueue, lambda q: q.put(1)),
    (multiprocessing.Queue, (3,), sharevar.Queue, lambda q: q.put(1)),
    (sharevar.Event, (), sharevar.Event, lambda e: e.set()),
    (threading.Event, (), sharevar.Event, lambda e: e.set()),
    (multiprocessing.get_context("spawn").Event, (), sharevar.Event, lambda e: e.set()),
    (sharevar.Semaphore, (3,), sharevar.Semaphore, lambda s: s.acquire()),
    (sharevar.BoundedSemaphore, (3,), sharevar.BoundedSemaphore, lambda s: s.acquire()),
    (threading.BoundedSemaphore, (3,), sharevar.BoundedSemaphore, lambda s: s.acquire()),
    (sharevar.Condition, (), sharevar.Condition, lambda c: c.acquire()),
    (sharevar.Barrier, (2,), sharevar.Barrier, lambda b: b.abort()),
    (lambda: sharevar.Barrier(2, timeout=5), (), sharevar.Barrier, lambda b: b.abort()),
    (threading.Lock, (), sharevar.Lock, lambda x: x.acquire()),
    (threading.RLock, (), sharevar.RLock, lambda x: x.acquire()),
    (lambda: sharevar.Lock(), (), sharevar.Lock, lambda x: x.acquire()),
    (sharevar.NamespaceProxy, (), sharevar.NamespaceProxy, lambda n: setattr(n, "x", 1)),
    (types.SimpleNamespace, (), sharevar.NamespaceProxy, lambda n: setattr(n, "x", 1)),
    (sharevar.managers.Namespace, (), sharevar.NamespaceProxy, lambda n: setattr(n, "x", 1)),
    (sharevar.RawArray, ("i", 3), None, lambda a: a.__setitem__(0, 7)),
    (sharevar.Array, ("i", [1]), None, lambda a: a.__setitem__(0, 7)),
    (sharevar.Value, ("i", 3), None, lambda v: setattr(v, "value", 7)),
    (multiprocessing.Value, ("i", 3), None, lambda v: setattr(v, "value", 7)),
]


def _change(name: str, kind: Any, change: Any) -> None:
    change(sharevar.shared(name, kind))


def _state(variable: Any) -> Any:
    for look in ("get_value", "qsize", "is_set", "locked", "empty"):
        if hasattr(variable, look):
            return getattr(variable, look)()
    if hasattr(variable, "broken"):
        return variable.broken
    if hasattr(variable, "value"):
        return variable.value
    if hasattr(variable, "_attributes"):
        return variable._attributes()
    if hasattr(variable, "_owner"):
        return str(variable)
    return list(variable) if hasattr(variable, "__len__") else str(variable)


@pytest.mark.parametrize("number", range(len(THEMSELVES)))
def test_what_gives_itself(number: int) -> None:
    kind, arguments, cls, change = THEMSELVES[number]
    name = f"itself {number}"
    made = sharevar.shared(name, kind, *arguments)
    if cls is not None:
        assert type(made) is cls
    before = _state(made)
    for_child = multiprocessing.get_context("fork").Process(
        target=_change, args=(name, kind, change)
    )
    for_child.start()
    for_child.join()
    assert for_child.exitcode == 0
    again = sharevar.shared(name, kind, *arguments)
    assert type(again) is type(made)
    if cls not in (sharevar.Condition, sharevar.Lock, sharevar.RLock, sharevar.Semaphore):
        assert _state(again) == _state(made)
    # References of the child were given back when it ended.
    if cls not in (
        sharevar.Condition, sharevar.Lock, sharevar.RLock, sharevar.Semaphore,
        sharevar.BoundedSemaphore,
    ):  # fmt: skip
        assert _state(made) != before
    with pytest.raises(sharevar.WrongKind):
        sharevar.shared(name, dict if cls is sharevar.ListProxy else list)


def test_limits_and_sizes() -> None:
    assert sharevar.shared("bounded", sharevar.Queue, 1).maxsize == 1
    assert sharevar.shared("bounded", sharevar.Queue, 5).maxsize == 1
    assert sharevar.shared("units", sharevar.BoundedSemaphore, 4).maxvalue == 4
    assert sharevar.shared("parties", sharevar.Barrier, 3).parties == 3
    assert list(sharevar.shared("numbers", sharevar.Array, "i", [1, 2])) == [1, 2]


def test_a_managers_variable(manager: Any) -> None:
    made = sharevar.shared("of a manager", lambda: manager.dict(a=1))
    made["b"] = 2
    assert sharevar.shared("of a manager", dict).copy() == {"a": 1, "b": 2}


def test_a_file(tmp_path: Path) -> None:
    path = tmp_path / "log"
    for _ in range(2):
        sharevar.shared("log", sharevar.open, path).write("line\n")
    assert path.read_text() == "line\n" * 2


def test_a_monitor_is_in_a_box() -> None:
    sharevar.shared("monitor", Counter).value.count = 3
    assert sharevar.shared("monitor", Counter).value.count == 3


@pytest.mark.parametrize(
    "value",
    [
        1, 1.5, "s", b"b", None, True, (1, (2,)), frozenset((1,)), 1 + 2j, Level.LOW, Frozen(),
        decimal.Decimal(1), fractions.Fraction(1, 2), datetime.date(2020, 1, 1),
        uuid.UUID(int=1), Path("/"), range(3), int,
        ipaddress.ip_address("::1"),
    ],
)  # fmt: skip
def test_values(value: Any) -> None:
    box = sharevar.shared(f"value {value!r}", lambda: value)
    assert type(box) is sharevar.ValueProxy
    assert box.value == value


@pytest.mark.parametrize(
    ("kind", "instead"),
    [
        (collections.Counter, "incr"),
        (lambda: collections.defaultdict(list), "setdefault"),
        (collections.OrderedDict, "dict"),
        (collections.deque, "list"),
        (lambda: bytearray(3), "RawArray"),
        (lambda: array.array("i", [1]), "ArrayProxy"),
        (Attributes, "monitor"),
        (Plain, "monitor"),
        (Slots, "monitor"),
        (queue.LifoQueue, "list"),
        (io.StringIO, "host"),
        (lambda: itertools.count(), "host"),
        (lambda: iter([1]), "host"),
        (lambda: threading.Lock(), "sharevar.Lock"),
        (lambda: threading.RLock(), "sharevar.RLock"),
        (lambda: threading.Barrier(2), "sharevar.Barrier"),
        (lambda: queue.Queue(), "sharevar.Queue"),
        (lambda: multiprocessing.Event(), "sharevar.Event"),
        (lambda: multiprocessing.Value("i"), "sharevar.Value"),
        (sharevar.Manager, "share what it makes"),
        # Inside of what cannot be changed itself.
        (lambda: (1, [2]), "list"),
        (lambda: ("a", ("b", frozenset(((Plain(),),)))), "monitor"),
        (lambda: FrozenWithDict({}), "dict"),
        # A program's own, of a name that a library's class has.
        (type("Counter", (Attributes,), {}), "monitor"),
        (type("Event", (Attributes,), {}), "monitor"),
    ],
)
def test_what_others_would_not_see_changed_is_refused(kind: Any, instead: str) -> None:
    with pytest.raises(TypeError, match=f"of its own.*{instead}"):
        sharevar.shared("changeable", kind)
    # Nothing was made.
    sharevar.shared("changeable", int)
    arena = sharevar._family.family.arena()
    arena.named("sharevar:filled", sharevar.DictProxy).pop("changeable")


def test_numpy_arrays_are_refused() -> None:
    numpy = pytest.importorskip("numpy")
    with pytest.raises(TypeError, match="frombuffer"):
        sharevar.shared("numpy", numpy.zeros, 3)


def test_a_connection_does_not_stay_in_a_variable() -> None:
    with pytest.raises(TypeError, match=r"Connection is sent to one process.*sharevar\.Queue"):
        sharevar.shared("pipe", multiprocessing.Pipe)
    ours, theirs = socket.socketpair()
    with ours, theirs, pytest.raises(TypeError, match="socket is sent to one process"):
        sharevar.shared("pipe", lambda: (ours, theirs))
    # Nothing was made.
    sharevar.shared("pipe", int)


def test_a_box_that_is_asked_for() -> None:
    box = sharevar.shared("asked for", sharevar.ValueProxy, collections.Counter("aa"))
    assert box.value == {"a": 2}
    assert sharevar.shared("asked for", sharevar.ValueProxy).value == {"a": 2}


def test_arguments_in_the_wrong_places() -> None:
    shared: Any = sharevar.shared
    with pytest.raises(TypeError, match="comes first"):
        shared(list, "x")
    with pytest.raises(TypeError, match="comes first"):
        shared(1, list)
    with pytest.raises(TypeError, match=r"shared\('x', dict, \{\}\)"):
        shared("x", {})
    with pytest.raises(TypeError, match=r"shared\('x', int, 0\)"):
        shared("x", 0)
    with pytest.raises(TypeError, match=r"shared\('x', str, 'y'\)"):
        shared("x", "y")


def test_another_kind_is_refused() -> None:
    sharevar.shared("kind", list)
    with pytest.raises(sharevar.WrongKind):
        sharevar.shared("kind", dict)
    with pytest.raises(sharevar.WrongKind):
        sharevar.shared("kind", sharevar.Lock)


@pytest.mark.parametrize("kind", [int, str, tuple, Frozen, Counter, sharevar.ValueProxy])
def test_a_box_is_another_kind_than_a_container(kind: Any) -> None:
    sharevar.shared("numbers of kinds", list)
    with pytest.raises(sharevar.WrongKind):
        sharevar.shared("numbers of kinds", kind)


def test_a_lock_that_other_programs_would_lose_is_refused() -> None:
    name = f"test-{os.getpid()}-locks"
    with sharevar.Manager(name=name, pickle=True, capacity=1 << 24) as manager:
        shared: Any = functools.partial(sharevar.shared, app=name)
        for kind, arguments, named in (
            (sharevar.Condition, (sharevar.Lock(),), {}),
            (sharevar.Value, ("i", 3), {"lock": sharevar.Lock()}),
            (sharevar.Array, ("i", 3), {"lock": sharevar.RLock()}),
        ):
            with pytest.raises(ValueError, match=r"give it a name, too: .*'it lock'"):
                shared("it", kind, *arguments, **named)
            assert manager.variables() == []
        lock = shared("it lock", sharevar.Lock)
        shared("number", sharevar.Value, "i", 3, lock=lock)
        shared("condition", sharevar.Condition, lock)
        source = (
            "lock = manager['number'].get_lock(); assert not lock.acquire(block=False)\n"
            "assert not manager['condition'].acquire(False)"
        )
        program = f"import sharevar; manager = sharevar.attach({name!r}, pickle=True); {source}"
        with lock:
            subprocess.run([sys.executable, "-c", program], check=True, timeout=50)


def test_what_sharevar_keeps_for_itself_is_no_variable() -> None:
    name = f"test-{os.getpid()}-reserved"
    with sharevar.Manager(name=name, pickle=True, capacity=1 << 24) as manager:
        manager.shared("number", sharevar.Value, "i")
        kept = [each for each in manager.arena.names() if each != "number"]
        assert "sharevar:filled" in kept and "sharevar:lock of number" in kept
        for each in kept:
            assert each not in manager
            with pytest.raises(KeyError):
                manager[each]
            with pytest.raises(ValueError, match="is no name of a variable"):
                manager.shared(each, dict)


def test_a_name_that_a_rust_program_has_given_to_another_variable() -> None:
    name = f"test-{os.getpid()}-again"
    with sharevar.Manager(name=name, pickle=True, capacity=1 << 24) as manager:
        made: Any
        for kind in (dict, sharevar.BoundedSemaphore, sharevar.JoinableQueue):
            manager.shared("it", kind)
            entries = manager.arena.named("sharevar:filled", sharevar.DictProxy)
            entry = entries["it"]
            _take_away(name, "it")
            entries["it"] = entry
            assert "it" not in manager and manager.variables() == []
            made = manager.arena.named("it", sharevar.ListProxy)
            made.append(1)
            assert manager["it"][:] == manager.shared("it", list)[:] == [1]
            _take_away(name, "it")
        made = manager.shared("number", sharevar.Value, "i", 3)
        entry = entries["number"]
        _take_away(name, "number")
        entries["number"] = entry
        again: Any = manager.arena.named("number", sharevar.ArrayProxy, "i", 1)
        again[0] = 5
        assert list(manager["number"]) == [5] and made.value == 3
        assert manager.shared("number", sharevar.Value, "i", 0).value == 5


def _take_away(manager: str, name: str) -> None:
    command = Path(sys.executable).parent / "sharevar"
    subprocess.run([command, "del", manager, name], check=True, timeout=50)


KILLED = """
import os, sharevar, sys
from sharevar._variables import shared_globals
make = shared_globals._make
def make_and_die(*arguments):
    make(*arguments)
    os._exit(0)
shared_globals._make = make_and_die
sharevar.shared("it", getattr(sharevar, sys.argv[2]), *eval(sys.argv[3]), app=sys.argv[1])
"""


@pytest.mark.parametrize(
    ("kind", "arguments", "contents"),
    [
        ("Value", ("i", 3), 3),
        ("RawValue", ("d", 2.5), 2.5),
        ("Array", ("i", [1, 2]), [1, 2]),
        ("RawArray", ("i", [1, 2]), [1, 2]),
        ("Queue", (), None),
        ("Semaphore", (3,), None),
    ],
)
def test_a_process_that_is_killed_before_all_know_its_variable(
    kind: str, arguments: Any, contents: Any
) -> None:
    name = f"test-{os.getpid()}-killed-{kind}"
    with sharevar.Manager(name=name, pickle=True, capacity=1 << 24) as manager:
        command = [sys.executable, "-c", KILLED, name, kind, repr(arguments)]
        subprocess.run(command, check=True, timeout=50)
        made = manager.shared("it", getattr(sharevar, kind), *arguments)
        if contents is not None:
            assert (made[:] if isinstance(contents, list) else made.value) == contents
        assert type(manager["it"]) is type(made)
        with pytest.raises(sharevar.WrongKind):
            manager.shared("it", list)
        # An array of a program in Rust is taken, too.
        if kind == "Array":
            manager.arena.named("rust", sharevar.ArrayProxy, "i", 2)[:] = [5, 6]
            made = manager.shared("rust", sharevar.Array, "i", 2)
            assert made[:] == [5, 6]
            made[0] = 7
            assert list(manager.arena.find("rust")) == [7, 6]


def test_what_cannot_be_kept_leaves_no_name() -> None:
    name = f"test-{os.getpid()}-unkept"
    with sharevar.Manager(name=name, capacity=1 << 24) as manager:
        with pytest.raises(sharevar.PickleRefused):
            manager.shared("it", sharevar.Value, "i", 1)
        assert manager.variables() == []
        assert manager.shared("it", int, 5).value == 5
    lock = multiprocessing.get_context("fork").Lock()
    with pytest.raises(RuntimeError):
        sharevar.shared("with a lock", sharevar.Array, "i", [1], lock=lock)
    assert sharevar.shared("with a lock", sharevar.Array, "i", [1])[:] == [1]


def test_locks_files_and_names_of_ours(tmp_path: Path) -> None:
    shared: Any = sharevar.shared
    for kind in (sharevar.Lock, sharevar.RLock, list):
        name = f"one of {kind.__name__}"
        shared(name, kind)
        with pytest.raises(sharevar.WrongKind, match="not file"):
            shared(name, sharevar.open, tmp_path / "log")
        shared(f"log of {kind.__name__}", sharevar.open, tmp_path / "log")
        with pytest.raises(sharevar.WrongKind, match="is file, not"):
            shared(f"log of {kind.__name__}", kind)
    # As a program in Rust has made it, without an entry.
    sharevar._family.family.arena().named("of Rust", sharevar.ListProxy)
    with pytest.raises(sharevar.WrongKind, match="is list, not file"):
        shared("of Rust", sharevar.open, tmp_path / "log")
    with pytest.raises(TypeError):
        shared("with arguments", sharevar.RLock, 1, 2, 3)
    with pytest.raises(ValueError, match="for itself"):
        shared("sharevar:filled", dict)


def test_a_name_that_is_no_text_makes_nothing() -> None:
    name = f"test-{os.getpid()}-surrogate"
    with sharevar.Manager(name=name, pickle=True) as manager:
        for make in (
            lambda: sharevar.shared("\ud800", dict, app=name),
            lambda: manager.shared("\ud800", dict),
            lambda: manager.dict(name="\ud800"),
            lambda: manager.Lock(name="a\udcff"),
        ):
            with pytest.raises(ValueError, match="UTF-8"):
                make()
        assert manager.variables() == []


@pytest.mark.parametrize("value", [lambda: 1, [lambda: 1], {"a": lambda: 1}])
def test_a_value_that_cannot_be_stored_leaves_nothing(value: Any) -> None:
    name = f"not stored {value!r}"
    with pytest.raises(sharevar.NotShareable):
        sharevar.shared(name, lambda: value)
    assert sharevar.shared(name, dict, [("a", 1)]).copy() == {"a": 1}


def test_a_pickle_that_is_refused_leaves_nothing() -> None:
    with sharevar.Manager(name=f"test-{os.getpid()}-refused") as manager:
        for kind in (datetime.date, lambda *parts: [datetime.date(*parts)]):
            with pytest.raises(sharevar.PickleRefused):
                manager.shared("day", kind, 2000, 1, 1)
        assert manager.variables() == []


def test_an_empty_name_of_a_family_is_none() -> None:
    program = "import sharevar; print(sharevar.shared('x', int).value)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "SHAREVAR_FAMILY": ""},
        capture_output=True,
        text=True,
        timeout=50,
    )
    assert (done.stdout, done.stderr) == ("0\n", "")


@pytest.mark.parametrize(
    ("value", "instead"),
    [
        (collections.Counter(), "incr()"),
        (collections.deque(), "sharevar.Queue"),
        (bytearray(3), "RawArray"),
        (None, "sharevar.ValueProxy, None"),
        ({"a": 1}, "dict, {'a': 1}"),
        (3, "int, 3"),
    ],
)
def test_a_value_in_the_place_of_its_maker(value: Any, instead: str) -> None:
    with pytest.raises(TypeError, match="second comes what makes") as raised:
        sharevar.shared("x", value)
    assert instead in str(raised.value)


def test_a_factory_that_raises_leaves_nothing() -> None:
    def broken() -> Any:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        sharevar.shared("broken", broken)
    assert sharevar.shared("broken", list, [1]).copy() == [1]


def test_a_variable_that_another_process_has_made_by_that_name_is_kept() -> None:
    arena = sharevar._family.family.arena()
    arena.named("of another", sharevar.ListProxy).append("first")
    assert sharevar.shared("of another", list, ["second"]).copy() == ["first"]
    arena.named("number of another", sharevar.ValueProxy).set(5)
    assert sharevar.shared("number of another", int).value == 5


def test_a_factory_may_ask_for_other_shared_variables() -> None:
    outer = sharevar.shared("outer", lambda: {"inner": sharevar.shared("inner", list)})
    outer["inner"].append(1)
    assert sharevar.shared("inner", list).copy() == [1]


def test_a_file_that_was_rotated_is_opened_anew(tmp_path: Path) -> None:
    name, path = f"test-{os.getpid()}-rotated", tmp_path / "log"
    shared = f"sharevar.shared('log', sharevar.open, {str(path)!r}, app={name!r})"
    source = f"import sharevar; {shared}"
    with sharevar.Manager(name=name, pickle=True, capacity=1 << 24) as manager:

        def replace() -> None:
            path.rename(tmp_path / "old")
            path.touch()

        for rotate in (lambda: path.rename(tmp_path / "old"), path.unlink, replace):
            subprocess.run([sys.executable, "-c", source], check=True, timeout=50)
            rotate()
            # Its first opener has ended.
            with manager.shared("log", sharevar.open, path) as log:
                log.write("line\n")
            assert path.read_text() == "line\n" and manager.variables() == ["log"]
            assert "log" in manager and "other" not in manager
            subprocess.run(
                [Path(sys.executable).parent / "sharevar", "del", name, "log"], check=True
            )
