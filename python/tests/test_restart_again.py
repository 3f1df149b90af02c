"""What could keep a host that has died from being started again."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from test_restart import KEY, Deadly, Kept, kill

import sharevar
from sharevar.managers import BaseManager


class Parent(Kept):
    """It has a child of its own."""

    def start_child(self) -> int:
        child = multiprocessing.get_context("fork").Process(target=signal.pause)
        child.start()
        assert child.pid is not None
        return child.pid


class Base(BaseManager):
    pass


for _cls in (Kept, Deadly, Parent):
    Base.register(_cls.__name__, _cls, restart=True)


def test_its_children_live_on(context: Any) -> None:
    with Base(authkey=KEY, ctx=context) as manager:
        parent = manager.Parent(1)
        child = parent.start_child()
        try:
            for _ in range(2):
                kill(manager)
                assert parent.get() == [1]
        finally:
            os.kill(child, signal.SIGKILL)


# What another thread forks while a host is being started. A hook of a fork stays for good.
_forks_beside: list[int] | None = None


def _fork_beside() -> None:
    global _forks_beside
    if _forks_beside is not None and threading.current_thread().name == "sharevar supervisor":
        children, _forks_beside = _forks_beside, None
        child = os.fork()
        if child == 0:
            signal.pause()
        children.append(child)
        _forks_beside = children


os.register_at_fork(before=_fork_beside)


@pytest.fixture
def forked_beside() -> Iterator[list[int]]:
    """Children that are forked beside each host that is started again."""
    global _forks_beside
    children: list[int] = []
    _forks_beside = children
    yield children
    _forks_beside = None
    for child in children:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def test_children_that_were_forked_beside_it_live_on(
    forked_beside: list[int], capfd: Any
) -> None:
    with Base(authkey=KEY, ctx=multiprocessing.get_context("fork")) as manager:
        deadly = manager.Deadly()
        kill(manager)
        with suppress(sharevar.HostDied):
            deadly.get()
        manager._process.join(60)
        assert not manager._process.is_alive()
        assert len(forked_beside) == 5
    assert "died 6 times in a row" in capfd.readouterr().err
