"""Objects in a host process, and their proxies."""

from __future__ import annotations

import gc
import multiprocessing
import os
import pickle
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from multiprocessing import managers as standard
from multiprocessing.pool import RemoteTraceback
from pathlib import Path
from typing import Any

import pytest
from support.hosted_objects import KEY, Gate
from support.waiting import eventually

import sharevar
from sharevar.managers import (
    AutoProxy,
    BaseManager,
    BaseProxy,
    MakeProxyType,
    NamespaceProxy,
    RemoteError,
)


class Store:
    """An object with a list, as programs register them."""

    def __init__(self, *items: Any) -> None:
        self.items = list(items)

    def append(self, item: Any) -> int:
        self.items.append(item)
        return len(self.items)

    def get(self, index: int = -1, *, times: int = 1) -> Any:
        return self.items[index] if times == 1 else self.items[index] * times

    def drop(self) -> None:
        self.items.clear()

    def fail(self, error: BaseException) -> None:
        raise error

    def give_function(self) -> Callable[[], int]:
        return lambda: 1

    def itself(self) -> Store:
        return self

    def pid(self) -> int:
        return os.getpid()

    def wait_for_signal(self, number: int) -> None:
        signal.sigtimedwait([number], 60)

    def _hidden(self) -> str:
        return "hidden"


class Unpicklable(Exception):
    def __init__(self, needed: Any, also_needed: Any) -> None:
        super().__init__("a message")


class Raiser:
    def unpicklable(self) -> None:
        raise Unpicklable(1, 2)

    def holding_a_lock(self) -> None:
        raise ValueError(threading.Lock())


def refuse() -> None:
    raise LookupError("not made")


class Loud(type):
    """A metaclass of proxies."""

    def __call__(cls, /, *arguments: Any, **named: Any) -> Any:
        made = super().__call__(*arguments, **named)
        made.loudly = True
        return made


class Shouting:
    """A mixin of proxies."""

    def shout(self) -> str:
        return str(self.get()).upper()  # type: ignore[attr-defined]


class LoudProxy(
    Shouting,
    MakeProxyType("LoudBase", ("append", "get")),  # type: ignore[misc]
    metaclass=Loud,
):
    pass


class CountingProxy(BaseProxy):
    _exposed_ = ("append", "get")
    calls = 0

    def append(self, item: Any) -> Any:
        return self._callmethod("append", (item,))

    def get(self) -> Any:
        return self._callmethod("get", kwds={"times": 1})

    def _callmethod(self, methodname: str, args: Any = (), kwds: Any = {}) -> Any:  # noqa: B006
        type(self).calls += 1
        return super()._callmethod(methodname, args, kwds)


class Manager(BaseManager):
    pass


Manager.register("Store", Store)
Manager.register("Gate", Gate)
Manager.register("Raiser", Raiser)
Manager.register("open", open)
Manager.register("refuse", refuse)
Manager.register("loud", Store, LoudProxy)
Manager.register("counting", Store, CountingProxy)
Manager.register("narrow", Store, exposed=("append", "_hidden"))
Manager.register("made", Store, method_to_typeid={"get": "given"})
Manager.register("given")
Manager.register("quiet", Store, create_method=False)
Manager.register("namespace", standard.Namespace, NamespaceProxy)
Manager.register("defaultdict", defaultdict, sharevar.DictProxy)
Manager.register("RLock", threading.RLock, standard.AcquirerProxy)
Manager.register("Pool", multiprocessing.Pool, standard.PoolProxy)


@pytest.fixture
def host() -> Iterator[Any]:
    with Manager(authkey=KEY) as manager:
        yield manager


def append_each(store: Any, items: list[Any]) -> None:
    for item in items:
        store.append(item)


