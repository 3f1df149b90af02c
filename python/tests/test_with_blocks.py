"""``with`` on every kind of lock: what its body raises is what the program gets."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

import sharevar

pytestmark = pytest.mark.every_engine

KINDS = ("Lock", "RLock", "Semaphore", "BoundedSemaphore", "Condition")


class Failure(Exception):
    pass


def give_back(thing: Any) -> None:
    thing.release()


def close(thing: Any) -> None:
    thing.arena.close()


# The end of the lock in the body, before this raises.
ENDS: dict[str, Callable[[Any], None]] = {"given back": give_back, "closed": close}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("kind", KINDS)
def test_the_bodys_error_is_not_hidden(kind: str, end: str) -> None:
    manager = sharevar.Manager()
    thing = getattr(manager, kind)()
    with pytest.raises(Failure):
        with thing:
            ENDS[end](thing)
            raise Failure


@pytest.mark.parametrize("kind", KINDS)
def test_without_an_error_of_its_own_the_body_gets_the_exits(kind: str) -> None:
    thing = getattr(sharevar.Manager(), kind)()
    if kind == "Semaphore":
        # More units than at first are nothing unusual.
        return
    with pytest.raises((ValueError, RuntimeError, AssertionError)):
        with thing:
            thing.release()


@pytest.mark.parametrize("kind", KINDS)
def test_who_is_in_a_block_learns_that_the_manager_is_gone(kind: str) -> None:
    manager = sharevar.Manager()
    thing = getattr(manager, kind)()
    with pytest.raises(sharevar.ClosedError):
        with thing:
            manager.shutdown()
            manager_is_gone(thing)


@pytest.mark.parametrize("kind", KINDS)
def test_a_block_that_shuts_its_manager_down_ends_as_any_other(kind: str) -> None:
    manager = sharevar.Manager()
    with getattr(manager, kind)():
        manager.shutdown()


def manager_is_gone(thing: Any) -> None:
    thing.acquire()


@pytest.mark.parametrize("kind", KINDS)
def test_who_waits_learns_that_the_manager_is_gone(kind: str) -> None:
    manager = sharevar.Manager()
    thing = getattr(manager, kind)()
    begun, errors = threading.Event(), []

    def wait() -> None:
        try:
            if kind == "Condition":
                with thing:
                    begun.set()
                    thing.wait()
            else:
                begun.set()
                with thing:
                    pass
        except BaseException as error:
            errors.append(error)

    if kind != "Condition":
        thing.acquire()
    thread = threading.Thread(target=wait)
    thread.start()
    begun.wait()
    if kind == "Condition":
        # It is free once the thread waits.
        thing.acquire()
    manager.shutdown()
    thread.join(60)
    assert [type(error) for error in errors] == [sharevar.ClosedError]


@pytest.mark.parametrize("kind", ["Lock", "RLock", "Condition"])
def test_giving_back_what_a_closed_manager_had(kind: str) -> None:
    manager = sharevar.Manager()
    thing = getattr(manager, kind)()
    manager.shutdown()
    with pytest.raises(sharevar.ClosedError):
        thing.release()
    if kind == "Condition":
        for use in (thing.notify, thing.notify_all, thing.wait):
            with pytest.raises(sharevar.ClosedError):
                use()


@pytest.mark.parametrize("kind", ["Value", "Array"])
def test_the_wrappers_of_ctypes_objects(kind: str) -> None:
    thing = getattr(sharevar, kind)("i", 1)
    with pytest.raises(Failure):
        with thing:
            thing.get_lock().release()
            raise Failure
