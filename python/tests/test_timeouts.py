"""How long an operation waits: the numbers that `threading` and `multiprocessing` take.

A manager's objects stand for those of `threading` and `queue`, all others for those of
`multiprocessing`. The outcomes here were taken down from CPython's own, except that a time
too large for it is for ever where CPython fails with `OSError: Invalid argument`.
"""

from __future__ import annotations

import math
import queue
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

import sharevar

pytestmark = pytest.mark.every_engine

# A wait does not return within it. A call that does not wait may take longer on a busy machine.
MOMENT = 0.03
LIMIT = 60
WAITS = "waits"
LOCKS = ("Lock", "RLock", "Condition")
SEMAPHORES = ("Semaphore", "BoundedSemaphore")


class Call:
    """A call in a thread, and what comes of it."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.outcome: Any = WAITS
        self._function, self._arguments = function, arguments
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.outcome = self._function(*self._arguments)
        except BaseException as error:
            self.outcome = type(error)

    def expect(self, expected: Any, end: Callable[[], Any], ended: Any) -> None:
        """What was expected comes, or the call waits until ``end`` was called."""
        arguments = self._arguments
        self._thread.join(MOMENT if expected == WAITS else LIMIT)
        assert self.outcome == expected, (arguments, self.outcome)
        if expected == WAITS:
            end()
            self._thread.join(LIMIT)
            assert self.outcome == ended, arguments


class Held:
    """An object that a thread has taken, until it is told to give it back."""

    def __init__(self, thing: Any) -> None:
        self.thing = thing
        self._taken, self._end = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._hold, daemon=True)
        self._thread.start()
        assert self._taken.wait(LIMIT)

    def _hold(self) -> None:
        with self.thing:
            self._taken.set()
            self._end.wait()

    def give_back(self) -> None:
        self._end.set()
        self._thread.join(LIMIT)


def find(manager: Any, home: str) -> Any:
    return manager if home == "manager" else sharevar


# By the arguments of `acquire`: of an object that is held, and of one that is free.
OF_THREADING: dict[tuple[Any, ...], tuple[Any, Any]] = {
    (): (WAITS, True),
    (True,): (WAITS, True),
    (1, None): (WAITS, True),
    (False,): (False, True),
    (0, None): (False, True),
    (True, -1): (WAITS, True),
    (False, -1): (False, True),
    (True, 0): (False, True),
    (True, 0.01): (False, True),
    (True, 1e9): (WAITS, True),
    (True, True): (WAITS, True),
    (True, -0.5): (ValueError, ValueError),
    (True, -2): (ValueError, ValueError),
    (False, 0): (ValueError, ValueError),
    (False, 1): (ValueError, ValueError),
    (False, -0.5): (ValueError, ValueError),
    (True, math.nan): (ValueError, ValueError),
    (True, 1e10): (OverflowError, OverflowError),
    (True, 1e300): (OverflowError, OverflowError),
    (True, math.inf): (OverflowError, OverflowError),
    (True, -math.inf): (OverflowError, OverflowError),
    (True, "1"): (TypeError, TypeError),
}
# A timeout below zero is none at all.
OF_ALL_BUT_THREADING_LOCKS: dict[tuple[Any, ...], tuple[Any, Any]] = {
    (): (WAITS, True),
    (1, None): (WAITS, True),
    (False,): (False, True),
    (0, None): (False, True),
    (True, -1): (False, True),
    (True, -0.5): (False, True),
    (True, -math.inf): (False, True),
    (True, 0): (False, True),
    (True, 0.01): (False, True),
    (True, 1e9): (WAITS, True),
}
OF_THREADING_SEMAPHORES: dict[tuple[Any, ...], tuple[Any, Any]] = {
    **OF_ALL_BUT_THREADING_LOCKS,
    (False, 0): (ValueError, ValueError),
    (False, 1): (ValueError, ValueError),
    (False, -1): (ValueError, ValueError),
    (True, 1e10): (OverflowError, True),
    (True, math.inf): (OverflowError, True),
}
OF_MULTIPROCESSING: dict[tuple[Any, ...], tuple[Any, Any]] = {
    **OF_ALL_BUT_THREADING_LOCKS,
    (True,): (WAITS, True),
    (True, 1e10): (WAITS, True),
    (False, 0): (False, True),
    (False, 1): (False, True),
    (False, -1): (False, True),
    (False, math.inf): (False, True),
    (True, math.inf): (WAITS, True),
    (True, "1"): (TypeError, TypeError),
}
ACQUIRE = {
    **{(kind, "manager"): OF_THREADING for kind in LOCKS},
    **{(kind, "manager"): OF_THREADING_SEMAPHORES for kind in SEMAPHORES},
    **{(kind, "own"): OF_MULTIPROCESSING for kind in (*LOCKS, *SEMAPHORES)},
}


@pytest.mark.parametrize(("kind", "home"), ACQUIRE)
def test_acquire(manager: Any, kind: str, home: str) -> None:
    for arguments, (of_held, of_free) in ACQUIRE[kind, home].items():
        held = Held(getattr(find(manager, home), kind)())
        Call(held.thing.acquire, *arguments).expect(of_held, held.give_back, True)
        held.give_back()
        free = getattr(find(manager, home), kind)()
        Call(free.acquire, *arguments).expect(of_free, free.release, None)


@pytest.mark.parametrize("kind", (*LOCKS, *SEMAPHORES))
def test_names_of_the_arguments(manager: Any, kind: str) -> None:
    for home in (sharevar, manager):
        thing = getattr(home, kind)()
        assert thing.acquire(block=True, timeout=1) is True
        thing.release()
        assert thing.acquire(blocking=True, timeout=1) is True
        thing.release()
        assert thing.acquire(blocking=False) is True


# The outcome of a wait by its arguments, if nothing is notified, set or joined.
WAIT = {
    "manager": {
        (): WAITS, (None,): WAITS, (1e9,): WAITS,
        (0,): False, (0.01,): False, (-1,): False, (-0.5,): False, (-math.inf,): False,
        (1e10,): OverflowError, (math.inf,): OverflowError, ("1",): TypeError,
    },
    "own": {
        (): WAITS, (None,): WAITS, (1e9,): WAITS, (1e10,): WAITS, (math.inf,): WAITS,
        (0,): False, (0.01,): False, (-1,): False, (-0.5,): False, (-math.inf,): False,
        ("1",): TypeError,
    },
}  # fmt: skip


@pytest.mark.parametrize("home", WAIT)
def test_event(manager: Any, home: str) -> None:
    for arguments, expected in WAIT[home].items():
        event = find(manager, home).Event()
        Call(event.wait, *arguments).expect(expected, event.set, True)


@pytest.mark.parametrize("home", WAIT)
def test_condition(manager: Any, home: str) -> None:
    for arguments, expected in WAIT[home].items():
        expect_of_condition(find(manager, home).Condition(), arguments, expected)


def expect_of_condition(
    condition: Any, arguments: tuple[Any, ...], expected: Any
) -> None:
    def wait(*arguments: Any) -> bool:
        with condition:
            return bool(condition.wait(*arguments))

    def notify() -> None:
        # Again and again: it may not wait yet.
        end = time.monotonic() + LIMIT
        while call.outcome == WAITS and time.monotonic() < end:
            with condition:
                condition.notify()
            time.sleep(0.001)

    call = Call(wait, *arguments)
    call.expect(expected, notify, True)


@pytest.mark.parametrize("home", WAIT)
def test_barrier(manager: Any, home: str) -> None:
    for arguments, expected in WAIT[home].items():
        barrier = find(manager, home).Barrier(2)
        broken = threading.BrokenBarrierError
        call = Call(type_of, barrier.wait, *arguments)
        call.expect(broken if expected is False else expected, barrier.wait, int)


def type_of(function: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return type(function(*arguments))
    except threading.BrokenBarrierError:
        raise threading.BrokenBarrierError from None


# Of a `get`: where there is nothing, and where there is an item.
GET: dict[str, dict[tuple[Any, ...], tuple[Any, Any]]] = {
    "manager": {
        (): (WAITS, 1), (True, None): (WAITS, 1), (1,): (WAITS, 1), (True, 1e9): (WAITS, 1),
        (False,): (queue.Empty, 1), (False, -1): (queue.Empty, 1), (0, 5): (queue.Empty, 1),
        (False, math.inf): (queue.Empty, 1),
        (True, 0): (queue.Empty, 1), (True, 0.01): (queue.Empty, 1),
        (True, -1): (ValueError, ValueError), (True, -0.5): (ValueError, ValueError),
        (True, -math.inf): (ValueError, ValueError),
        (True, 1e10): (OverflowError, 1), (True, math.inf): (OverflowError, 1),
    },
    "own": {
        (): (WAITS, 1), (True, None): (WAITS, 1), (1,): (WAITS, 1), (True, 1e9): (WAITS, 1),
        (False,): (queue.Empty, 1), (False, -1): (queue.Empty, 1), (0, 5): (queue.Empty, 1),
        (False, math.inf): (queue.Empty, 1),
        (True, 0): (queue.Empty, 1), (True, 0.01): (queue.Empty, 1),
        (True, -1): (queue.Empty, 1), (True, -0.5): (queue.Empty, 1),
        (True, -math.inf): (queue.Empty, 1),
        (True, 1e10): (WAITS, 1), (True, math.inf): (WAITS, 1),
    },
}  # fmt: skip


@pytest.mark.parametrize("home", GET)
@pytest.mark.parametrize("kind", ["Queue", "JoinableQueue"])
def test_get(manager: Any, kind: str, home: str) -> None:
    for arguments, (of_empty, of_item) in GET[home].items():
        jobs = getattr(find(manager, home), kind)()
        Call(jobs.get, *arguments).expect(of_empty, lambda jobs=jobs: jobs.put(2), 2)
        jobs = getattr(find(manager, home), kind)()
        jobs.put(1)
        Call(jobs.get, *arguments).expect(of_item, jobs.get, None)


@pytest.mark.parametrize("home", GET)
@pytest.mark.parametrize("kind", ["Queue", "JoinableQueue"])
def test_put(manager: Any, kind: str, home: str) -> None:
    for arguments, (of_empty, of_item) in GET[home].items():
        # A put fails as a get does, with another exception.
        full = queue.Full if of_empty is queue.Empty else of_empty
        room = None if of_item == 1 else of_item
        for limit, filled, expected in ((1, 1, full), (1, 0, room), (0, 5, None)):
            jobs = getattr(find(manager, home), kind)(limit)
            for _ in range(filled):
                jobs.put(0)
            Call(jobs.put, 1, *arguments).expect(expected, jobs.get, None)


def test_a_time_that_is_no_number(manager: Any) -> None:
    for home in (sharevar, manager):
        held = Held(home.Lock())
        Call(held.thing.acquire, True, math.nan).expect(ValueError, held.give_back, None)
        held.give_back()
        Call(home.Queue().get, True, math.nan).expect(ValueError, lambda: None, None)
        Call(home.Event().wait, math.nan).expect(ValueError, lambda: None, None)


@pytest.mark.parametrize("flag", [0.5, "x", None, [], b"", 1, 0, True, False])
@pytest.mark.parametrize("kind", [*LOCKS, *SEMAPHORES])
def test_a_time_in_the_place_of_the_flag(manager: Any, kind: str, flag: Any) -> None:
    """As CPython has it: of a manager, a semaphore alone takes anything."""
    import multiprocessing

    for maker, standard in ((sharevar, multiprocessing), (manager, threading)):
        ours, theirs = getattr(maker, kind)(), getattr(standard, kind)()
        for number in range(2):
            refused = None
            try:
                expected = theirs.acquire(flag) if number == 0 or not flag else None
            except TypeError as error:
                refused = str(error)
            if refused is not None:
                with pytest.raises(TypeError, match="interpreted as an integer"):
                    ours.acquire(flag)
            elif expected is not None:
                assert ours.acquire(flag) is bool(expected), (maker, number)
