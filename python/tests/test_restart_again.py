"""What could keep a host that has died from being started again."""

from __future__ import annotations

import errno
import multiprocessing
import os
import signal
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from support.hosted_objects import KEY, Deadly, Kept
from support.processes import kill_host

import sharevar
from sharevar._hosting.launch import Launch
from sharevar.managers import BaseManager

pytestmark = pytest.mark.long


class Parent(Kept):
    """It has a child of its own."""

    def is_daemonic(self) -> bool:
        return multiprocessing.current_process().daemon

    def start_child(self) -> int:
        child = multiprocessing.get_context("fork").Process(target=signal.pause)
        child.start()
        assert child.pid is not None
        return child.pid


class Exiting(Kept):
    def exit(self, code: int) -> None:
        os._exit(code)


class Base(BaseManager):
    pass


for _cls in (Kept, Deadly, Exiting, Parent):
    Base.register(_cls.__name__, _cls, restart=True)


def test_its_children_live_on(context: Any) -> None:
    with Base(authkey=KEY, ctx=context) as manager:
        parent = manager.Parent(1)
        child = parent.start_child()
        try:
            for _ in range(2):
                kill_host(manager)
                assert parent.get() == [1]
        finally:
            os.kill(child, signal.SIGKILL)


@pytest.fixture
def at_forks() -> Iterator[list[Callable[[], None]]]:
    """What is done whenever a host is about to be forked again."""
    doing: list[Callable[[], None]] = []

    def before_fork() -> None:
        if doing and threading.current_thread().name == "sharevar supervisor":
            do = doing.pop()
            do()
            doing.append(do)

    # It stays for good. The last hook is the first to be called: no other one has taken
    # its lock then.
    os.register_at_fork(before=before_fork)
    yield doing
    doing.clear()


@pytest.fixture
def forked_beside(at_forks: list[Callable[[], None]]) -> Iterator[list[int]]:
    """Children that are forked beside each host that is started again."""
    children: list[int] = []

    def fork() -> None:
        child = os.fork()
        if child == 0:
            signal.pause()
        children.append(child)

    at_forks.append(fork)
    yield children
    for child in children:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def test_children_that_were_forked_beside_it_live_on(
    forked_beside: list[int], capfd: Any
) -> None:
    with Base(authkey=KEY, ctx=multiprocessing.get_context("fork")) as manager:
        deadly = manager.Deadly()
        kill_host(manager)
        with suppress(sharevar.HostDied):
            deadly.get()
        manager._process.join(60)
        assert not manager._process.is_alive()
        assert len(forked_beside) == 5
    assert "died 6 times in a row" in capfd.readouterr().err


@pytest.mark.parametrize("code", [0, 1])
def test_it_ends_itself(code: int) -> None:
    with Base(authkey=KEY) as manager:
        exiting = manager.Exiting(1)
        for _ in range(2):
            with pytest.raises(sharevar.HostDied) as died:
                exiting.exit(code)
            assert died.value.started
            assert exiting.get() == [1]


def test_it_cannot_listen_any_more(tmp_path: Path, capfd: Any) -> None:
    directory = tmp_path / "sockets"
    directory.mkdir()
    with Base(str(directory / "host"), KEY) as manager:
        kept = manager.Kept()
        (directory / "host").unlink()
        directory.rmdir()
        kill_host(manager)
        manager._process.join(60)
        assert not manager._process.is_alive()
        assert manager._process.exitcode == 1
        with pytest.raises(sharevar.HostUnreachable):
            kept.get()
    said = capfd.readouterr().err
    assert "died 6 times in a row" in said
    assert "No such file or directory" in said


class Failing:
    """What starts hosts fails so often."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.left = 0
        restart = Launch.restart

        def try_it(launch: Launch, address: Any) -> tuple[Any, Any]:
            if self.left:
                self.left -= 1
                raise BlockingIOError("no more processes")
            return restart(launch, address)

        monkeypatch.setattr(Launch, "restart", try_it)


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Failing:
    return Failing(monkeypatch)


def test_there_are_no_processes_for_a_while(failing: Failing) -> None:
    with Base(authkey=KEY) as manager:
        kept = manager.Kept(1)
        for _ in range(2):
            failing.left = 2
            kill_host(manager)
            assert kept.get() == [1]
            assert failing.left == 0


def test_there_are_no_descriptors_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    open_it = os.pidfd_open

    def fail(*arguments: Any) -> int:
        if threading.current_thread().name == "sharevar supervisor":
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return open_it(*arguments)

    monkeypatch.setattr(os, "pidfd_open", fail)
    with Base(authkey=KEY) as manager:
        kept = manager.Kept(1)
        for _ in range(2):
            kill_host(manager)
            assert kept.get() == [1]


def test_there_are_no_processes_any_more(failing: Failing, capfd: Any) -> None:
    with Base(("127.0.0.1", 0), KEY) as manager:
        kept = manager.Kept()
        failing.left = 100
        kill_host(manager)
        manager._process.join(60)
        assert not manager._process.is_alive()
        assert failing.left == 95
        # It is not waited for.
        with pytest.raises(sharevar.HostUnreachable):
            kept._within(50).get()
    assert "no more processes" in capfd.readouterr().err


def test_the_rest_of_the_process_goes_on_as_it_was(
    at_forks: list[Callable[[], None]],
) -> None:
    own = multiprocessing.current_process()
    filters = warnings.filters
    seen = []
    at_forks.append(lambda: seen.append((warnings.filters is filters, own.daemon)))
    with Base(authkey=KEY, ctx=multiprocessing.get_context("fork")) as manager:
        parent = manager.Parent()
        own._config["daemon"] = True
        try:
            kill_host(manager)
            assert not parent.is_daemonic()
        finally:
            del own._config["daemon"]
    assert seen == [(True, True)]