def test_two_processes_change_an_object(context: Any) -> None:
    with Manager(ctx=context) as manager:
        store = manager.Store()
        children = [
            context.Process(target=append_each, args=(store, [name] * 100)) for name in "ab"
        ]
        for child in children:
            child.start()
        for child in children:
            child.join()
        assert [child.exitcode for child in children] == [0, 0]
        assert store.append("end") == 201
        found = [store.get(index) for index in range(200)]
        assert sorted(found) == ["a"] * 100 + ["b"] * 100
        assert store.pid() == manager._process.pid != os.getpid()


def test_a_file_in_the_host(host: Any, context: Any, tmp_path: Path) -> None:
    path = tmp_path / "file"
    file = host.open(path, "w+")
    child = context.Process(target=file.write, args=("from a child\n",))
    child.start()
    child.join()
    file.write("from here\n")
    file.seek(0)
    assert file.readlines() == ["from a child\n", "from here\n"]
    file.close()
    with pytest.raises(ValueError, match="closed file"):
        file.read()
    assert path.read_text() == "from a child\nfrom here\n"


def test_arguments_and_results(host: Any) -> None:
    store = host.Store(1, "two")
    values = [
        None, True, -1, 2**80, 1.5, "text", "\udc80", b"bytes", [1, [2]], (1, (2, [3])),
        {"a": {1, 2}, 2: ()}, {1.5}, frozenset([1]), range(3), 1j, Path("/"), Store,
        defaultdict(int, x=1), bytearray(b"x"),
    ]  # fmt: skip
    for value in values:
        store.append(value)
        found = store.get()
        assert (type(found), found) == (type(value), value)
    shared: list[Any] = []
    store.append(item=[shared, shared])
    first, second = store.get()
    assert first is second
    assert store.get(0, times=3) == 3
    with pytest.raises(TypeError, match="positional"):
        store.get(1, 2, 3)


def test_only_what_is_exposed_can_be_called(host: Any) -> None:
    store, narrow = host.Store(), host.narrow()
    assert not hasattr(store, "_hidden")
    for name in ("_hidden", "__init__", "__getattribute__", "items.append", "items", ""):
        with pytest.raises(RemoteError, match="not in exposed") as raised:
            store._callmethod(name, ())
        assert isinstance(raised.value, (sharevar.NotExposed, AttributeError))
    assert (narrow.append(1), narrow._hidden()) == (1, "hidden")
    with pytest.raises(sharevar.NotExposed):
        narrow._callmethod("get")
    assert str(store).startswith("<test_base_manager.Store object")
    assert repr(store).startswith("<AutoProxy[Store] object, typeid 'Store' at")


def test_classes_of_proxies(host: Any) -> None:
    loud, counting = host.loud("a"), host.counting()
    assert (loud.shout(), loud.append("b"), loud.loudly) == ("A", 2, True)
    assert isinstance(loud, (LoudProxy, Shouting))
    assert (counting.append(1), counting.get(), CountingProxy.calls) == (1, 1, 2)
    for proxy in (loud, counting):
        assert isinstance(proxy, sharevar.managers.BaseProxy)
        assert isinstance(proxy, sharevar._variables.standard.BaseProxy)
        # Called natively, whoever wrote the class.
        assert proxy._hosted
    namespace = host.namespace(x=1)
    namespace.y = [2]
    del namespace.x
    assert (namespace.y, hasattr(namespace, "x"), str(namespace)) == (
        [2],
        False,
        "Namespace(y=[2])",
    )
    table = host.defaultdict(list)
    assert (table["x"], isinstance(table, standard.DictProxy)) == ([], True)


def test_results_that_stay_at_the_host(host: Any) -> None:
    given = host.made([1, 2]).get()
    assert type(given).__name__ == "AutoProxy[given]"
    given.append(3)
    assert (given.pop(), given.count(1), given._getvalue()) == (3, 1, [1, 2])
    assert not hasattr(host, "quiet")
    store = host.Store()
    assert store.itself() is store


