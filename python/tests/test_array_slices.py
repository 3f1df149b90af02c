"""Operations on a manager's array are done at one moment, beside others and under kills."""

from __future__ import annotations

import os
import signal
import time
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

TYPECODES = "bBhHiIlLqQfdu"


def item(typecode: str, number: int) -> Any:
    return "ab"[number] if typecode == "u" else number


@contextmanager
def beside(write: Callable[[], None]) -> Iterator[int]:
    """Another process that writes again and again, and is killed at the end."""
    pid = os.fork()
    if pid == 0:
        try:
            signal.alarm(60)
            while True:
                write()
        finally:
            # Never back into the tests.
            os._exit(1)
    try:
        yield pid
    finally:
        os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL, "it ended by itself"


def settle(shared: Any) -> list[Any]:
    """A value that was read after a kill stands, by whichever process it is read again."""
    found = list(shared[:])
    assert list(shared) == found
    shared[0] = shared[0]
    assert list(shared[:]) == found
    return found


@pytest.mark.parametrize("length", [2, 65, 1000, 32_768, 100_000])
def test_a_slice_of_any_length_is_stored_and_read_whole(manager: Any, length: int) -> None:
    shared = manager.Array("q", [0] * length)
    new = [array("q", [number]) * length for number in range(2)]

    def write() -> None:
        for items in new:
            shared[:] = items

    for _ in range(3):
        with beside(write):
            end = time.monotonic() + 0.15
            while time.monotonic() < end:
                assert len(set(shared[:])) == 1
                assert len(set(shared._getvalue())) == 1
                assert len(set(shared[:: max(length // 2 - 1, 1)])) == 1
        assert len(set(settle(shared))) == 1


# From Python 3.13 on `array` warns of it.
@pytest.mark.filterwarnings("ignore:The 'u' type code:DeprecationWarning")
@pytest.mark.parametrize("typecode", TYPECODES)
def test_slices_of_every_type_are_whole(manager: Any, typecode: str) -> None:
    shared = manager.Array(typecode, [item(typecode, 0)] * 301)
    new = [array(typecode, [item(typecode, number)] * 100) for number in range(2)]

    def write() -> None:
        for items in new:
            # Every third, from the end.
            shared[299:0:-3] = items

    with beside(write):
        end = time.monotonic() + 0.1
        while time.monotonic() < end:
            assert len(set(shared[2::3])) == 1
    assert len(set(settle(shared)[2::3])) == 1


@pytest.mark.parametrize("length", [8, 3000])
def test_an_element_that_was_read_or_stored_does_not_go_back(manager: Any, length: int) -> None:
    """By a slice that a kill undoes."""
    shared = manager.Array("q", [0] * length)

    def write() -> None:
        items = array("q", [shared[0] + 1]) * length
        shared[:] = items

    for round in range(20):
        with beside(write):
            for index in range(length // 2, length // 2 + 200):
                first, second = shared[index % length], shared[(index + 1) % length]
                assert first <= second, "the later read is of a state before"
        settled = settle(shared)
        place = round % length
        shared[place] = settled[0]
        assert settle(shared) == settled


def test_a_stored_element_outlives_a_kill_of_who_stores_slices(manager: Any) -> None:
    shared = manager.Array("q", [0] * 500)

    def write() -> None:
        shared[0:400] = array("q", [7]) * 400

    for number in range(60):
        with beside(write):
            time.sleep(0.0005 * (number % 4))
            shared[450] = number
            shared[399] = -number
        # Of two writers one was later; nothing older comes back.
        assert shared[399] in (7, -number)
        assert shared[450] == number


@pytest.mark.every_engine
def test_slices_are_those_of_an_array(manager: Any) -> None:
    model = array("h", range(200))
    shared = manager.Array("h", range(200))
    places = [slice(None), slice(5, 5), slice(190, 3, -7), slice(3, 190, 65), slice(-3, None)]
    for place in places:
        assert shared[place] == model[place]
        items = array("h", (3 * number for number in model[place]))
        shared[place] = items
        model[place] = items
        assert shared[:] == model
        shared[place] = list(items)
        assert shared[:] == model
    shared[:] = shared
    assert shared[:] == model
    shared[0:3] = manager.Array("h", [1, 2, 3])
    shared[3:6] = [4, 5, 6]
    assert list(shared[:6]) == [1, 2, 3, 4, 5, 6]
    for wrong in ([1], array("h", [1]), range(201)):
        with pytest.raises(ValueError):
            shared[:] = wrong
    with pytest.raises(OverflowError):
        shared[0:2] = [1, 70_000]
    assert list(shared[:2]) == [1, 2]


def test_a_slice_without_room_for_what_it_replaces_changes_nothing() -> None:
    import sharevar

    with sharevar.Manager(capacity=4 << 20) as manager:
        shared = manager.Array("q", range(400_000))
        with pytest.raises(MemoryError):
            shared[:] = array("q", [1]) * 400_000
        assert list(shared) == list(range(400_000))
        shared[:100_000] = array("q", [1]) * 100_000
        assert list(shared[99_999:100_001]) == [1, 100_000]
