"""The host process: when there is one, and what plain Python reaches through it."""

from __future__ import annotations

import gc
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import textwrap
from collections import defaultdict
from multiprocessing import managers as standard
from pathlib import Path
from typing import Any

import pytest

import sharevar
from sharevar.managers import (
    AutoProxy,
    BaseManager,
    DictProxy,
    RebuildProxy,
    RemoteError,
    SyncManager,
    Token,
)

KEY = b"a key that both sides know"


def has_host(manager: Any) -> bool:
    return bool(manager._host.started)


def stranger(program: str, *arguments: str, cwd: Path) -> str:
    """What a plain Python without sharevar prints that is told of an address."""
    prelude = f"""
        import multiprocessing, sys
        from multiprocessing.managers import *
        from multiprocessing.managers import AutoProxy, RebuildProxy
        KEYED = {{"authkey": {KEY!r}}}
        multiprocessing.current_process().authkey = KEYED["authkey"]
        def connect(address):
            manager = SyncManager(address, {KEY!r})
            manager.connect()
            return manager
        class Forbidden:
            def find_spec(self, name, path=None, target=None):
                assert not name.startswith("sharevar"), name
        sys.meta_path.insert(0, Forbidden())
    """
    source = textwrap.dedent(prelude) + textwrap.dedent(program)
    done = subprocess.run(
        [sys.executable, "-I", "-c", source, *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def served() -> Any:
    manager = SyncManager(authkey=KEY)
    manager.start()
    yield manager
    manager.shutdown()
    manager.join()


def nothing() -> None:
    pass


@pytest.mark.parametrize(
    "touch",
    [
        lambda m: m._process.pid,
        lambda m: m._process.ident,
        lambda m: m._process.sentinel,
        lambda m: m.address,
        lambda m: m._address,
        lambda m: m.list()._token,
        lambda m: m.Lock()._id,
        lambda m: m.Pool(1).terminate(),
    ],
)
def test_who_asks_for_a_process_starts_one(touch: Any) -> None:
    with sharevar.Manager() as manager:
        assert not has_host(manager)
        touch(manager)
        assert has_host(manager)
        process = manager._process
        assert process.pid not in (None, os.getpid())
        assert process.is_alive()
        assert manager.list([1]).copy() == [1]
        gc.collect()
    process.join()
    assert not process.is_alive()
    assert process.exitcode == 0


def test_who_asks_for_less_does_not() -> None:
    with sharevar.Manager() as manager:
        process = manager._process
        assert (process.exitcode, process.name) == (None, "SyncManager")
        assert process.is_alive()
        process.join(0.01)
        process.terminate()
        repr(process)
        manager.join(0.01)
        manager._debug_info()
        manager._number_of_objects()
        assert not has_host(manager)
    assert (process.exitcode, process.is_alive(), process.pid) == (0, False, None)


def test_the_host_ignores_interrupts() -> None:
    with sharevar.Manager() as manager:
        address = manager.address
        os.kill(manager._process.pid, signal.SIGINT)
        assert manager.Queue().empty()
        assert manager.address == address


def test_an_initializer_that_fails_leaves_the_manager_as_it_was(capfd: Any) -> None:
    manager = SyncManager()
    with pytest.raises(EOFError):
        manager.start(divide)
    assert not hasattr(manager, "shutdown")
    assert "ZeroDivisionError" in capfd.readouterr().err
    with manager:
        manager.list()


def divide() -> None:
    raise ZeroDivisionError


def append(items: Any, item: Any) -> None:
    items.append(item)


def test_an_initializer_gets_proxies(manager: Any, context: Any) -> None:
    items = manager.list()
    other = SyncManager(ctx=context)
    other.start(append, (items, "initialised"))
    assert items.copy() == ["initialised"]
    assert type(other.dict()) is sharevar.DictProxy
    other.shutdown()


@pytest.mark.parametrize(
    "options", [{"address": ("127.0.0.1", 0)}, {"serializer": "xmlrpclib"}]
)
def test_variables_are_in_the_arena_whatever_the_options(options: Any) -> None:
    manager = SyncManager(authkey=KEY, **options)
    manager.start()
    assert has_host(manager)
    assert type(manager.dict()) is sharevar.DictProxy
    assert type(manager.Lock()) is sharevar.Lock
    manager.shutdown()


def test_strangers_make_variables(served: Any, context: Any, tmp_path: Path) -> None:
    program = """
        m = connect(sys.argv[1])
        d, l, v, a = m.dict(x=1), m.list([3, 1]), m.Value("i", 7), m.Array("d", [1, 2])
        d["y"] = 2
        d.update(z=[1])
        l.append(2); l.sort(); l += [9]; l *= 2
        v.value += 1
        a[1] = 2.5
        lock = m.Lock()
        with lock:
            print(lock.acquire(False), lock.acquire(True, 0.01))
        print(type(d).__module__, d, l, v.value, list(a), list(d), sorted(d.keys()), len(l))
        print(repr(d).split(" at ")[0], d.copy(), l._getvalue(), list(l), "x" in d)
        for use in (lambda: d["none"], lambda: l[99], lambda: l.remove(5), lock.release):
            try:
                use()
            except Exception as error:
                print(type(error).__name__, *map(repr, error.args[:1]))
        try:
            d._callmethod("__class__")
        except Exception as error:
            print(type(error).__name__)
        print(m._number_of_objects())
        del d, l, v, a, lock, use
        import gc; gc.collect()
        print(m._number_of_objects())
    """
    host = SyncManager(authkey=KEY, ctx=context)
    with host:
        out = stranger(program, host.address, cwd=tmp_path).splitlines()
    assert out == [
        "False False",
        "multiprocessing.managers {'x': 1, 'y': 2, 'z': [1]} "
        "[1, 2, 3, 9, 1, 2, 3, 9] 8 [1.0, 2.5] ['x', 'y', 'z'] ['x', 'y', 'z'] 8",
        "<DictProxy object, typeid 'dict' {'x': 1, 'y': 2, 'z': [1]} "
        "[1, 2, 3, 9, 1, 2, 3, 9] [1, 2, 3, 9, 1, 2, 3, 9] True",
        "KeyError 'none'",
        "IndexError 'list index out of range'",
        "ValueError 'list.remove(x): x not in list'",
        "RuntimeError 'semaphore or lock released too many times'",
        "RemoteError",
        "5",
        "0",
    ]


def test_strangers_make_what_is_waited_for(served: Any, tmp_path: Path) -> None:
    program = """
        import threading
        m = connect(sys.argv[1])
        event, queue, barrier = m.Event(), m.Queue(2), m.Barrier(2)
        condition, recursive, bounded = m.Condition(), m.RLock(), m.BoundedSemaphore(1)
        print(event.wait(0.01), barrier.parties, barrier.broken, queue.empty())
        def partner():
            with condition:
                event.set()
                condition.wait()
            barrier.wait()
            queue.put({"l": m.list([1])})
        thread = threading.Thread(target=partner)
        thread.start()
        event.wait()
        with condition:
            condition.notify()
        barrier.wait()
        print(queue.get()["l"], queue.qsize())
        thread.join()
        with recursive, recursive, bounded:
            print(bounded.acquire(False))
        for use in (bounded.release, recursive.release, queue.get_nowait):
            try:
                use()
            except Exception as error:
                print(type(error).__name__)
    """
    out = stranger(program, served.address, cwd=tmp_path).splitlines()
    assert out == [
        "False 2 False True",
        "[1] 0",
        "False",
        "ValueError",
        "RuntimeError",
        "Empty",
    ]


def test_strangers_reach_a_variable_by_its_token(served: Any, tmp_path: Path) -> None:
    items, table, box = served.list([1]), served.dict(), served.Value("i", 5)
    program = """
        for argument in sys.argv[1:]:
            typeid, address, ident = eval(argument)
            proxy = RebuildProxy(AutoProxy, Token(typeid, address, ident), "pickle", KEYED)
            if typeid == "list":
                proxy.append("from outside")
            elif typeid == "dict":
                proxy["x"] = proxy.copy()
            else:
                proxy.set(proxy.get() + 1)
        print(type(proxy).__name__)
    """
    tokens = [proxy._token for proxy in (items, table, box)]
    assert {token.address for token in tokens} == {served.address}
    assert [proxy._id for proxy in (items, table, box)] == [token.id for token in tokens]
    arguments = [repr((token.typeid, token.address, token.id)) for token in tokens]
    assert stranger(program, *arguments, cwd=tmp_path) == "AutoProxy[Value]\n"
    assert (items.copy(), table.copy(), box.value) == ([1, "from outside"], {"x": {}}, 6)


def test_a_token_leads_to_the_variable_itself_where_there_is_sharevar(served: Any) -> None:
    items = served.list([1])
    again = RebuildProxy(AutoProxy, items._token, "pickle", {})
    assert type(again) is sharevar.ListProxy
    assert again.handle == items.handle
    through_host = AutoProxy(items._token, "pickle", authkey=KEY)
    through_host.append(2)
    assert items.copy() == [1, 2]


def test_a_token_of_a_variable_that_is_gone(served: Any, tmp_path: Path) -> None:
    # A host that is forked now would inherit the reference.
    assert served.address
    token = served.list([1])._token
    # The reference that was dropped is counted off by the next operation.
    served.list()
    program = """
        try:
            RebuildProxy(AutoProxy, Token("list", *sys.argv[1:]), "pickle", KEYED)
        except Exception as error:
            print(type(error).__name__, "HandleExpired" in str(error))
    """
    out = stranger(program, token.address, token.id, cwd=tmp_path)
    assert out == "RemoteError True\n"


def test_nested_variables_reach_strangers_as_proxies(served: Any, tmp_path: Path) -> None:
    table, inner = served.dict(), served.list([1])
    table["inner"] = inner
    table["deep"] = [(inner, 1)]
    token = table._token
    program = """
        table = RebuildProxy(AutoProxy, Token("dict", *sys.argv[1:]), "pickle", KEYED)
        inner = table.get("inner")
        inner.append(2)
        table.get("deep")[0][0].append(3)
        print(type(inner).__module__, type(inner).__name__)
        m = connect(sys.argv[1])
        table.update(own=m.list(["own"]), again=inner)
        table.setdefault("lock", m.Lock())
        print(table.get("own"), [str(item) for item in table.values()][0])
    """
    out = stranger(program, token.address, token.id, cwd=tmp_path)
    assert out == "multiprocessing.managers ListProxy\n['own'] [1, 2, 3]\n"
    assert inner.copy() == [1, 2, 3]
    assert type(table["own"]) is sharevar.ListProxy
    assert type(table["lock"]) is sharevar.Lock
    assert table["again"].handle == inner.handle
    table["own"].append("mine")
    assert table["own"].copy() == ["own", "mine"]


def test_a_connected_manager_uses_the_wire(served: Any) -> None:
    items = served.list([served.list([1])])
    client = SyncManager(served.address, KEY)
    client.connect()
    assert not hasattr(client, "shutdown")
    table = client.dict(a=1)
    assert type(table) is standard.DictProxy
    table["items"] = items
    assert type(table["items"]) is sharevar.ListProxy
    client.Queue().put(1)
    assert client._number_of_objects() == served._host.start()._number_of_objects()
    with pytest.raises(sharevar.managers.ProcessError):
        client.arena  # noqa: B018


def children_tokens(items: Any, connection: Any) -> None:
    connection.send((items._token.address, items._id))


def test_children_know_the_host(served: Any, context: Any) -> None:
    items = served.list()
    address = served.address
    ours, theirs = context.Pipe()
    child = context.Process(target=children_tokens, args=(items, theirs))
    child.start()
    found, ident = ours.recv()
    child.join()
    assert found == address
    assert RebuildProxy(AutoProxy, Token("list", found, ident), "pickle", {}).copy() == []


def test_a_server_of_ones_own(tmp_path: Path) -> None:
    program = f"""
        from sharevar.managers import SyncManager
        server = SyncManager(("127.0.0.1", 0), {KEY!r}).get_server()
        print(server.address[1], flush=True)
        server.serve_forever()
    """
    source = textwrap.dedent(program)
    with subprocess.Popen(
        [sys.executable, "-c", source], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        out = stranger(
            """
            m = connect(("127.0.0.1", int(sys.argv[1])))
            d = m.dict(l=m.list([1]))
            d["l"].append(2)
            print(d["l"])
            """,
            str(port),
            cwd=tmp_path,
        )
        process.terminate()
    assert out == "[1, 2]\n"


class Store:
    def __init__(self, items: Any = None) -> None:
        self.items = items
        self.factor = 3

    def get_items(self) -> Any:
        return self.items

    def fail(self) -> None:
        raise LookupError("not", "here")

    def times(self, number: int) -> int:
        return number * self.factor

    def _hidden(self) -> str:
        return "hidden"


class Mine(SyncManager):
    pass


class Own(BaseManager):
    pass


Mine.register("Store", Store)
Mine.register("Bare", Store, exposed=("times", "_hidden"))
Mine.register("Making", Store, method_to_typeid={"get_items": "list"})
Mine.register("quiet", Store, create_method=False)
Mine.register("defaultdict", defaultdict, DictProxy)
Own.register("defaultdict", defaultdict, DictProxy)
Own.register("list", list, sharevar.ListProxy)
Own.register("lock", multiprocessing.Lock, sharevar.Lock)


class Replacing(Mine):
    pass


Replacing.register("dict", dict, standard.DictProxy)


class LoudList(sharevar.ListProxy[Any]):
    _exposed_ = ("__getitem__", "__len__", "append")

    def shout(self) -> str:
        return str(self._callmethod("__getitem__", (0,))).upper()


Own.register("loud", list, LoudList)


def test_registered_classes(context: Any, capfd: Any) -> None:
    with Mine(ctx=context) as manager:
        assert not has_host(manager)
        items = manager.list([1])
        assert not has_host(manager)
        store = manager.Store(items)
        assert has_host(manager)
        store.get_items().append(2)
        assert type(store.get_items()) is sharevar.ListProxy
        assert items.copy() == [1, 2]
        with pytest.raises(LookupError) as raised:
            store.fail()
        assert raised.value.args == ("not", "here")
        assert not hasattr(store, "_hidden")
        with pytest.raises(RemoteError, match="not in exposed"):
            store._callmethod("_hidden")
        # What cannot be sent raises here, and the connection stays usable.
        with pytest.raises((TypeError, AttributeError, pickle.PicklingError)):
            store.times(lambda: None)
        assert store.times(2) == 6
        bare = manager.Bare()
        assert (bare.times(2), bare._hidden(), hasattr(bare, "fail")) == (6, "hidden", False)
        made = manager.Making([1, 2]).get_items()
        assert isinstance(made, standard.ListProxy)
        assert made._getvalue() == [1, 2]
        assert not hasattr(manager, "quiet")
        table = manager.defaultdict(int)
        table["x"] += 1
        assert (table["y"], list(table), isinstance(table, standard.DictProxy)) == (
            0,
            ["x", "y"],
            True,
        )
        assert manager._number_of_objects() >= 4
        assert manager._debug_info()
    assert capfd.readouterr() == ("", "")


def test_each_class_has_a_registry_of_its_own() -> None:
    assert "Store" in Mine._registry
    assert "Store" in Replacing._registry
    assert "Store" not in SyncManager._registry
    assert not hasattr(SyncManager, "Store")
    assert "defaultdict" not in BaseManager._registry
    with Replacing() as manager:
        assert type(manager.dict(a=1)) is standard.DictProxy
        assert manager.dict(a=1).copy() == {"a": 1}
        assert type(manager.list()) is sharevar.ListProxy


def test_our_classes_registered_with_the_standard_manager(context: Any) -> None:
    with Own(ctx=context) as manager:
        table = manager.defaultdict(list)
        assert table["x"] == []
        items = manager.list([1])
        items.append(2)
        items += [3]
        assert str(items) == "[1, 2, 3]"
        assert type(items) is standard.ListProxy
        with manager.lock() as taken:
            assert taken
        loud = manager.loud(["a"])
        child = context.Process(target=append, args=(loud, "from the child"))
        child.start()
        child.join()
        assert (loud.shout(), len(loud), loud[1]) == ("A", 2, "from the child")
        assert isinstance(loud, standard.ListProxy)


def test_the_names_of_the_standard_module() -> None:
    names = [name for name in vars(standard) if not name.startswith("__")]
    missing = [name for name in names if not hasattr(sharevar.managers, name)]
    assert not missing
    with pytest.raises(AttributeError, match="no_such_name"):
        sharevar.managers.no_such_name  # noqa: B018
    assert issubclass(SyncManager, BaseManager)
    assert issubclass(SyncManager, standard.SyncManager)
    assert issubclass(sharevar.managers.SharedMemoryManager, BaseManager)
    with sharevar.Manager() as manager:
        assert isinstance(manager, standard.BaseManager)
        for proxy, cls in (
            (manager.list(), standard.ListProxy),
            (manager.dict(), standard.DictProxy),
            (manager.Value("i", 0), standard.ValueProxy),
            (manager.Array("i", [0]), standard.ArrayProxy),
            (manager.Lock(), standard.AcquirerProxy),
        ):
            assert isinstance(proxy, (cls, sharevar.managers.BaseProxy))
            assert isinstance(proxy, type(proxy))


HOSTS_LEFT = """
    import os, sharevar, sys
    manager = sharevar.Manager(ctx=sharevar.get_context({method!r}))
    items = manager.list()
    print(manager._process.pid, flush=True)
    {end}
"""


KILL = "os.kill(os.getpid(), 9)"


@pytest.mark.parametrize(
    ("method", "end"),
    [
        ("fork", "pass"),
        ("fork", "sys.exit(3)"),
        ("fork", "1 / 0"),
        ("fork", "del items, manager; input()"),
        ("fork", "del manager; items._token; items.append(1); del items; input()"),
        ("fork", KILL),
        ("spawn", KILL),
        ("forkserver", KILL),
    ],
)
def test_no_host_is_left(method: str, end: str) -> None:
    source = textwrap.dedent(HOSTS_LEFT).format(method=method, end=end)
    with subprocess.Popen(
        [sys.executable, "-c", source],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        host = os.pidfd_open(int(process.stdout.readline()))
        try:
            # A descriptor of a process becomes readable when it ends.
            multiprocessing.connection.wait([host], timeout=30)
            assert multiprocessing.connection.wait([host], timeout=0)
        finally:
            os.close(host)
        process.stdin.close()


def test_the_host_of_a_proxy_that_outlives_its_manager() -> None:
    items = SyncManager(authkey=KEY)
    items.start()
    items = items.list([1])
    gc.collect()
    AutoProxy(items._token, "pickle", authkey=items._authkey).append(2)
    assert items.copy() == [1, 2]


def test_a_served_proxy_keeps_its_manager() -> None:
    queue = sharevar.Manager().Queue()
    gc.collect()
    queue.put(1)
    assert queue.get() == 1


def use_everything(connection: Any) -> None:
    with Mine() as manager:
        with manager.Pool(1) as pool:
            connection.send(pool.map(abs, [-1, 2]))
        connection.send((manager.Store().times(2), multiprocessing.current_process().daemon))


def test_daemonic_workers_may_have_hosts(context: Any) -> None:
    ours, theirs = context.Pipe()
    child = context.Process(target=use_everything, args=(theirs,), daemon=True)
    child.start()
    assert ours.recv() == [1, 2]
    assert ours.recv() == (6, True)
    child.join()
    assert child.exitcode == 0


def test_a_host_that_is_killed_takes_no_variable_with_it(served: Any, tmp_path: Path) -> None:
    items, lock = served.list([1]), served.Lock()
    program = """
        l = RebuildProxy(AutoProxy, Token("list", *sys.argv[1:3]), "pickle", KEYED)
        lock = RebuildProxy(AutoProxy, Token("Lock", sys.argv[1], sys.argv[3]), "pickle", KEYED)
        l.append(2)
        print(lock.acquire())
    """
    out = stranger(program, served.address, items._id, lock._id, cwd=tmp_path)
    assert out == "True\n"
    assert lock.acquire(False) is False
    os.kill(served._process.pid, signal.SIGKILL)
    served._process.join()
    assert served._process.exitcode == -signal.SIGKILL
    assert lock.acquire()
    assert lock.owner_died
    items.append(3)
    assert items.copy() == [1, 2, 3]
    # The host may have been about to give back what the stranger had.
    served.arena.sweep()
    assert served.arena.check() == []
    with pytest.raises(OSError):
        served.Pool(1)


def count_in_a_child(manager: Any, connection: Any) -> None:
    store = manager.Store()
    connection.send((store.times(2), manager._process.pid, manager.list()._token.address))


def test_a_forked_child_may_start_the_host() -> None:
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    with Mine() as manager:
        child = context.Process(target=count_in_a_child, args=(manager, theirs))
        child.start()
        product, pid, address = ours.recv()
        child.join()
        assert (product, child.exitcode) == (6, 0)
        assert not has_host(manager)
        assert manager.Store().times(3) == 9
        assert manager._process.pid != pid
        assert manager.list()._token.address == manager.address != address