def test_exceptions_come_back_as_they_were(host: Any) -> None:
    store = host.Store()
    for error in (LookupError("not", "here"), SystemExit(3), KeyboardInterrupt()):
        with pytest.raises(type(error)) as raised:
            store.fail(error)
        assert raised.value.args == error.args
        cause = raised.value.__cause__
        assert isinstance(cause, RemoteTraceback)
        assert "raise error" in str(cause)
    with pytest.raises(RemoteError, match="LookupError: not made"):
        host.refuse()
    with pytest.raises(RemoteError, match="a message"):
        host.Raiser().unpicklable()
    with pytest.raises(RemoteError, match="ValueError: <unlocked"):
        host.Raiser().holding_a_lock()
    with pytest.raises(RemoteError, match="Unserializable message"):
        store.give_function()
    # What cannot be sent raises here, and nothing is sent.
    with pytest.raises((TypeError, AttributeError, pickle.PicklingError)):
        store.append(lambda: None)
    assert store.append(1) == 1


def test_registering_too_late(host: Any) -> None:
    class Late(Manager):
        pass

    with Late() as manager:
        Late.register("Late", Store)
        for register in (lambda: manager.Late(), lambda: manager.register("x", Store)):
            with pytest.raises(sharevar.NotRegistered, match="before start") as raised:
                register()
            assert isinstance(raised.value, (RuntimeError, RemoteError))
        client = Late(manager.address, manager._authkey)
        client.connect()
        with pytest.raises(sharevar.NotRegistered, match='"Late", but Store, Gate'):
            client.Late()
    # In time, on a manager.
    early = Manager()
    early.register("Early", Store)
    with early:
        assert early.Early().append(1) == 1


def test_references(host: Any) -> None:
    count = host._number_of_objects
    assert count() == 0
    store, inner = host.Store(), host.Store("inner")
    again = sharevar.managers.RebuildProxy(AutoProxy, store._token, "pickle", {"authkey": KEY})
    assert again.append(1) == 1
    del again
    assert count() == 2
    store.append(inner)
    del inner
    gc.collect()
    # The host itself holds it now.
    assert count() == 2
    assert store.get().get() == "inner"
    store.drop()
    eventually(lambda: count() == 1)
    token = store._token
    assert token.id in host._debug_info()
    del store
    assert count() == 0
    with pytest.raises(sharevar.HandleExpired, match="its last reference was released"):
        sharevar.managers.RebuildProxy(AutoProxy, token, "pickle", {"exposed": ()})


def hold_and_die(manager: Any, store: Any) -> None:
    kept = [store, manager.Store(), manager.Store()]
    assert len(kept) == 3
    os.kill(os.getpid(), signal.SIGKILL)


def test_what_killed_clients_held_is_released(host: Any) -> None:
    context = multiprocessing.get_context("fork")
    store = host.Store()
    for _ in range(20):
        child = context.Process(target=hold_and_die, args=(host, store))
        child.start()
        child.join()
        assert child.exitcode == -signal.SIGKILL
    eventually(lambda: host._number_of_objects() == 1)
    assert store.append(1) == 1


class Statistics:
    """What the host knows of its clients."""

    def numbers(self) -> tuple[int, int, int]:
        server: Any = multiprocessing.current_process()._manager_server  # type: ignore[attr-defined]
        native = server._native
        return native.connections, native.sessions, len(native)


Manager.register("Statistics", Statistics)


def wait_and_be_killed(gate: Any, connection: Any) -> None:
    connection.send(None)
    gate.wait()


def test_clients_that_are_killed_in_a_call(host: Any) -> None:
    context = multiprocessing.get_context("fork")
    statistics, gate = host.Statistics(), host.Gate()
    before = statistics.numbers()
    for _ in range(30):
        ours, theirs = context.Pipe()
        children = [
            context.Process(target=wait_and_be_killed, args=(gate, theirs)) for _ in range(3)
        ]
        for child in children:
            child.start()
        for _ in children:
            ours.recv()
        # In the call or just before it.
        for child in children:
            child.kill()
            child.join()
    # Those that wait at the gate are not disturbed by the death of who has called them.
    gate.open()
    eventually(lambda: statistics.numbers() == before)


