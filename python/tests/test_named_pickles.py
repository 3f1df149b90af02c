"""Values of no native type in a manager with a name: refused, unless all ask for them."""

from __future__ import annotations

import datetime
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import sharevar

# Of no native type.
DATE = datetime.date(2020, 2, 3)
FROZEN = frozenset({1})


@pytest.fixture
def name(request: pytest.FixtureRequest) -> Iterator[str]:
    """A name that no other test has."""
    made = f"test-{os.getpid()}-{request.node.originalname}"[:64]
    yield made
    if made in sharevar.manager_names():
        sharevar.remove_manager(made)


@pytest.fixture
def closed(name: str) -> sharevar.managers.NamedManager:
    """A manager without pickles."""
    return sharevar.Manager(name=name, capacity=1 << 24)


def refused(operation: Callable[[], Any], name: str) -> None:
    with pytest.raises(sharevar.PickleRefused) as caught:
        operation()
    assert f'Manager(name="{name}", pickle=True)' in str(caught.value)
    assert isinstance(caught.value, TypeError)


def set_item(container: Any, key: Any, value: Any) -> None:
    container[key] = value


def test_dicts(closed: Any, name: str) -> None:
    d = closed.dict({"a": 1}, name="d")
    refused(lambda: set_item(d, "a", DATE), name)
    refused(lambda: set_item(d, FROZEN, 1), name)
    refused(lambda: set_item(d, DATE, 1), name)
    refused(lambda: set_item(d, "nested", [1, (2, {"x": DATE})]), name)
    refused(lambda: d.update({"b": 2, "c": DATE}), name)
    refused(lambda: d.update(b=2, c=DATE), name)
    refused(lambda: d.setdefault("b", DATE), name)
    twice: list[Any] = []
    refused(lambda: set_item(d, "twice", [twice, twice]), name)
    assert d.copy() == {"a": 1}
    # To look for one stores nothing.
    assert DATE not in d and d.get(FROZEN) is None and d.pop(DATE, 5) == 5
    refused(lambda: closed.dict({"a": DATE}), name)
    refused(lambda: closed.dict({"a": DATE}, name="e"), name)
    refused(lambda: closed.dict(name="f", a=DATE), name)
    d["b"] = [None, True, 1 << 80, 1.5, "text", b"bytes", (1, 2), {3}, {"k": [4]}]
    assert len(d) == 2


def test_lists(closed: Any, name: str) -> None:
    items = closed.list([1, 2], name="list")
    refused(lambda: items.append(DATE), name)
    refused(lambda: items.insert(0, DATE), name)
    refused(lambda: items.extend([3, DATE]), name)
    refused(lambda: set_item(items, 0, DATE), name)
    refused(lambda: set_item(items, slice(0, 1), [DATE]), name)
    refused(lambda: items.__iadd__([DATE]), name)
    refused(lambda: closed.list([DATE]), name)
    refused(lambda: closed.list([DATE], name="other"), name)
    assert items[:] == [1, 2]
    assert DATE not in items and items.count(FROZEN) == 0


def test_sets(closed: Any, name: str) -> None:
    elements = closed.set([1], name="set")
    refused(lambda: elements.add(DATE), name)
    refused(lambda: elements.update([2, FROZEN]), name)
    refused(lambda: closed.set([DATE], name="other"), name)
    assert set(elements) == {1} and DATE not in elements


@pytest.mark.parametrize("kind", ["Queue", "JoinableQueue", "PriorityQueue"])
def test_queues(closed: Any, name: str, kind: str) -> None:
    queue = getattr(closed, kind)(name="queue")
    refused(lambda: queue.put(DATE), name)
    refused(lambda: queue.put((1, DATE)), name)
    refused(lambda: queue.put_nowait(DATE), name)
    if hasattr(queue, "put_many"):
        refused(lambda: queue.put_many([1, DATE]), name)
    assert queue.empty()
    queue.put((1, "x"))
    assert queue.get() == (1, "x")


def test_values(closed: Any, name: str) -> None:
    value = closed.Value("i", 1, name="value")
    refused(lambda: setattr(value, "value", DATE), name)
    refused(lambda: closed.Value("i", DATE), name)
    refused(lambda: closed.Value("i", DATE, name="other"), name)
    refused(lambda: closed.shared("box", datetime.date, 2020, 2, 3), name)
    assert value.value == 1


