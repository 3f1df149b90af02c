"""Functions that hosted objects call in the process of who has handed them over."""

from __future__ import annotations

import gc
import multiprocessing
import os
import pickle
import sys
import threading
from collections.abc import Callable, Iterator
from multiprocessing.pool import RemoteTraceback
from typing import Any

import pytest
from support.processes import kill_host
from support.waiting import eventually

import sharevar
from sharevar._hosting import callbacks
from sharevar.managers import BaseManager

KEY = b"a key that both sides know"


class Bell:
    """It calls those who want to hear it."""

    def __init__(self) -> None:
        self.heard_by: list[Any] = []

    def apply(self, function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        return function(*arguments, **named)

    def keep(self, function: Callable[..., Any]) -> None:
        self.heard_by.append(function)

    def drop(self, function: Callable[..., Any]) -> None:
        self.heard_by.remove(function)

    def ring(self, *arguments: Any) -> list[Any]:
        return [function(*arguments) for function in self.heard_by]

    def ring_later(self, *arguments: Any) -> None:
        threading.Timer(0, self.ring, arguments).start()

    def count(self) -> int:
        return len(self.heard_by)

    def given(self) -> list[Any]:
        return self.heard_by

    def raised(self) -> str:
        try:
            self.ring()
        except Exception as error:
            return type(error).__name__
        return "nothing"


class Manager(BaseManager):
    pass


Manager.register("Bell", Bell)


@pytest.fixture
def bell() -> Iterator[Any]:
    with Manager(authkey=KEY) as manager:
        yield manager.Bell()


def kept_here() -> int:
    """How many functions of this process are there to be called."""
    assert callbacks._server is not None
    return len(callbacks._server._native)


def test_it_runs_here(context: Any) -> None:
    with Manager(authkey=KEY, ctx=context) as manager:
        bell = manager.Bell()
        heard: list[Any] = []

        def hear(*arguments: Any, **named: Any) -> tuple[int, Any]:
            heard.append((arguments, named))
            return os.getpid(), heard

        result = bell.apply(sharevar.callback(hear), 1, {"a": [2]}, named=3)
        assert result == (os.getpid(), heard)
        assert heard == [((1, {"a": [2]}), {"named": 3})]


@pytest.mark.skipif(sys.version_info < (3, 11), reason="exceptions have no notes yet")
def test_a_bare_function_says_how_it_can_be_sent(bell: Any) -> None:
    with pytest.raises((AttributeError, TypeError, pickle.PicklingError)) as raised:
        bell.apply(lambda: 1)
    assert any("sharevar.callback(function)" in note for note in raised.value.__notes__)


def test_afterwards_too(bell: Any) -> None:
    heard: list[int] = []
    rung = threading.Event()

    def hear(number: int) -> None:
        heard.append(number)
        rung.set()

    # Nobody here keeps it: the object does.
    bell.keep(sharevar.callback(hear))
    gc.collect()
    for number in range(3):
        rung.clear()
        bell.ring_later(number)
        assert rung.wait(60)
    assert heard == [0, 1, 2]


def test_it_may_call_the_object(bell: Any) -> None:
    def again(depth: int) -> int:
        if depth == 0:
            return int(bell.count())
        return int(bell.apply(sharevar.callback(again), depth - 1)) + 1

    assert again(5) == 5


def test_it_goes_when_nobody_has_it(bell: Any) -> None:
    def hear() -> int:
        return 1

    function = sharevar.callback(hear)
    before = kept_here() if callbacks._server else 0
    bell.keep(function)
    bell.keep(function)
    assert kept_here() == before + 1
    assert bell.ring() == [1, 1]
    del function
    gc.collect()
    assert bell.ring() == [1, 1]
    assert len(bell.given()) == 2
    for left in (1, 0):
        bell.drop(bell.given()[0])
        gc.collect()
        assert bell.ring() == [1] * left
    # The last of it was given back with a message that nobody waits for.
    eventually(lambda: kept_here() == before)


def test_it_is_the_same_wherever_it_has_been(bell: Any) -> None:
    function = sharevar.callback(len)
    bell.keep(function)
    assert bell.given() == [function]
    bell.drop(function)
    assert bell.count() == 0


def fail(number: int) -> None:
    raise LookupError("not here", number)


def test_exceptions_arrive_with_their_tracebacks(bell: Any) -> None:
    with pytest.raises(LookupError) as raised:
        bell.apply(sharevar.callback(fail), 3)
    assert raised.value.args == ("not here", 3)
    cause = raised.value.__cause__
    assert isinstance(cause, RemoteTraceback)
    # First where it was raised here, then how it came through the object.
    text = str(cause)
    assert text.index("in fail") < text.index("in apply")
    bell.keep(sharevar.callback(fail))
    assert bell.raised() == "TypeError"


def listen(bell: Any, connection: Any) -> None:
    bell.keep(sharevar.callback(os.getpid))
    connection.send(os.getpid())
    connection.recv()


def test_whose_process_is_gone(bell: Any, context: Any) -> None:
    ours, theirs = context.Pipe()
    child = context.Process(target=listen, args=(bell, theirs))
    child.start()
    pid = ours.recv()
    assert bell.ring() == [pid]
    child.kill()
    child.join()
    assert bell.raised() == "HostUnreachable"
    with pytest.raises(sharevar.HostDied):
        bell.ring()
    assert bell.count() == 1


def hand_on(bell: Any, function: Any, connection: Any) -> None:
    bell.keep(function)
    connection.send(function())


def test_a_child_hands_on_its_parents(bell: Any, context: Any) -> None:
    ours, theirs = context.Pipe()
    function = sharevar.callback(os.getpid)
    child = context.Process(target=hand_on, args=(bell, function, theirs))
    child.start()
    called_in_child = ours.recv()
    child.join()
    # A forked child has the function itself, as everything that it inherits.
    if context.get_start_method() != "fork":
        assert called_in_child == os.getpid()
        assert bell.ring() == [os.getpid()]


def test_many_threads_and_functions(bell: Any) -> None:
    results: list[int] = []

    def call(number: int) -> None:
        for turn in range(50):
            function = sharevar.callback(lambda turn=turn: number * 1000 + turn)
            results.append(bell.apply(function))

    threads = [threading.Thread(target=call, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [
        number * 1000 + turn for number in range(4) for turn in range(50)
    ]
    gc.collect()
    eventually(lambda: kept_here() == 0)


def test_only_what_can_be_called() -> None:
    with pytest.raises(TypeError, match="must be callable"):
        sharevar.callback(3)  # type: ignore[arg-type]
    function = sharevar.callback(len)
    assert function([1]) == 1
    assert repr(function) == "callback(<built-in function len>)"


def test_no_further_than_the_machine(
    bell: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callbacks, "_machine", lambda: "another")
    with pytest.raises(sharevar.CallRefused, match="on another machine"):
        bell.apply(sharevar.callback(len), [])


def test_an_object_that_comes_back_has_those_who_live() -> None:
    class Lasting(BaseManager):
        pass

    Lasting.register("Bell", LastingBell, restart=True)
    ours, theirs = multiprocessing.get_context("fork").Pipe()
    with Lasting(authkey=KEY) as manager:
        bell = manager.Bell()
        own = sharevar.callback(os.getpid)
        bell.keep(own)
        child = multiprocessing.get_context("fork").Process(
            target=listen, args=(bell, theirs)
        )
        child.start()
        ours.recv()
        child.kill()
        child.join()
        kill_host(manager)
        assert bell.count() == 2
        assert bell.raised() == "HostUnreachable"
        assert bell.apply(own) == os.getpid()


class LastingBell(Bell):
    def __getstate__(self) -> list[Any]:
        return self.heard_by

    def __setstate__(self, heard_by: list[Any]) -> None:
        self.heard_by = heard_by