def check_in(store: Any, connection: Any) -> None:
    connection.recv()
    connection.send(store.append("child"))


def test_a_proxy_that_only_a_child_has(host: Any, context: Any) -> None:
    ours, theirs = context.Pipe()
    child = context.Process(target=check_in, args=(host.Store(), theirs))
    child.start()
    gc.collect()
    ours.send(None)
    assert ours.recv() == 1
    child.join()
    assert child.exitcode == 0
    # Under spawn and forkserver the process object has kept it for the child.
    del child
    gc.collect()
    eventually(lambda: host._number_of_objects() == 0)


def test_a_blocked_call_delays_nobody(host: Any) -> None:
    gate, store = host.Gate(), host.Store()
    results: list[bool] = []
    waiters = [threading.Thread(target=lambda: results.append(gate.wait())) for _ in range(8)]
    for waiter in waiters:
        waiter.start()
    for _ in waiters:
        assert gate.somebody_waits()
    assert store.append(1) == 1
    gate.open()
    for waiter in waiters:
        waiter.join(60)
    assert results == [True] * 8


def interrupt_when_waiting(gate: Any, process: int) -> None:
    gate.somebody_waits()
    os.kill(process, signal.SIGINT)


def test_an_interrupt_ends_a_waiting_call(host: Any, context: Any) -> None:
    gate, store = host.Gate(), host.Store()
    child = context.Process(target=interrupt_when_waiting, args=(gate, os.getpid()))
    child.start()
    with pytest.raises(KeyboardInterrupt):
        gate.wait()
    child.join()
    # Nothing is out of step: the connection was closed.
    assert [store.append(item) for item in "abc"] == [1, 2, 3]


def test_the_host_ignores_interrupts(host: Any) -> None:
    store = host.Store()
    os.kill(host._process.pid, signal.SIGINT)
    assert store.append(1) == 1


def test_a_host_that_is_gone(host: Any) -> None:
    store, gate = host.Store(), host.Gate()
    raised: list[BaseException] = []

    def wait() -> None:
        try:
            gate.wait()
        except Exception as error:
            raised.append(error)

    waiter = threading.Thread(target=wait)
    waiter.start()
    gate.somebody_waits()
    os.kill(host._process.pid, signal.SIGKILL)
    waiter.join(60)
    [error] = raised
    assert isinstance(error, sharevar.HostDied)
    assert error.started
    for _ in range(3):
        with pytest.raises(sharevar.HostDied) as refused:
            store.append(1)
        assert not refused.value.started
        assert isinstance(refused.value, (EOFError, BrokenPipeError, ConnectionRefusedError))
    host._process.join()


def test_a_host_with_a_pool_that_is_gone(host: Any) -> None:
    """The workers of the pool are its children, and have inherited its sockets."""
    store = host.Store()
    pool = host.Pool(2)
    assert pool.map(abs, [-1, 2]) == [1, 2]
    os.kill(host._process.pid, signal.SIGKILL)
    with pytest.raises(sharevar.HostDied):
        store.wait_for_signal(signal.SIGUSR1)
    host._process.join()


def test_started_again_at_the_same_address(tmp_path: Path) -> None:
    for address in (str(tmp_path / "socket"), None, ("127.0.0.1", 0)):
        first = Manager(address, KEY)
        first.start()
        address, old = first.address, first.Store()
        os.kill(first._process.pid, signal.SIGKILL)
        first._process.join()
        with Manager(address, KEY) as second:
            assert second.address == address
            assert second.Store().append(1) == 1
            with pytest.raises(sharevar.HandleExpired):
                old.append(1)
            other = Manager(address, KEY)
            with pytest.raises(OSError, match="in use"):
                other.start()


def serve(connection: Any) -> None:
    server = Manager(("127.0.0.1", 0), KEY).get_server()
    connection.send(server.address)
    server.serve_forever()


