"""What programs expect of any shared object: what `dir` lists, attributes, classes."""

from __future__ import annotations

import copy
import gc
import inspect
import multiprocessing
import pickle
import subprocess
import sys
import unittest.mock
import weakref
from collections.abc import Callable
from multiprocessing import managers as standard
from typing import Any

import pytest

import sharevar
from sharevar.managers import BaseManager


@sharevar.monitor
class Account:
    def __init__(self) -> None:
        self.balance = 1

    def deposit(self, amount: int) -> int:
        self.balance += amount
        return self.balance


ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "Barrier": (1,),
    "Value": ("i", 3),
    "Array": ("i", [1, 2]),
}

OWN = (
    "Queue", "JoinableQueue", "SimpleQueue", "Lock", "RLock", "Event", "Condition", "Semaphore",
    "BoundedSemaphore", "Barrier", "Value", "Array",
)  # fmt: skip
OF_MANAGERS = (
    "dict", "list", "set", "Value", "Array", "Namespace", "Lock", "RLock", "Semaphore",
    "BoundedSemaphore", "Condition", "Event", "Barrier", "Queue", "JoinableQueue",
)  # fmt: skip


def make(kind: str, home: Any = None) -> Any:
    """The object that a name stands for: of a manager if it begins with ``m.``."""
    if kind == "monitor":
        return Account()
    name = kind.removeprefix("m.")
    return getattr(sharevar if name == kind else home, name)(*ARGUMENTS.get(name, ()))


PROXIES = tuple(f"m.{name}" for name in OF_MANAGERS)
# Objects of classes of ours: those of the standard library's wrappers are not.
OURS = (*OWN[:-2], *PROXIES)
ALL = (*OWN, *PROXIES, "monitor")

# What a program that knows the standard library's objects finds in them.
PUBLIC = {
    "Queue": "put get put_nowait get_nowait qsize empty full close join_thread "
    "cancel_join_thread "
    "put_many get_many shutdown fileno",
    "JoinableQueue": "put get task_done join put_nowait get_nowait",
    "SimpleQueue": "put get empty close",
    "Lock": "acquire release locked",
    "RLock": "acquire release locked",
    "Event": "set clear is_set wait",
    "Condition": "acquire release wait wait_for notify notify_all",
    "Semaphore": "acquire release get_value locked",
    "BoundedSemaphore": "acquire release get_value locked",
    "Barrier": "wait abort reset parties n_waiting broken",
    "Value": "value acquire release get_lock get_obj",
    "Array": "acquire release get_lock get_obj",
    "m.dict": "get pop popitem setdefault update keys values items copy clear fromkeys incr",
    "m.list": "append extend insert pop remove clear index count sort reverse copy",
    "m.set": "add discard remove pop clear union update difference issubset copy",
    "m.Value": "value get set incr",
    "m.Array": "",
    "m.Queue": "put get put_nowait get_nowait qsize empty full task_done join shutdown "
    "put_many get_many fileno",
    "monitor": "balance deposit",
}  # fmt: skip


@pytest.mark.parametrize("kind", ALL)
def test_dir_lists_what_there_is_and_nothing_else(manager: Any, kind: str) -> None:
    thing = make(kind, manager)
    listed = dir(thing)
    for name in listed:
        getattr(thing, name)
    expected = PUBLIC.get(kind, PUBLIC.get(kind.removeprefix("m."), ""))
    assert set(expected.split()) <= set(listed)
    assert not [name for name in listed if name.endswith("_async")]


def test_dir_of_a_namespace_lists_its_shared_attributes(manager: Any) -> None:
    space = manager.Namespace(x=1)
    space._own = 2
    assert {"x", "_own"} <= set(dir(space))
    assert not {"arena", "kind", "create"} & set(dir(space))


def test_dir_starts_no_process(manager: Any) -> None:
    thing = manager.Queue()
    for name in dir(thing):
        getattr(thing, name)
    assert multiprocessing.active_children() == []


def test_dir_of_a_proxy_of_a_hosted_object() -> None:
    class Manager(BaseManager):
        pass

    Manager.register("counter", Counter)
    with Manager() as manager:
        proxy = manager.counter()
        for name in dir(proxy):
            getattr(proxy, name)
        assert {"add", "add_async"} <= set(dir(proxy))


class Counter:
    def __init__(self) -> None:
        self.number = 0

    def add(self, by: int) -> int:
        self.number += by
        return self.number


@pytest.mark.parametrize("kind", OURS)
def test_attributes_can_be_set(manager: Any, kind: str) -> None:
    thing = make(kind, manager)
    # Of a namespace those are its own, and no shared ones.
    for name in ("_note", "_mock_calls") if kind == "m.Namespace" else NAMES:
        setattr(thing, name, [name])
        assert getattr(thing, name) == vars(thing)[name] == [name]
        assert name in dir(thing)
        delattr(thing, name)
        assert name not in vars(thing)
    assert not vars(thing)


NAMES = (
    "note", "name", "kind", "handle", "arena", "owner", "_private", "closed_by", "maxvalue",
    "maxsize", "held", "closed", "owner_died",
)  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "method"),
    [
        *((kind, "put") for kind in ("Queue", "JoinableQueue", "SimpleQueue", "m.Queue")),
        *((kind, "get") for kind in ("Queue", "SimpleQueue", "m.Queue", "m.dict", "m.Value")),
        *(
            (kind, "acquire")
            for kind in ("Lock", "m.Lock", "RLock", "Semaphore", "m.Condition")
        ),
        *((kind, "wait") for kind in ("Event", "m.Event", "Condition", "Barrier", "m.Barrier")),
        *((kind, "append") for kind in ("m.list",)),
        *((kind, "add") for kind in ("m.set",)),
    ],
)
def test_methods_can_be_patched(manager: Any, kind: str, method: str) -> None:
    thing = make(kind, manager)
    with unittest.mock.patch.object(thing, method, return_value=7) as patched:
        assert getattr(thing, method)(1) == 7
        patched.assert_called_once_with(1)
    assert method not in vars(thing)
    assert getattr(thing, method) is not patched


