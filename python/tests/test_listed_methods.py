"""The methods that completion lists for each kind, their signatures and documentation."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest

import sharevar

ALL = {"arena", "info", "kind", "store"}
LOCK = {
    "acquire", "fence", "locked", "lost", "mark_consistent", "owner_died", "release", "token",
}  # fmt: skip
UNITS = {"acquire", "release", "locked", "get_value", "held", "maxvalue"}
QUEUE = {
    "close", "closed", "empty", "fileno", "full", "get", "get_many", "get_nowait", "join",
    "maxsize", "put", "put_many", "put_nowait", "qsize", "set_maxsize", "shutdown",
    "task_done",
}  # fmt: skip

KINDS: dict[str, tuple[Callable[[Any], Any], set[str]]] = {
    "dict": (lambda m: m.dict(a=1), {*vars(dict), "get_many", "incr", "view"}),
    "list": (lambda m: m.list([1]), {*vars(list), "view", "views"}),
    "set": (lambda m: m.set([1]), {*vars(set)}),
    "Value": (lambda m: m.Value("i", 1), {"get", "incr", "set", "value"}),
    "Array": (lambda m: m.Array("i", [1]), set()),
    "Lock": (lambda m: m.Lock(), LOCK),
    "RLock": (lambda m: sharevar.RLock(), LOCK),
    "Semaphore": (lambda m: m.Semaphore(), UNITS),
    "BoundedSemaphore": (lambda m: sharevar.BoundedSemaphore(), UNITS),
    "Event": (lambda m: m.Event(), {"clear", "is_set", "set", "wait"}),
    "Condition": (
        lambda m: m.Condition(),
        {"acquire", "notify", "notify_all", "release", "wait", "wait_for"},
    ),
    "Barrier": (
        lambda m: m.Barrier(2), {"abort", "broken", "n_waiting", "parties", "reset", "wait"},
    ),
    "a manager's Queue": (lambda m: m.Queue(), QUEUE),
    "PriorityQueue": (
        lambda m: m.PriorityQueue(), (QUEUE | {"peek"}) - {"close", "closed", "set_maxsize"},
    ),
    "Queue": (lambda m: sharevar.Queue(), QUEUE | {"cancel_join_thread", "join_thread"}),
    "SimpleQueue": (lambda m: sharevar.SimpleQueue(), QUEUE),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_completion_lists_the_public_methods_and_no_others(manager: Any, kind: str) -> None:
    make, methods = KINDS[kind]
    variable = make(manager)
    public = {name for name in methods if not name.startswith("_")} | ALL
    assert {name for name in dir(variable) if not name.startswith("_")} == public
    assert {name for name in dir(type(variable)) if not name.startswith("_")} == public


# These take what the methods of the standard library of their names take.
ANY_ARGUMENTS = {("dict", "update")}


@pytest.mark.parametrize("kind", KINDS)
def test_each_has_a_signature_and_says_what_it_does(manager: Any, kind: str) -> None:
    variable = KINDS[kind][0](manager)
    for name in dir(type(variable)):
        method = getattr(type(variable), name)
        if name.startswith("_") or not callable(method):
            continue
        assert inspect.getdoc(method), name
        parameters = inspect.signature(method).parameters.values()
        kinds = {parameter.kind for parameter in parameters}
        if (kind, name) not in ANY_ARGUMENTS:
            assert inspect.Parameter.VAR_KEYWORD not in kinds, name


def test_the_classes_say_what_they_take() -> None:
    for name in sharevar.__all__:
        cls = getattr(sharevar, name)
        if isinstance(cls, type) and hasattr(cls, "_typeid_"):
            assert "*arguments" not in str(inspect.signature(cls)), name


class Printer:
    """As much of IPython's as it takes."""

    def text(self, text: str) -> None:
        self.printed = text


def pretty(variable: Any) -> str:
    printer = Printer()
    variable._repr_pretty_(printer, False)
    return printer.printed


def test_ipython_shows_what_is_in_a_variable_as_far_as_it_is_short(manager: Any) -> None:
    assert pretty(manager.dict(a=1)) == "DictProxy({'a': 1})"
    assert pretty(manager.list([1, 2])) == "ListProxy([1, 2])"
    assert pretty(manager.Value("i", 3)) == "ValueProxy(3)"
    assert pretty(manager.set()) == "SetProxy(set())"
    assert pretty(manager.list(range(100))).endswith(", 19, ...])")
    assert pretty(manager.list(range(5000))) == "<ListProxy of 5,000 items>"
    assert len(pretty(manager.dict(a="x" * 10_000))) < 120
    assert pretty(sharevar.Lock()) == "<Lock(owner=None)>"
    closed = sharevar.Manager()
    shown = closed.dict(a=1)
    closed.shutdown()
    assert pretty(shown) == repr(shown)


def test_a_notebook_gets_the_same_in_escaped_html(manager: Any) -> None:
    assert "&lt;b&gt;" in manager.list(["<b>"])._repr_html_()
    table = manager.dict({"<i>": 1, "b": [2]})._repr_html_()
    assert table.count("<tr>") == 2 and "&lt;i&gt;" in table and "<i>" not in table
    long = manager.dict({number: "x" * 10_000 for number in range(100)})._repr_html_()
    assert long.count("<tr>") == 21 and len(long) < 4_000
    assert sharevar.Lock()._repr_html_() == "<code>&lt;Lock(owner=None)&gt;</code>"
    closed = sharevar.Manager()
    shown = closed.dict(a=1)
    closed.shutdown()
    assert shown._repr_html_().startswith("<code>&lt;DictProxy object")
