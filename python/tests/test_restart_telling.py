"""What a host that was started again is told of the references that its clients have."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import os
import pickle
import signal
import threading
from collections.abc import Callable, Iterator
from multiprocessing.reduction import ForkingPickler
from typing import Any

import pytest
from support.hosted_objects import KEY, Kept
from support.processes import kill_host
from support.threads import Caller
from support.waiting import eventually, sleeps

import sharevar
from sharevar._hosting.checkpoint import Checkpoint
from sharevar.managers import BaseManager

pytestmark = pytest.mark.long

fork = multiprocessing.get_context("fork")


class Manager(BaseManager):
    pass


Manager.register("Kept", Kept, restart=True)


class Hearing:
    """A host that does not hear to the end what it is told first."""

    def __init__(self) -> None:
        self._next = fork.Event()
        self._inside = fork.Semaphore(0)
        self._gate = fork.Semaphore(0)

    def begin(self, host: Any) -> None:
        kill_host(host)
        self._next.set()

    def wait_inside(self) -> None:
        assert self._inside.acquire(timeout=50)

    def is_inside(self) -> bool:
        return self._inside.acquire(block=False)

    def go_on(self) -> None:
        self._gate.release()

    def stop(self, noted: Callable[..., None]) -> Callable[..., None]:
        def note(*arguments: Any) -> None:
            noted(*arguments)
            if self._next.is_set():
                self._next.clear()
                self._inside.release()
                assert self._gate.acquire(timeout=50)

        return note


@pytest.fixture
def hearing(monkeypatch: pytest.MonkeyPatch) -> Hearing:
    made = Hearing()
    stopped = made.stop(Checkpoint.note_holder)
    monkeypatch.setattr(Checkpoint, "note_holder", stopped)
    return made


@pytest.fixture
def host(hearing: Hearing) -> Iterator[Any]:
    with Manager(authkey=KEY, ctx=fork) as manager:
        yield manager


def check_that_all_is_released(host: Any) -> None:
    """What this process held and does not any more, the host has no reference on."""
    gc.collect()
    eventually(lambda: host._number_of_objects() == 0)


def test_the_first_thing_after_a_death_is_a_proxy_that_comes(host: Any) -> None:
    ours, theirs = fork.Pipe()
    go = fork.Semaphore(0)

    def receive() -> None:
        # Under fork it has both, and begins by dropping one.
        proxies.pop()
        gc.collect()
        assert proxies[0].get() == ["a"]
        theirs.send("ready")
        received = pickle.loads(theirs.recv_bytes())
        assert received.get() == ["b"]
        del received
        theirs.send("released")
        assert go.acquire(timeout=50)

    proxies = [host.Kept("a"), host.Kept("b")]
    child = fork.Process(target=receive)
    child.start()
    assert ours.recv() == "ready"
    kill_host(host)
    assert proxies[1].get() == ["b"]
    ours.send_bytes(ForkingPickler.dumps(proxies[1]))
    assert ours.recv() == "released"
    proxies.pop()
    gc.collect()
    # The child lives on, and what it was sent is of no use to anybody.
    eventually(lambda: host._number_of_objects() == 1)
    go.release()
    child.join()
    assert child.exitcode == 0


def test_other_threads_call_while_one_tells(host: Any, hearing: Hearing) -> None:
    kept = host.Kept(1)
    hearing.begin(host)
    teller = Caller(kept.get)
    hearing.wait_inside()
    assert kept.get() == [1]
    assert kept._within(50).get() == [1]
    assert asyncio.run(call_awaited(kept)) == [1]
    assert kept.add(host.Kept(2)) == 2
    assert teller.is_alive()
    hearing.go_on()
    teller.join(50)
    assert len(teller.outcome) == 2
    del kept, teller
    check_that_all_is_released(host)


async def call_awaited(kept: Any) -> Any:
    return await kept.get_async()


def test_a_child_is_forked_while_a_thread_tells(host: Any, hearing: Hearing) -> None:
    kept = host.Kept(1)
    hearing.begin(host)
    teller = Caller(kept.get)
    hearing.wait_inside()
    child = fork.Process(target=kept.add, args=(2,))
    child.start()
    child.join(50)
    assert child.exitcode == 0
    assert teller.is_alive()
    hearing.go_on()
    teller.join(50)
    assert teller.outcome == [1, 2]
    del kept, teller, child
    check_that_all_is_released(host)


def test_a_time_limit_ends_while_it_tells(host: Any, hearing: Hearing) -> None:
    kept = host.Kept(1)
    hearing.begin(host)
    while not hearing.is_inside():
        # It may end before there is a host to tell.
        with pytest.raises(sharevar.CallTimedOut):
            kept._within(0.1).add(2)
    # Whoever comes next goes on with it.
    with pytest.raises(sharevar.CallTimedOut):
        kept._within(0.1).add(3)
    hearing.go_on()
    assert kept.add(4) == 2
    assert kept.get() == [1, 4]
    del kept
    check_that_all_is_released(host)


def test_a_signal_ends_it(host: Any, hearing: Hearing) -> None:
    class Woken(Exception):
        pass

    def wake(*_: Any) -> None:
        raise Woken

    def interrupt() -> None:
        hearing.wait_inside()
        eventually(lambda: sleeps(os.getpid()))
        os.kill(os.getpid(), signal.SIGUSR1)

    kept = host.Kept(1)
    hearing.begin(host)
    before = signal.signal(signal.SIGUSR1, wake)
    try:
        interrupting = threading.Thread(target=interrupt)
        interrupting.start()
        with pytest.raises(Woken):
            kept.add(2)
        interrupting.join()
    finally:
        signal.signal(signal.SIGUSR1, before)
    hearing.go_on()
    assert asyncio.run(call_awaited(kept)) == [1]
    del kept
    check_that_all_is_released(host)


def test_what_is_dropped_and_made_while_it_is_told(host: Any, hearing: Hearing) -> None:
    proxies = [host.Kept(number) for number in range(20)]
    pickled = [bytes(ForkingPickler.dumps(proxy)) for proxy in proxies]
    hearing.begin(host)
    teller = Caller(proxies[0].get)
    hearing.wait_inside()
    # Some for good, some to come again.
    del proxies[1:]
    gc.collect()
    proxies += [pickle.loads(pickle_) for pickle_ in pickled[:10]]
    hearing.go_on()
    teller.join(50)
    assert [proxy.get() for proxy in proxies[1:]] == [[number] for number in range(10)]
    eventually(lambda: host._number_of_objects() == 10)
    del proxies, teller
    check_that_all_is_released(host)


def test_the_host_dies_while_it_is_told(host: Any, hearing: Hearing) -> None:
    kept = host.Kept(1)
    hearing.begin(host)
    teller = Caller(kept.get)
    hearing.wait_inside()
    assert kept.add(2) == 2
    kill_host(host)
    teller.join(50)
    assert teller.outcome == [1, 2]
    assert kept.add(3) == 3
    del kept, teller
    check_that_all_is_released(host)