@pytest.mark.parametrize("kind", OURS)
def test_mocks_can_be_made_after_any_object(manager: Any, kind: str) -> None:
    thing = make(kind, manager)
    unittest.mock.MagicMock(spec=thing)
    unittest.mock.create_autospec(thing)


@pytest.mark.parametrize("kind", OURS)
def test_an_object_with_itself_in_an_attribute_is_freed(manager: Any, kind: str) -> None:
    thing = make(kind, manager)
    thing._self = thing
    gone = weakref.ref(thing)
    del thing
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize("kind", OURS)
def test_attributes_stay_in_their_process(manager: Any, kind: str) -> None:
    thing = make(kind, manager)
    # As with the standard library's proxies, what is set here is of no value elsewhere.
    thing._note = lambda: 1
    copied = pickle.loads(pickle.dumps(thing))
    assert "_note" not in vars(copied)
    assert "_note" not in vars(copy.copy(thing))


class Tagged(sharevar.queues.Queue):
    pass


def test_attributes_of_a_derived_queue_go_with_it() -> None:
    queue = Tagged()
    queue.tag = "jobs"
    copied = pickle.loads(pickle.dumps(queue))
    assert copied.tag == "jobs"


@pytest.mark.parametrize("kind", PROXIES)
def test_what_managers_make_are_proxies(manager: Any, kind: str) -> None:
    thing = make(kind, manager)
    assert isinstance(thing, standard.BaseProxy)
    assert isinstance(thing, sharevar.managers.BaseProxy)
    assert issubclass(thing.__class__, standard.BaseProxy)


def test_what_managers_make_are_proxies_under_the_runner() -> None:
    source = (
        "from multiprocessing.managers import BaseProxy\n"
        "import multiprocessing\n"
        "if __name__ == '__main__':\n"
        "    m = multiprocessing.Manager()\n"
        f"    for name in {[kind.removeprefix('m.') for kind in PROXIES]}:\n"
        f"        thing = getattr(m, name)(*{ARGUMENTS}.get(name, ()))\n"
        "        assert isinstance(thing, BaseProxy), name\n"
        "        assert isinstance(thing, multiprocessing.managers.BaseProxy), name\n"
        "    print('all')\n"
    )
    shown = subprocess.run(
        [sys.executable, "-m", "sharevar", "-c", source],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert shown.stdout == "all\n"


class Given(BaseManager):
    """Gives out what was made before it was started, as Python's documentation shows it."""


USES: dict[str, Callable[[Any], Any]] = {
    "Queue": lambda x: (x.put(1), x.get())[1],
    "JoinableQueue": lambda x: (x.put(1), x.get(), x.task_done(), x.join())[1],
    "SimpleQueue": lambda x: (x.put(1), x.get())[1],
    "Lock": lambda x: (x.acquire(), x.release())[0],
    "RLock": lambda x: (x.acquire(), x.release())[0],
    "Event": lambda x: (x.set(), x.is_set())[1],
    "Condition": lambda x: (x.acquire(), x.notify(), x.release())[0],
    "Semaphore": lambda x: (x.acquire(), x.release())[0],
    "BoundedSemaphore": lambda x: (x.acquire(), x.release())[0],
    "Barrier": lambda x: x.wait() + 1,
    "m.dict": lambda x: x.setdefault("a", 1),
    "m.list": lambda x: (x.append(1), x.pop())[1],
    "m.set": lambda x: (x.add(1), x.pop())[1],
    "m.Value": lambda x: (x.set(1), x.get())[1],
}


def uses(kind: str) -> Callable[[Any], Any] | None:
    return USES.get(kind) or USES.get(kind.removeprefix("m."))


@pytest.mark.parametrize("start_method", ["fork"])
def test_a_manager_gives_out_any_object(manager: Any, start_method: str) -> None:
    things = {kind.replace(".", "_"): make(kind, manager) for kind in ALL}
    for name, thing in things.items():
        Given.register(f"get_{name}", callable=lambda thing=thing: thing)
    with Given(ctx=multiprocessing.get_context(start_method)) as given:
        for kind in ALL:
            proxy = getattr(given, f"get_{kind.replace('.', '_')}")()
            use = uses(kind)
            if kind not in ("Value", "Array") and use is not None:
                assert use(proxy) == 1, kind


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("Lock", ["arena", "owned"]),
        ("RLock", ["arena"]),
        ("Semaphore", ["value", "owned", "arena"]),
        ("Condition", ["lock", "arena"]),
        ("Event", ["arena"]),
        ("Barrier", ["parties", "action", "timeout", "arena"]),
        ("Queue", ["maxsize", "ctx", "arena"]),
        ("JoinableQueue", ["maxsize", "ctx", "arena"]),
        ("SimpleQueue", ["ctx", "arena"]),
        ("QueueProxy", ["maxsize", "arena"]),
        ("SetProxy", ["elements", "arena"]),
    ],
)
def test_signatures_have_the_names_of_the_arguments(kind: str, names: list[str]) -> None:
    assert list(inspect.signature(getattr(sharevar, kind)).parameters) == names


@pytest.mark.parametrize("kind", OURS)
def test_methods_have_signatures(manager: Any, kind: str) -> None:
    thing = make(kind, manager)
    for name in dir(thing):
        method = getattr(thing, name)
        if not name.startswith("_") and inspect.isroutine(method) and name != "fromkeys":
            inspect.signature(method)