def test_a_server_of_ones_own(context: Any) -> None:
    ours, theirs = context.Pipe()
    child = context.Process(target=serve, args=(theirs,))
    child.start()
    address = ours.recv()
    clients = [Manager(address, KEY) for _ in range(2)]
    for client in clients:
        client.connect()
        assert not hasattr(client, "shutdown")
    assert clients[0].Store(1).append(2) == 2
    with pytest.raises(multiprocessing.AuthenticationError, match="refuses"):
        Manager(address, b"another key").connect()
    with pytest.raises(multiprocessing.ProcessError):
        clients[0].start()
    child.terminate()
    child.join()
    with pytest.raises(ConnectionRefusedError):
        Manager(address, KEY + b"2").connect()
    with pytest.raises(FileNotFoundError):
        Manager("/no/such/socket", KEY).connect()


PLAIN = """
    import multiprocessing, sys
    from multiprocessing.managers import *
    from multiprocessing.managers import AcquirerProxy, ListProxy
    class Forbidden:
        def find_spec(self, name, path=None, target=None):
            assert not name.startswith("sharevar"), name
    sys.meta_path.insert(0, Forbidden())
    KEY = {key!r}
    multiprocessing.current_process().authkey = KEY
    class Manager(BaseManager):
        pass
    Manager.register("Store")
    Manager.register("RLock", proxytype=AcquirerProxy)
"""


def plainly(program: str, *arguments: str, cwd: Path, key: bytes = KEY) -> str:
    """What a program prints that has no sharevar."""
    source = textwrap.dedent(PLAIN).format(key=key) + textwrap.dedent(program)
    command = [sys.executable, "-I", "-c", source, *arguments]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_plain_python_uses_the_same_objects(host: Any, tmp_path: Path) -> None:
    store = host.Store()
    program = """
        from multiprocessing.managers import AutoProxy, RebuildProxy, Token
        manager = Manager(sys.argv[1], KEY)
        manager.connect()
        token = Token("Store", *sys.argv[1:])
        store = RebuildProxy(AutoProxy, token, "pickle", {"authkey": KEY})
        store.append(("from", "outside"))
        own = manager.Store(1)
        own.append(2)
        print(own.get(), store.append(own), store.get(-1).append(3))
        print(manager._number_of_objects())
        try:
            store.get(9)
        except IndexError as error:
            print(error)
        with manager.RLock():
            print(manager._debug_info().count("refcount"))
        del own
    """
    out = plainly(program, host.address, store._token.id, cwd=tmp_path).splitlines()
    assert out == ["2 2 3", "2", "list index out of range", "3"]
    assert store.get(0) == ("from", "outside")
    assert store.get().append("here") == 4
    store.drop()
    eventually(lambda: host._number_of_objects() == 1)


def test_plain_python_needs_the_key(host: Any, tmp_path: Path) -> None:
    program = """
        try:
            Manager(sys.argv[1], KEY).connect()
        except multiprocessing.AuthenticationError as error:
            print(error)
    """
    out = plainly(program, host.address, cwd=tmp_path, key=b"another")
    assert out == "digest sent was rejected\n"
    assert host.Store().append(1) == 1


def test_strangers_keep_nobody(host: Any) -> None:
    says = [b"", b"\0", b"\0\0\0\x20half", b"\x7f" * 8, b"\0\0\0\x04what", b"\0" * 300]
    with ExitStack() as strangers:
        for number in range(150):
            stranger = strangers.enter_context(socket.socket(socket.AF_UNIX))
            stranger.connect(host.address)
            stranger.sendall(says[number % len(says)])
            if number == 3:
                # What is no answer to a challenge is answered with the end.
                stranger.settimeout(60)
                with suppress(ConnectionResetError):
                    while stranger.recv(1000):
                        pass
        assert host.Store().append(1) == 1
        client = Manager(host.address, KEY)
        client.connect()
        assert client.Store().append(1) == 1


