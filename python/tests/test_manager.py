"""The manager itself: its life, and what falls through to the standard one."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import subprocess
import sys
from multiprocessing import ProcessError, managers
from typing import Any

import pytest

import sharevar
from sharevar.managers import RemoteError, SyncManager


def test_starts_no_process() -> None:
    before = multiprocessing.active_children()
    with sharevar.Manager() as manager:
        manager.list([manager.dict(), manager.Value("i", 0), manager.Lock()])
        manager.Array("i", [1])
        assert multiprocessing.active_children() == before
        assert manager._process.is_alive()
    assert manager._process.exitcode == 0


def test_states() -> None:
    manager = SyncManager()
    with pytest.raises(AssertionError, match="not yet started"):
        manager.list()
    manager.start()
    with pytest.raises(ProcessError, match="Already started"):
        manager.start()
    with manager as same:
        assert same is manager
    manager.shutdown()
    for use in (manager.start, manager.__enter__, manager.get_server):
        with pytest.raises(ProcessError, match="shut down"):
            use()
    with pytest.raises(AssertionError):
        manager.dict()
    manager.join()


def test_proxies_raise_after_shutdown() -> None:
    manager = sharevar.Manager()
    items, table, box, lock, numbers = (
        manager.list([1]),
        manager.dict(a=1),
        manager.Value("i", 1),
        manager.Lock(),
        manager.Array("i", [1]),
    )
    manager.shutdown()
    for use in (
        lambda: items[0],
        lambda: items.append(1),
        lambda: len(items),
        lambda: list(items),
        lambda: table["a"],
        lambda: table.update(b=1),
        lambda: box.value,
        lambda: lock.acquire(),
        lambda: numbers[0],
        lambda: pickle.loads(pickle.dumps(items)).append(1),
    ):
        with pytest.raises(sharevar.ClosedError) as raised:
            use()
        # A standard proxy whose server has gone raises these.
        assert isinstance(raised.value, (BrokenPipeError, EOFError))
    assert repr(items).startswith("<ListProxy object")


def wait_for_lock(lock: Any, connection: Any) -> None:
    connection.send("waiting")
    try:
        lock.acquire()
    except sharevar.ClosedError:
        connection.send("closed")


def test_shutdown_wakes_sleepers(context: Any) -> None:
    manager = sharevar.Manager()
    lock = manager.Lock()
    lock.acquire()
    ours, theirs = context.Pipe()
    child = context.Process(target=wait_for_lock, args=(lock, theirs))
    child.start()
    assert ours.recv() == "waiting"
    assert lock.acquire(timeout=0.1) is False
    manager.shutdown()
    assert ours.recv() == "closed"
    child.join()


def use_and_leave(manager: Any, items: Any) -> None:
    with manager:
        items.append(manager.list(["made in the child"]))
    manager.shutdown()


def test_a_forked_child_does_not_shut_the_manager_down(manager: Any) -> None:
    items = manager.list()
    context = multiprocessing.get_context("fork")
    child = context.Process(target=use_and_leave, args=(manager, items))
    child.start()
    child.join()
    assert child.exitcode == 0
    assert items[0].copy() == ["made in the child"]


def test_a_manager_is_not_pickled(manager: Any) -> None:
    with pytest.raises(TypeError):
        pickle.dumps(manager)


def test_proxies_outlive_the_manager_object() -> None:
    items = sharevar.Manager().list([1])
    items.append(2)
    assert items.copy() == [1, 2]


def test_managers_do_not_see_each_other_but_may_hold_each_other(manager: Any) -> None:
    with sharevar.Manager() as other:
        inner = other.list([1])
        outer = manager.dict(inner=inner)
        outer["inner"].append(2)
        assert inner.copy() == [1, 2]


def test_what_is_not_in_the_arena_is_hosted_without_a_word(capfd: Any) -> None:
    with sharevar.Manager() as manager:
        queue = manager.Queue()
        queue.put(1)
        assert queue.get() == 1
        manager.Queue()
        event = manager.Event()
        event.set()
        assert event.is_set()
        namespace = manager.Namespace(x=1)
        namespace.y = manager.list([2])
        assert (namespace.x, namespace.y[0]) == (1, 2)
        with manager.RLock(), manager.Semaphore(2), manager.BoundedSemaphore(1):
            pass
        assert manager.Barrier(1).wait() == 0
        condition = manager.Condition(manager.Lock())
        with condition:
            condition.notify_all()
        manager.JoinableQueue().join()
        with manager.Pool(1) as pool:
            assert pool.map(abs, [-1]) == [1]
    assert capfd.readouterr() == ("", "")


def test_served_proxies_stored_in_a_list_stay_alive(manager: Any) -> None:
    items = manager.list()
    items.append(manager.Queue())
    queue = items[0]
    queue.put("x")
    del queue
    assert items[0].get() == "x"


class Counter:
    def __init__(self, start: int = 0) -> None:
        self.count = start

    def increase(self) -> int:
        self.count += 1
        return self.count


class CounterManager(SyncManager):
    pass


CounterManager.register("Counter", Counter)


def test_registered_types_are_served(context: Any, capfd: Any) -> None:
    assert not hasattr(SyncManager, "Counter")
    with CounterManager(ctx=context) as manager:
        counter = manager.Counter(5)
        assert counter.increase() == 6
        assert type(manager.list()) is sharevar.ListProxy
    capfd.readouterr()


def ignore_nothing() -> None:
    os.environ["SHAREVAR_TEST_INITIALISED"] = "yes"


def initialised() -> Any:
    return os.environ.get("SHAREVAR_TEST_INITIALISED")


def test_an_initializer_runs_in_a_server_not_here(capfd: Any) -> None:
    manager = SyncManager()
    with pytest.raises(TypeError):
        manager.start(1)
    manager.start(ignore_nothing)
    assert initialised() is None
    assert manager._process.pid not in (None, os.getpid())
    manager.shutdown()
    capfd.readouterr()


def test_a_manager_with_an_address_serves_everything(capfd: Any) -> None:
    manager = SyncManager(address=("127.0.0.1", 0), authkey=b"key")
    manager.start()
    items = manager.list([1])
    assert isinstance(items, managers.BaseProxy)
    client = SyncManager(address=manager.address, authkey=b"key")
    client.connect()
    assert client.dict(a=1).copy() == {"a": 1}
    manager.shutdown()
    capfd.readouterr()


def test_objects_are_counted_once_and_not_in_containers(manager: Any) -> None:
    assert manager._number_of_objects() == 0
    items = manager.list([manager.dict() for _ in range(5)])
    again = pickle.loads(pickle.dumps(items))
    assert manager._number_of_objects() == 1
    assert "1 variables held here" in manager._debug_info()
    inner = items[0]
    assert manager._number_of_objects() == 2
    del items, again
    assert manager._number_of_objects() == 1
    inner["still"] = "here"


def test_how_what_managers_make_is_shown(manager: Any) -> None:
    for typeid, name in (
        ("Condition", "ConditionProxy"),
        ("Event", "EventProxy"),
        ("Semaphore", "AcquirerProxy"),
        ("RLock", "AcquirerProxy"),
        ("dict", "DictProxy"),
        ("list", "ListProxy"),
    ):
        proxy = getattr(manager, typeid)()
        assert repr(proxy) == f"<{name} object, typeid {typeid!r} at {id(proxy):#x}>"
        assert str(proxy) != repr(proxy)


def test_capacity_is_checked() -> None:
    with pytest.raises(sharevar.CapacityTooSmall):
        sharevar.Manager(capacity=10)
    with pytest.raises(sharevar.CapacityTooLarge, match="at most 4398046511104 bytes"):
        sharevar.Manager(capacity="5T")


def test_nothing_is_left_over() -> None:
    def open_descriptors() -> int:
        return len(os.listdir("/proc/self/fd"))

    for _ in range(3):
        with sharevar.Manager() as manager:
            manager.list([1])
        del manager
    before = open_descriptors()
    for _ in range(20):
        with sharevar.Manager() as manager:
            manager.list([1])
        del manager
    assert open_descriptors() <= before


def test_development_mode_finds_nothing_to_say() -> None:
    program = (
        "import sharevar\n"
        "m = sharevar.Manager()\n"
        "d = m.dict(a=m.list([1])); d['a'].append(2)\n"
        "v = sharevar.Value('i', 1); v.value += 1\n"
        "with sharevar.Lock(): sharevar.shared('x', list)\n"
        "m.shutdown()\n"
    )
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", program],
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("kind", ["list", "dict"])
def test_too_many_arguments_are_told_as_the_builtin_does(kind: str) -> None:
    with pytest.raises(TypeError, match=f"{kind} expected at most 1 argument, got 2"):
        getattr(sharevar.Manager(), kind)([], [])


@pytest.mark.parametrize("kind", ["list", "dict", "set"])
@pytest.mark.parametrize("expected", [RemoteError, TypeError, sharevar.NotCreated])
def test_what_nothing_can_be_made_of(kind: str, expected: type[Exception]) -> None:
    with pytest.raises(expected, match="object is not iterable"):
        getattr(sharevar.Manager(), kind)(1234)


@pytest.mark.parametrize("kind", ["list", "dict", "set", "Namespace", "Queue"])
def test_a_proxy_can_be_printed_after_the_shutdown(kind: str) -> None:
    manager = sharevar.Manager()
    proxy = getattr(manager, kind)()
    manager.shutdown()
    assert str(proxy) == f"{repr(proxy)[:-1]}; '__str__()' failed>"
