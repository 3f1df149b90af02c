"""Hosts that die, before, during and after a call, and are started again."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import pytest

import sharevar
from sharevar.managers import BaseManager


class Store:
    def __init__(self) -> None:
        self.items: list[int] = []

    def add(self, item: int) -> int:
        self.items.append(item)
        return len(self.items)

    def process(self) -> int:
        return os.getpid()

    def die(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def each(self, function: Callable[[int], Any]) -> list[Any]:
        return [function(item) for item in self.items]

    def __getstate__(self) -> list[int]:
        return self.items

    def __setstate__(self, items: list[int]) -> None:
        self.items = items


class Restarting(BaseManager):
    pass


class Mortal(BaseManager):
    pass


Restarting.register("Store", Store, restart=True)
Mortal.register("Store", Store)


def test_what_was_acknowledged_is_there_after_each_death() -> None:
    with Restarting() as manager:
        store = manager.Store()
        lives = set()
        for count in range(1, 6):
            assert store.add(count) == count
            lives.add(store.process())
            os.kill(store.process(), signal.SIGKILL)
        assert len(lives) == 5
        assert store.each(sharevar.callback(lambda item: item)) == [1, 2, 3, 4, 5]


def test_a_call_that_has_begun_is_not_made_again() -> None:
    with Restarting() as manager:
        store = manager.Store()
        store.add(1)
        with pytest.raises(sharevar.HostDied) as died:
            store.die()
        assert died.value.started
        assert store.add(2) == 2


def test_without_restart_the_host_stays_dead() -> None:
    with Mortal() as manager:
        store = manager.Store()
        with pytest.raises(sharevar.HostDied) as died:
            store.die()
        assert died.value.started
        with pytest.raises(sharevar.HostDied) as died:
            store.add(1)
        assert not died.value.started


def test_a_callback_runs_here_and_may_call_the_object() -> None:
    with Restarting() as manager:
        store = manager.Store()
        store.add(7)
        here = sharevar.callback(lambda item: (os.getpid(), store.process()))
        assert store.each(here) == [(os.getpid(), store.process())]


def test_what_a_callback_raises_arrives() -> None:
    with Restarting() as manager:
        store = manager.Store()
        store.add(0)
        with pytest.raises(ZeroDivisionError):
            store.each(sharevar.callback(lambda item: 1 // item))
