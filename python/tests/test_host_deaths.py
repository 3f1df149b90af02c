"""Hosts and their clients that are killed, at whatever moment."""

from __future__ import annotations

import gc
import multiprocessing
import multiprocessing.connection
import os
import resource
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.hosted_objects import KEY, Gate
from support.processes import descriptors, stop, threads
from support.threads import Caller
from support.waiting import eventually, interrupted

import sharevar
from sharevar._hosting import forks
from sharevar._native import HostClient
from sharevar.managers import BaseManager

pytestmark = pytest.mark.long


class Store:
    def __init__(self) -> None:
        self.items: list[Any] = []

    def append(self, item: Any) -> int:
        self.items.append(item)
        return len(self.items)


class Manager(BaseManager):
    pass


Manager.register("Store", Store)
Manager.register("Gate", Gate)
Manager.register("Pool", multiprocessing.Pool, sharevar.managers.PoolProxy)
Manager.register("RLock", threading.RLock, sharevar.managers.AcquirerProxy)


@pytest.fixture(params=["Unix", "TCP"])
def host(request: pytest.FixtureRequest) -> Iterator[Any]:
    address = None if request.param == "Unix" else ("127.0.0.1", 0)
    with Manager(address, KEY) as manager:
        yield manager


@pytest.mark.parametrize("waits_for", ["answer", "room", "greeting"])
def test_an_interrupt_ends_the_wait_for_a_stopped_host(host: Any, waits_for: str) -> None:
    # At one of these calls a connection gets a mailbox.
    for calls_before in range(8):
        store = host.Store()
        for _ in range(calls_before):
            store.append(1)
        if waits_for == "greeting":
            store._hosted[0].close()
        stop(host._process.pid)
        try:
            with pytest.raises(KeyboardInterrupt), interrupted():
                store.append(bytes(10 << 20) if waits_for == "room" else 1)
        finally:
            os.kill(host._process.pid, signal.SIGCONT)


@pytest.mark.parametrize("calls_before", [1, 5, 50])
def test_killed_before_it_has_read_the_call(host: Any, calls_before: int) -> None:
    store = host.Store()
    for _ in range(calls_before):
        store.append(1)
    stop(host._process.pid)
    caller = Caller(lambda: store.append(2))
    eventually(caller.sleeps)
    os.kill(host._process.pid, signal.SIGKILL)
    caller.join(60)
    assert isinstance(caller.outcome, sharevar.HostDied)
    assert not caller.outcome.started and caller.outcome.happened is False


@pytest.mark.parametrize("calls_before", [1, 5, 50])
def test_killed_while_it_acts_on_the_call(host: Any, calls_before: int) -> None:
    store, gate = host.Store(), host.Gate()
    for _ in range(calls_before):
        store.append(1)
    caller = Caller(gate.wait)
    assert gate.somebody_waits()
    os.kill(host._process.pid, signal.SIGKILL)
    caller.join(60)
    assert isinstance(caller.outcome, sharevar.HostDied)
    assert caller.outcome.started and caller.outcome.happened is None


def test_killed_after_it_has_answered(host: Any) -> None:
    store = host.Store()
    assert store.append(1) == 1
    pid = host._process.pid
    os.kill(pid, signal.SIGKILL)
    host._process.join()
    for _ in range(3):
        with pytest.raises(sharevar.HostDied) as died:
            store.append(2)
        assert not died.value.started and died.value.happened is False


def wait_at(gate: Any) -> None:
    gate.wait()


def test_a_client_that_is_killed_inside_a_call(host: Any) -> None:
    context = multiprocessing.get_context("fork")
    gate, store = host.Gate(), host.Store()
    before = descriptors(host._process.pid)
    for _ in range(5):
        child = context.Process(target=wait_at, args=(gate,))
        child.start()
        assert gate.somebody_waits()
        child.kill()
        child.join()
        # The call goes on, and delays nobody.
        assert store.append(1) > 0
    gate.open()
    if isinstance(host.address, str):
        eventually(lambda: descriptors(host._process.pid) <= before)
    assert host._number_of_objects() == 2


# Ten thousand are in the Rust tests (`processes_hosted`). In a process of its own: a fork
# copies the page tables of its parent, and those of a test run are large.
KILLED_CLIENTS = """
import os, signal, sys
from sharevar._native import HostClient

address, key = sys.argv[1], bytes.fromhex(sys.argv[2])
for number in range(2_000):
    child = os.fork()
    if child == 0:
        try:
            HostClient(address, key).create("Store", ())
        finally:
            os.kill(os.getpid(), signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL
    if number % 200 == 0:
        print(number, flush=True)
"""


@pytest.mark.one_version
@pytest.mark.timeout(300)
def test_two_thousand_clients_that_are_killed() -> None:
    with Manager(authkey=KEY) as manager:
        address = f"unix:{manager.address}"
        # Only what such a client does itself, and nothing of a fork's.
        assert manager._number_of_objects() == 0
        pid = manager._process.pid
        before = descriptors(pid)
        with subprocess.Popen(
            [sys.executable, "-c", KILLED_CLIENTS, address, KEY.hex()], stdout=subprocess.PIPE
        ) as clients:
            assert clients.stdout is not None
            for _ in clients.stdout:
                assert len(threads(pid)) < 100
        assert clients.returncode == 0
        eventually(lambda: manager._number_of_objects() == 0)
        eventually(lambda: descriptors(pid) <= before + 2)
        assert manager.Store().append(1) == 1


