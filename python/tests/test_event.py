"""Events: against the standard's, and with waiters and setters that are killed."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
import time
from typing import Any

import pytest
from support.processes import kill_child, stop_in_wait
from support.waiting import all_sleep, eventually, sleeps

import sharevar

pytestmark = pytest.mark.every_engine

fork = multiprocessing.get_context("fork")


def event_in_memory() -> Any:
    return sharevar.Manager("memory:").Event()


@pytest.mark.parametrize(
    "make", [sharevar.Event, event_in_memory, multiprocessing.Event, threading.Event]
)
def test_it_is_what_the_standard_ones_are(make: Any) -> None:
    event = make()
    assert event.is_set() is False
    assert event.wait(0) is False
    begin = time.monotonic()
    assert event.wait(timeout=0.05) is False
    assert time.monotonic() - begin >= 0.05
    assert event.set() is None
    assert event.set() is None
    assert event.is_set() is True
    assert event.wait() is True
    assert event.wait(0) is True
    assert event.clear() is None
    assert event.clear() is None
    assert event.is_set() is False


def test_representation() -> None:
    event = sharevar.Event()
    assert repr(event) == f"<Event at {id(event):#x} unset>"
    event.set()
    assert str(event) == f"<Event at {id(event):#x} set>"


def wait_and_tell(event: Any, connection: Any) -> None:
    connection.send("waiting")
    connection.send(event.wait(60))


@pytest.mark.needs("processes")
@pytest.mark.one_version
def test_all_who_wait_go_on(context: Any, manager: Any) -> None:
    event = sharevar.Event(manager.arena)
    kept = manager.list([event])
    same = pickle.loads(pickle.dumps(event))
    pairs = [context.Pipe() for _ in range(3)]
    children = [
        context.Process(target=wait_and_tell, args=(event, theirs)) for _, theirs in pairs
    ]
    for child in children:
        child.start()
    for ours, _ in pairs:
        assert ours.recv() == "waiting"
    eventually(lambda: all_sleep(children))
    kept[0].set()
    same.clear()
    for child, (ours, _) in zip(children, pairs, strict=True):
        assert ours.recv() is True
        child.join()


def test_a_wait_sees_what_was_cleared_again() -> None:
    event = sharevar.Event()
    ours, theirs = fork.Pipe()
    child = fork.Process(target=wait_and_tell, args=(event, theirs))
    child.start()
    assert ours.recv() == "waiting"
    eventually(lambda: sleeps(child.pid))
    # Stopped, it cannot look before the event is cleared.
    stop_in_wait(child.pid)
    event.set()
    event.clear()
    os.kill(child.pid, signal.SIGCONT)
    assert ours.recv() is True
    child.join()


def test_killed_waiters_hold_up_no_other() -> None:
    event = sharevar.Event()
    pairs = [fork.Pipe() for _ in range(4)]
    children = [
        fork.Process(target=wait_and_tell, args=(event, theirs)) for _, theirs in pairs
    ]
    for child in children:
        child.start()
    for ours, _ in pairs:
        assert ours.recv() == "waiting"
    eventually(lambda: all_sleep(children))
    # The first two keep watch for the others.
    for child in children[:2]:
        kill_child(child)
    event.set()
    for child, (ours, _) in zip(children[2:], pairs[2:], strict=True):
        assert ours.recv() is True
        child.join()


def wait_for_interrupt(event: Any, connection: Any) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    connection.send("waiting")
    try:
        event.wait()
    except KeyboardInterrupt:
        connection.send("interrupted")


def test_interrupt_ends_the_wait() -> None:
    event = sharevar.Event()
    ours, theirs = fork.Pipe()
    child = fork.Process(target=wait_for_interrupt, args=(event, theirs))
    child.start()
    assert ours.recv() == "waiting"
    eventually(lambda: sleeps(child.pid))
    os.kill(child.pid, signal.SIGINT)
    assert ours.recv() == "interrupted"
    child.join()


def test_a_wait_stops_no_other_thread() -> None:
    event = sharevar.Event()
    seen: list[bool] = []
    thread = threading.Thread(target=lambda: seen.append(event.wait()))
    thread.start()
    assert event.wait(0.05) is False
    event.set()
    thread.join()
    assert seen == [True]


def test_after_shutdown() -> None:
    manager = sharevar.Manager()
    event = sharevar.Event(manager.arena)
    manager.arena.close()
    for call in (event.set, event.clear, event.is_set, event.wait):
        with pytest.raises(sharevar.ClosedError):
            call()
    assert str(event) == f"<Event at {id(event):#x} unknown>"