def test_a_plain_server_is_called_on_its_own_wire(tmp_path: Path) -> None:
    source = textwrap.dedent(PLAIN).format(key=KEY) + textwrap.dedent("""
        Manager.register("list", list, ListProxy)
        Manager.register("dict", dict)
        server = Manager(None, KEY).get_server()
        print(server.address, flush=True)
        server.serve_forever()
    """)

    class Client(BaseManager):
        pass

    Client.register("list", proxytype=standard.ListProxy)
    Client.register("dict")
    with subprocess.Popen(
        [sys.executable, "-I", "-c", source],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        manager = Client(process.stdout.readline().strip(), KEY)
        manager.connect()
        items = manager.list([1])
        items.append(2)
        assert (items._getvalue(), items._hosted) == ([1, 2], None)
        table = manager.dict(a=1)
        assert (table.get("a"), manager._number_of_objects()) == (1, 2)
        with pytest.raises(sharevar.NotAHost):
            sharevar.connect(manager.address, KEY)
        process.terminate()


def test_a_lock_belongs_to_a_thread_of_the_client(host: Any) -> None:
    lock = host.RLock()
    taken: list[bool] = []

    def take() -> None:
        with lock, lock:
            taken.append(lock.acquire(False))
            lock.release()

    with lock:
        thread = threading.Thread(target=take)
        thread.start()
        assert lock.acquire(False)
        lock.release()
        assert taken == []
    thread.join(60)
    assert taken == [True]
    with pytest.raises(RuntimeError):
        lock.release()


def test_xmlrpclib_carries_what_xml_can() -> None:
    with Manager(serializer="xmlrpclib", authkey=KEY) as manager:
        store = manager.Store()
        assert store.append([1, "x", 1.5]) == 1
        assert store.get() == [1, "x", 1.5]
        with pytest.raises(Exception, match="cannot marshal"):
            store.append(time.sleep)


@pytest.mark.parametrize("start", [Manager, sharevar.Manager])
def test_publish_says_what_it_takes(start: Any) -> None:
    manager = start()
    if start is Manager:
        manager.start()
    with manager, sharevar.Manager() as other:
        for variable in (other.dict(), other.Queue(), sharevar.Lock(), other.list([1])):
            with pytest.raises(TypeError, match=r"in shared memory.*sharevar\.shared"):
                manager.publish("stock", variable)
        for strange in ([1], None, manager):
            with pytest.raises(TypeError, match=r"is no proxy of a host's object"):
                manager.publish("stock", strange)


def test_found_by_name(host: Any, tmp_path: Path) -> None:
    store = host.Store()
    host.publish("the store", store)
    del store
    gc.collect()
    remote = sharevar.connect(host.address, KEY)
    assert remote.find("the store").append(1) == 1
    assert remote.create("Store", 1).get() == 1
    assert sharevar.connect(f"unix:{host.address}", KEY).address == host.address
    with pytest.raises(sharevar.HandleExpired, match="nothing was published"):
        remote.find("another")
    with pytest.raises(sharevar.NotRegistered):
        remote.create("another")
    with pytest.raises(sharevar.HostUnreachable, match="no host can be reached"):
        sharevar.connect("no-host-has-this-name")
    with pytest.raises(ValueError, match="name"):
        sharevar.connect("no name")


LEFT = """
    import os, sys
    from sharevar.managers import BaseManager
    BaseManager.register("list", list)
    manager = BaseManager()
    manager.start()
    items = manager.list()
    print(manager._process.pid, flush=True)
    sys.stdin.read()
    {end}
"""


@pytest.mark.parametrize("end", ["pass", "1 / 0", "os.kill(os.getpid(), 9)"])
def test_no_host_is_left(end: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(LEFT).format(end=end)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        descriptor = os.pidfd_open(int(process.stdout.readline()))
        process.stdin.close()
        try:
            assert multiprocessing.connection.wait([descriptor], timeout=30)
        finally:
            os.close(descriptor)