@pytest.mark.one_version
def test_thousands_of_idle_clients() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    # Two connections each, and both ends may be in this process.
    count = min(2500, (most - 500) // 4)
    if count < 400:
        pytest.skip(f"needs more than {most} descriptors")
    try:
        with Manager(authkey=KEY) as manager:
            store, pid = manager.Store(), manager._process.pid
            clients = [
                HostClient(f"unix:{manager.address}", KEY) for _ in range(count)
            ]
            for client in clients:
                client.connect()
            assert descriptors(pid) > 2 * count
            assert len(threads(pid)) < 100
            assert store.append(1) == 1
            del clients, client
            gc.collect()
            eventually(lambda: descriptors(pid) < 100)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def append_some(store: Any, barrier: Any) -> None:
    barrier.wait()
    for _ in range(20):
        store.append(1)


def test_forks_in_the_middle_of_calls() -> None:
    """The children call as well, and some of them are killed."""
    context = multiprocessing.get_context("fork")
    with Manager(authkey=KEY) as manager:
        store = manager.Store()
        done = threading.Event()
        made = [0] * 3

        def call(number: int) -> None:
            while not done.is_set():
                assert store.append(1) > 0
                made[number] += 1

        callers = [Caller(lambda number=number: call(number)) for number in range(3)]
        for turn in range(20):
            barrier = context.Barrier(2)
            child = context.Process(target=append_some, args=(store, barrier))
            child.start()
            barrier.wait()
            if turn % 4 == 0:
                child.kill()
            child.join()
            assert child.exitcode in (0, -signal.SIGKILL)
            assert child.exitcode == 0 or turn % 4 == 0
        done.set()
        for caller in callers:
            caller.join(60)
            assert caller.outcome is None
        count = store.append(1)
        assert sum(made) + 15 * 20 < count <= sum(made) + 20 * 20 + 1
        assert manager._number_of_objects() == 1


@pytest.mark.one_version
@pytest.mark.timeout(240)
def test_forks_while_others_look_for_a_host(tmp_path: Path) -> None:
    """As whoever awaits a call does while a host is started again, which is a fork, too."""
    client = HostClient(f"unix:{tmp_path}/nobody", KEY)
    forks.note_client(client)
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            with pytest.raises(sharevar.HostUnreachable):
                client.begin(1, "method", ()).send_waiting()

    lookers = [Caller(look) for _ in range(2)]
    context = multiprocessing.get_context("fork")
    try:
        for _ in range(300):
            child = context.Process(target=os.getpid)
            child.start()
            child.join(30)
            hangs = child.is_alive()
            child.kill()
            child.join()
            assert not hangs
    finally:
        done.set()
        for looker in lookers:
            looker.join(60)
    assert [looker.outcome for looker in lookers] == [None, None]


def test_the_children_of_a_host_have_none_of_its_connections() -> None:
    with Manager(authkey=KEY) as manager:
        store, lock = manager.Store(), manager.RLock()
        # It belongs to a thread, and is called on the standard library's wire.
        assert lock.acquire()
        pool = manager.Pool(2)
        workers = pool.map(give_pid, range(20))
        for worker in set(workers):
            for name in os.listdir(f"/proc/{worker}/fd"):
                target = os.readlink(f"/proc/{worker}/fd/{name}")
                assert not target.startswith("socket:") or target in sockets_of_parent()
        os.kill(manager._process.pid, signal.SIGKILL)
        with pytest.raises(sharevar.HostDied):
            for _ in range(1000):
                store.append(1)
        for worker in set(workers):
            os.kill(worker, signal.SIGKILL)


def give_pid(_: int) -> int:
    return os.getpid()


def sockets_of_parent() -> set[str]:
    """What the test's own process had, whose sockets are no host's."""
    names = os.listdir("/proc/self/fd")
    found = set()
    for name in names:
        try:
            found.add(os.readlink(f"/proc/self/fd/{name}"))
        except FileNotFoundError:
            continue
    return found


PROGRAM = """
    import os, sys, time
    import multiprocessing
    import sharevar
    from sharevar.managers import BaseManager

    class Store:
        def pid(self):
            return os.getpid()

    multiprocessing.set_start_method("fork")    # a program of -c is in no file
    BaseManager.register("Store", Store, restart={restart})
    manager = BaseManager()
    manager.start()
    store = manager.Store()
    # It inherits all that tells children of their parent's end.
    sibling = multiprocessing.get_context("fork").Process(target=time.sleep, args=(60,))
    sibling.start()
    if {restart}:
        first = store.pid()
        os.kill(first, 9)
        while True:
            try:
                if store.pid() != first:
                    break
            except sharevar.HostDied:    # it has read the request before it died
                pass
    print(store.pid(), sibling.pid, flush=True)
    os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize("restart", [False, True])
def test_a_host_ends_with_its_managers_process(restart: bool) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PROGRAM).format(restart=restart)],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        host, sibling = map(int, process.stdout.readline().split())
        descriptor = os.pidfd_open(host)
        try:
            assert multiprocessing.connection.wait([descriptor], timeout=30)
        finally:
            os.close(descriptor)
            os.kill(sibling, signal.SIGKILL)