def test_namespaces(closed: Any, name: str) -> None:
    space = closed.Namespace(name="space", x=1)
    refused(lambda: setattr(space, "x", DATE), name)
    refused(lambda: setattr(space, "y", DATE), name)
    refused(lambda: closed.Namespace(x=DATE), name)
    refused(lambda: closed.Namespace(name="other", x=DATE), name)
    assert space.x == 1 and not hasattr(space, "y")


@sharevar.monitor
class Diary:
    def __init__(self, entry: Any) -> None:
        self.entry = entry

    def write(self, entry: Any) -> None:
        self.entry = entry


def test_monitors(closed: Any, name: str) -> None:
    diary = closed.monitor(Diary, "first")
    refused(lambda: diary.write(DATE), name)
    refused(lambda: closed.monitor(Diary, DATE), name)
    assert diary.entry == "first"
    diary.write("second")
    assert diary.entry == "second"
    # Its class is code, which only a pickle names.
    refused(lambda: closed.list([diary]), name)
    refused(lambda: closed.shared("diary", Diary, "first"), name)


def test_barriers(closed: Any, name: str) -> None:
    refused(lambda: closed.Barrier(2, print, name="barrier"), name)
    assert closed.Barrier(2, name="barrier").parties == 2


ATTACHES = """
import pickle, sys, sharevar
name = sys.argv[1]
manager = sharevar.attach(name)
assert manager["list"][0] == 1
for operation in (
    lambda: manager["list"][1],
    lambda: manager["list"][:],
    lambda: manager["list"].append(frozenset()),
    lambda: list(manager["dict"].keys()),
    lambda: manager["dict"].copy(),
    lambda: manager["value"].value,
):
    try:
        operation()
    except sharevar.PickleRefused as error:
        assert f'attach("{name}", pickle=True)' in str(error), error
    else:
        raise AssertionError("it was not refused")
manager["list"].append(3)
manager["dict"]["plain"] = 1

# Said later, it holds for the whole process.
again = sharevar.attach(name, pickle=True)
assert manager["list"][1] == again["list"][1] == __import__("datetime").date(2020, 2, 3)
assert pickle.loads(pickle.dumps(again)).arena.accepts_pickles
again["list"].append(frozenset({1}))
"""


def test_a_process_that_has_not_asked_is_refused(name: str) -> None:
    manager = sharevar.Manager(name=name, capacity=1 << 24, pickle=True)
    manager.list([1, DATE], name="list")
    manager.dict({FROZEN: 1}, name="dict")
    manager.Value("i", DATE, name="value")
    subprocess.run([sys.executable, "-c", ATTACHES, name], check=True, timeout=50)
    assert manager["list"][:] == [1, DATE, 3, frozenset({1})]
    assert manager["dict"][FROZEN] == manager["dict"]["plain"] == 1


# Long enough for a variable of its own.
LONG = frozenset({b"x" * 100_000})

TAKES = """
import sharevar, sys
name = sys.argv[1]
manager = sharevar.attach(name)
for operation in (
    lambda: manager["list"].pop(),
    lambda: manager["list"].pop(1),
    lambda: manager["list"].pop(2),
    lambda: manager["dict"].pop("a"),
    lambda: manager["dict"].pop("long"),
    lambda: manager["dict"].pop("nested", None),
    lambda: manager["dict"].popitem(),
    lambda: manager["set"].pop(),
    lambda: manager["queue"].get(),
    lambda: manager["queue"].get_many(2),
    lambda: manager["priorities"].get_nowait(),
    lambda: manager["priorities"].get_many(1),
):
    try:
        print("taken:", operation())
    except sharevar.PickleRefused as error:
        assert f'attach("{name}", pickle=True)' in str(error), error
        assert "stays there" in str(error), error
assert manager["many"].get_many(5) == [1, 2]
assert manager["list"].pop(0) == 1
"""


def test_what_a_process_may_not_read_it_does_not_take(name: str) -> None:
    manager = sharevar.Manager(name=name, capacity=1 << 24, pickle=True)
    items = manager.list([1, LONG, (2, [DATE]), DATE], name="list")
    table = manager.dict({"a": DATE, "long": LONG, "nested": {"b": DATE}}, name="dict")
    table[DATE] = 1
    elements = manager.set([FROZEN], name="set")
    queue = manager.Queue(name="queue")
    queue.put(DATE)
    priorities = manager.PriorityQueue(name="priorities")
    priorities.put((1, DATE))
    many = manager.Queue(name="many")
    many.put_many([1, 2, DATE, 3])
    done = subprocess.run(
        [sys.executable, "-c", TAKES, name], capture_output=True, text=True, timeout=50
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert items[:] == [LONG, (2, [DATE]), DATE]
    assert table.copy() == {"a": DATE, "long": LONG, "nested": {"b": DATE}, DATE: 1}
    assert elements.copy() == {FROZEN}
    assert (queue.get(), priorities.get()) == (DATE, (1, DATE))
    assert many.get_many(5) == [DATE, 3]


DELETES = """
import sharevar, sys
manager = sharevar.attach(sys.argv[1])
del manager["list"][0]
del manager["dict"]["a"]
del manager["space"].x
manager["list"].clear()
"""


def test_what_a_process_may_not_read_it_may_delete(name: str) -> None:
    manager = sharevar.Manager(name=name, capacity=1 << 24, pickle=True)
    manager.list([DATE, LONG, DATE], name="list")
    manager.dict({"a": DATE, "b": LONG, "c": DATE}, name="dict")
    manager.Namespace(name="space", x=DATE)
    command = Path(sys.executable).parent / "sharevar"
    for item in (("list", "0"), ("dict", "b"), ("dict", "c")):
        subprocess.run([command, "del", name, *item], check=True, timeout=50)
    assert (manager["list"][:], len(manager["dict"])) == ([LONG, DATE], 1)
    subprocess.run([sys.executable, "-c", DELETES, name], check=True, timeout=50)
    assert (manager["list"][:], manager["dict"].copy()) == ([], {})
    assert not hasattr(manager["space"], "x")


def test_a_manager_that_was_made_without(name: str, closed: Any) -> None:
    for operation in (
        lambda: sharevar.attach(name, pickle=True),
        lambda: sharevar.Manager(name=name, pickle=True),
    ):
        refused(operation, name)
    assert not closed.arena.accepts_pickles
    with pytest.raises(TypeError, match="without a name"):
        sharevar.Manager(pickle=True)  # type: ignore[call-overload]


def test_a_reference_carries_the_word(name: str) -> None:
    manager = sharevar.Manager(name=name, capacity=1 << 24, pickle=True)
    items = manager.list([DATE], name="list")
    source = "import pickle, sys; print(pickle.loads(bytes.fromhex(sys.argv[1]))[0])"
    for reference in (items, manager):
        text = pickle.dumps({0: reference} if reference is manager else items).hex()
        done = subprocess.run(
            [sys.executable, "-c", source, text], capture_output=True, text=True, timeout=50
        )
        assert done.returncode == 0, done.stderr
    assert (
        str(DATE)
        in subprocess.run(
            [sys.executable, "-c", source, pickle.dumps(items).hex()],
            capture_output=True,
            text=True,
            timeout=50,
        ).stdout
    )


PROGRAM = """
import datetime, os, sys, sharevar
items = sharevar.shared("items", list)
items.append(datetime.date(2020, 2, 3))
assert items[0] == datetime.date(2020, 2, 3)
"""


def test_programs_of_one_author_use_pickles(name: str) -> None:
    # The application's name, given by the environment or the call, and the family of a runner.
    plain = {key: value for key, value in os.environ.items() if key != "SHAREVAR_FAMILY"}
    for arguments, environment in (
        ((), {**plain, "SHAREVAR_APP": name}),
        (("-m", "sharevar"), plain),
    ):
        subprocess.run(
            [sys.executable, *arguments, "-c", PROGRAM],
            env=environment,
            check=True,
            timeout=50,
        )
    assert sharevar.shared("items", list, [DATE], app=name)[0] == DATE


def test_an_application_in_a_manager_without_pickles(name: str, closed: Any) -> None:
    items = sharevar.shared("items", list, [1], app=name)
    refused(lambda: items.append(DATE), name)
    assert closed["items"][:] == [1]
