"""Variables on a server: what the tests of the kinds do not look at."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from support import engine_servers
from support.certificates import make_certificate
from support.waiting import eventually, sleeps

import sharevar

pytestmark = [
    pytest.mark.redis,
    pytest.mark.skipif(
        not engine_servers.PROGRAMS, reason="there is no valkey-server or redis-server here"
    ),
]


# Of a process that is stopped. A test's own lease is long, so that no busy machine ends it.
SHORT_LEASE = "&lease=2"


@pytest.fixture
def server() -> engine_servers.Server:
    return engine_servers.server(next(iter(engine_servers.PROGRAMS)))


@pytest.fixture
def shop(server: engine_servers.Server) -> Iterator[Any]:
    with server.manager() as manager:
        yield manager


def count(numbers: Any, lock: Any, jobs: Any, done: Any) -> None:
    while (job := jobs.get()) is not None:
        with lock:
            numbers[job % 3] = numbers[job % 3] + 1
    done.release()


def test_children_use_the_variables_that_they_are_given(shop: Any, context: Any) -> None:
    numbers, lock, jobs = shop.list([0, 0, 0]), shop.Lock(), shop.Queue()
    done = shop.Semaphore(0)
    children = [
        context.Process(target=count, args=(numbers, lock, jobs, done)) for _ in range(2)
    ]
    for child in children:
        child.start()
    for job in range(60):
        jobs.put(job)
    for _ in children:
        jobs.put(None)
    for _ in children:
        assert done.acquire(timeout=50)
    for child in children:
        child.join()
    assert numbers[:] == [20, 20, 20]


def test_another_program_finds_them_by_their_names(shop: Any) -> None:
    shop.dict(name="stock")["apples"] = 3
    program = (
        "import sharevar, sys\n"
        "shop = sharevar.Manager(sys.argv[1])\n"
        "print(shop.variables(), shop['stock'].incr('apples'))\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", program, shop.address], capture_output=True, check=True
    )
    assert told.stdout == b"['stock'] 4\n"
    assert shop["stock"].copy() == {"apples": 4}
    # A manager goes by its address, too.
    assert pickle.loads(pickle.dumps(shop))["stock"]["apples"] == 4


def test_a_forked_child_holds_nothing_of_its_parents(shop: Any) -> None:
    lock, recursive = shop.Lock(), shop.RLock()
    with lock, recursive:

        def look(connection: Any) -> None:
            with pytest.raises(sharevar.NotOwner):
                recursive.release()
            connection.send((lock.acquire(False), recursive.acquire(False), lock._is_owned()))

        ours, theirs = multiprocessing.Pipe()
        child = multiprocessing.Process(target=look, args=(theirs,))
        child.start()
        assert ours.recv() == (False, False, False)
        child.join()
        assert lock._is_owned()


class Thing:
    """A value of no native type."""


def test_pickles_are_refused_unless_maker_and_user_want_them(
    server: engine_servers.Server,
) -> None:
    with sharevar.Manager(server.address("unpickled")) as manager:
        box = manager.Value("i", 0, name="box")
        for store in (lambda: box.set(Thing()), lambda: manager.list([Thing()])):
            with pytest.raises(sharevar.PickleRefused, match="creator has not allowed"):
                store()
        with pytest.raises(sharevar.PickleRefused, match="pickle=True was said of this"):
            sharevar.Manager(server.address("unpickled"), pickle=True)
        manager.store.close()
    with server.manager() as willing:
        willing.Value("i", Thing(), name="box")
        assert type(willing["box"].value) is Thing
        program = (
            "import sharevar, sys\n"
            "shop = sharevar.Manager(sys.argv[1])\n"
            "try:\n"
            "    shop['box'].value\n"
            "except sharevar.PickleRefused as error:\n"
            "    print(error)\n"
        )
        address = willing.address.replace("&pickle=1", "")
        assert address != willing.address
        told = subprocess.run(
            [sys.executable, "-c", program, address], capture_output=True, text=True, check=True
        )
        assert "this process has not asked for pickles" in told.stdout


def use(numbers: Any) -> None:
    numbers.append(1)


def test_a_password_is_in_no_reference_and_children_have_it(context: Any) -> None:
    with engine_servers.own_server("--requirepass", "s3cret/word") as server:
        address = server.address("locked")
        with pytest.raises(sharevar.EngineRefused) as refused:
            sharevar.Manager(address)
        assert isinstance(refused.value, PermissionError) and refused.value.happened is False
        told = server.address("locked", user=":s3cret%2Fword@")
        with sharevar.Manager(told) as manager:
            numbers = manager.list()
            shown = [
                *map(repr, (manager, manager.store, numbers, pickle.dumps(numbers))),
                manager.address, str(numbers._callmethod("__repr__")),
            ]  # fmt: skip
            assert not [text for text in shown if "s3cret" in text]
            child = context.Process(target=use, args=(numbers,))
            child.start()
            child.join()
            assert numbers[:] == [1]
            # Any other program has it in its environment.
            program = "import sharevar, sys; print(sharevar.Manager(sys.argv[1]).variables())"
            command = [sys.executable, "-c", program, address]
            environment = {**os.environ, "SHAREVAR_REDIS_PASSWORD": "s3cret/word"}
            done = subprocess.run(command, env=environment, capture_output=True, check=True)
            assert done.stdout == b"[]\n"
            failed = subprocess.run(command, capture_output=True, text=True)
            assert "EngineRefused" in failed.stderr


@pytest.mark.skipif(
    "redis" not in engine_servers.FOUND or shutil.which("openssl") is None,
    reason="needs redis-server, which has TLS, and openssl",
)
def test_under_tls_the_name_in_the_certificate_counts(tmp_path: Path) -> None:
    certificate, settings = make_certificate(tmp_path)
    program = (
        "import multiprocessing, sharevar, sys\n"
        "try:\n"
        "    numbers = sharevar.Manager(sys.argv[1]).list()\n"
        "    child = multiprocessing.Process(target=numbers.append, args=(1,))\n"
        "    child.start(), child.join()\n"
        "    print(numbers[:])\n"
        "except sharevar.SharevarError as error:\n"
        "    print(type(error).__name__)\n"
    )
    with engine_servers.own_server(*settings, engine="redis") as server:
        for host, authorities, expected in (
            ("localhost", certificate, "[1]"),
            # It is the right server, by a name that the certificate has not.
            ("127.0.0.1", certificate, "Unavailable"),
            ("localhost", "/dev/null", "Unavailable"),
        ):
            address = f"rediss://{host}:{server.port}/0"
            done = subprocess.run(
                [sys.executable, "-c", program, address],
                env={**os.environ, "SSL_CERT_FILE": str(authorities)},
                capture_output=True,
                text=True,
            )
            assert done.stdout == f"{expected}\n", (host, done.stdout, done.stderr)


def test_addresses_that_lead_nowhere() -> None:
    with pytest.raises(sharevar.Unavailable, match="cannot be reached") as told:
        sharevar.Manager("redis://127.0.0.1:1/0")
    assert isinstance(told.value, ConnectionError) and told.value.happened is False
    with pytest.raises(sharevar.EngineRefused, match="use rediss://"):
        sharevar.Manager("redis://far.example/0")
    with pytest.raises(sharevar.EngineRefused, match="no option"):
        sharevar.Manager("redis://127.0.0.1/0?nonsense=1")
    for happened, error in ((None, sharevar.OutcomeUnknown("x")), (False, told.value)):
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is type(error) and again.happened is happened
        assert str(again) == str(error)


def test_other_threads_run_while_one_waits_for_the_server(server: Any) -> None:
    with server.manager("&timeout=60") as manager:
        numbers, items = manager.list([1]), manager.Queue()
        for wait in (lambda: numbers.append(2), lambda: items.get()):
            with server.paused():
                waiter = threading.Thread(target=wait)
                waiter.start()
                # The look itself needs the interpreter.
                eventually(partial(sleeps, os.getpid(), waiter.native_id))
                assert waiter.is_alive()
            items.put(None)
            waiter.join()
        assert numbers[:] == [1, 2]


def test_an_outcome_may_be_unknown(server: Any) -> None:
    with server.manager("&timeout=2") as manager:
        numbers = manager.list([1])

        def append() -> sharevar.OutcomeUnknown | None:
            try:
                assert numbers[:] == [1]
                with server.paused():
                    numbers.append(2)
            except sharevar.OutcomeUnknown as told:
                return told
            except sharevar.Unavailable as told:
                # The renewal of the lease has the connection, so that another one was begun.
                assert told.happened is False
            return None

        told = eventually(append)
        assert told.happened is None and isinstance(told, ConnectionError)
        # The request came through; asked for again, it is not applied a second time.
        eventually(lambda: numbers[:] == [1, 2])


INTERRUPTED = """
import signal, sys, sharevar
shop = sharevar.Manager(sys.argv[1])
items, lock = shop.Queue(name="items"), shop.Lock(name="lock")
taken = 0
for wait in (items.get, lock.acquire):
    try:
        print("waits", flush=True)
        wait()
        taken += 1
    except KeyboardInterrupt:
        print("interrupted", flush=True)
print(taken)
"""


def test_an_interrupt_ends_a_wait_and_loses_nothing(shop: Any) -> None:
    items, lock = shop.Queue(name="items"), shop.Lock(name="lock")
    with lock:
        child = subprocess.Popen(
            [sys.executable, "-c", INTERRUPTED, shop.address], stdout=subprocess.PIPE, text=True
        )
        assert child.stdout is not None
        for _ in range(2):
            assert child.stdout.readline() == "waits\n"
            eventually(lambda: sleeps(child.pid))
            child.send_signal(signal.SIGINT)
            assert child.stdout.readline() == "interrupted\n"
        assert child.communicate()[0] == "0\n"
    items.put(1)
    assert items.get(timeout=5) == 1
    assert lock.acquire(timeout=5)


def test_a_holder_that_is_not_heard_of_loses_its_lock(server: Any) -> None:
    with server.manager() as manager:
        lock = manager.Lock(name="lock")
        program = (
            "import os, signal, sharevar, sys\n"
            "lock = sharevar.Manager(sys.argv[1]).Lock(name='lock')\n"
            "lock.acquire()\n"
            "os.kill(os.getpid(), signal.SIGSTOP)\n"
            "for _ in range(2):\n"
            "    try:\n"
            "        lock.release()\n"
            "    except sharevar.LeaseLost as error:\n"
            "        print('lost', error.happened)\n"
            "    except sharevar.NotHeld:\n"
            "        print('not held')\n"
        )
        command = [sys.executable, "-c", program, manager.address + SHORT_LEASE]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        os.waitid(os.P_PID, child.pid, os.WSTOPPED | os.WNOWAIT)
        assert lock.acquire(timeout=50)
        child.send_signal(signal.SIGCONT)
        assert child.communicate()[0] == "lost False\n" * 2
        assert lock._is_owned()
        lock.release()


PAUSED = """
import os, signal, sharevar, sys
shop = sharevar.Manager(sys.argv[1])
lock, stock = shop.Lock(name="lock"), shop.dict(name="stock")
condition = shop.Condition(lock)
lock.acquire()
fenced = lock.fence(stock)
fenced["apples"] = 1
print(type(fenced) is type(stock), lock.lost, lock.token)
os.kill(os.getpid(), signal.SIGSTOP)
print(lock.lost)
for act in (lambda: fenced.update(apples=2), lambda: fenced.get("apples"), condition.wait):
    try:
        act()
    except sharevar.SharevarError as error:
        print(type(error).__name__, error.happened)
stock["pears"] = 2
"""


def test_a_fenced_write_of_a_paused_holder_is_refused(server: Any) -> None:
    with server.manager() as manager:
        lock, stock = manager.Lock(name="lock"), manager.dict(name="stock")
        command = [sys.executable, "-c", PAUSED, manager.address + SHORT_LEASE]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        os.waitid(os.P_PID, child.pid, os.WSTOPPED | os.WNOWAIT)
        assert lock.acquire(timeout=50)
        lock.fence(stock)["apples"] = 7
        child.send_signal(signal.SIGCONT)
        told = child.communicate()[0].splitlines()
        assert told[0] == "True False 1" and lock.token == 2
        assert told[1:] == ["True", "Fenced False", "Fenced False", "NotOwner False"]
        # Without the fence the late write comes through.
        assert stock.copy() == {"apples": 7, "pears": 2} and lock._is_owned()
        lock.release()
        assert lock.token is None
        with pytest.raises(sharevar.NotOwner):
            lock.fence(stock)


# Each makes a variable `v` of a manager `m`, and then come statements that would change it.
WRITES = {
    "m.dict({1: 1}, name='dict')": [
        "v[1] = 9", "del v[1]", "v.update({1: 9})", "v.pop(1)", "v.popitem()", "v.incr(1)",
        "v.setdefault(9, 9)", "v.clear()", "v |= {9: 9}", "v.update({Odd(): 9})",
    ],
    "m.list([2, 1], name='list')": [
        "v[0] = 9", "del v[0]", "v.append(9)", "v.extend([9])", "v.insert(0, 9)", "v.pop()",
        "v.remove(2)", "v.reverse()", "v.sort()", "v.sort(key=str)", "v.clear()", "v[:] = [9]",
        "del v[:]", "v[::2] = [9]", "v += [9]", "v *= 2",
    ],
    "m.set([1], name='set')": [
        "v.add(9)", "v.remove(1)", "v.discard(1)", "v.pop()", "v.clear()", "v.update([9])",
        "v |= {9}", "v &= {9}", "v -= {1}", "v ^= {1}", "v.difference_update([1])",
    ],
    "m.Value('i', 1, name='value')": ["v.value = 9"],
    "m.shared('int', int)": ["v.set(9)", "v.incr()"],
    "m.Array('i', [1, 2], name='array')": ["v[0] = 9", "v[:] = [9, 9]"],
    "m.Namespace(name='namespace')": ["v.x = 9", "del v.x"],
    "m.Queue(name='queue')": [
        "v.put(9)", "v.put_nowait(9)", "v.get_nowait()", "v.get(timeout=0.01)",
        "v.put_many([9])", "v.get_many(2, block=False)", "v.shutdown(True)",
    ],
    "m.JoinableQueue(name='joinable')": ["v.put(9)", "v.task_done()"],
    "m.PriorityQueue(name='ranked')": ["v.put(9)", "v.get_nowait()", "v.put_many([9])"],
    "m.Event(name='event')": ["v.set()", "v.clear()"],
    "m.Semaphore(1, name='semaphore')": ["v.acquire(False)", "v.release()"],
    "m.Barrier(1, name='barrier')": ["v.wait()", "v.abort()", "v.reset()"],
    "m.Condition(name='condition')": ["with v: v.notify()", "with v: v.notify_all()"],
    "m.Lock(name='inner')": ["v.acquire(False)", "v.release()"],
    "m.RLock(name='recursive')": ["v.acquire(False)"],
}  # fmt: skip

PAUSED_WRITER = """
import os, signal, sharevar, sys

class Odd:
    "A key that only Python can compare."
    def __eq__(self, other): return self is other
    __hash__ = object.__hash__

m = sharevar.Manager(sys.argv[1], pickle=True)
lock = m.Lock(name="lock")
lock.acquire()
fenced = {make: lock.fence(eval(make)) for make in WRITES}
os.kill(os.getpid(), signal.SIGSTOP)
for make, statements in WRITES.items():
    for statement in statements:
        v = fenced[make]
        try:
            exec(statement)
        except sharevar.Fenced:
            continue
        except Exception as error:
            print(make, statement, repr(error))
        else:
            print(make, statement, "was not refused")
"""


def test_no_statement_of_a_paused_holder_passes_its_fence(server: Any) -> None:
    address = server.address("fences")
    with sharevar.Manager(address, pickle=True) as manager:
        lock = manager.Lock(name="lock")
        program = f"WRITES = {WRITES!r}\n{PAUSED_WRITER}"
        command = [sys.executable, "-c", program, address + SHORT_LEASE]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        os.waitid(os.P_PID, child.pid, os.WSTOPPED | os.WNOWAIT)
        assert lock.acquire(timeout=50)
        child.send_signal(signal.SIGCONT)
        assert child.communicate()[0] == "" and child.returncode == 0
        assert manager["dict"].copy() == {1: 1} and manager["list"][:] == [2, 1]
        assert manager["set"].copy() == {1} and list(manager["array"]) == [1, 2]
        assert manager["queue"].empty() and manager["ranked"].empty()
        lock.release()


def test_a_server_without_its_data_is_told_from_an_empty_one() -> None:
    with engine_servers.own_server() as server:
        manager = sharevar.Manager(server.address("gone"))
        numbers = manager.list([1], name="numbers")
        server.stop()
        server.start()
        # The client cannot tell whether the connection was closed before the request.
        with pytest.raises((sharevar.ClosedError, sharevar.OutcomeUnknown)):
            numbers.pop()
        for operation in (numbers.pop, manager.list):
            with pytest.raises(sharevar.ClosedError):
                operation()
        reference = pickle.dumps(numbers)
        with sharevar.Manager(server.address("gone")) as new:
            assert new.variables() == []
        manager.shutdown()
        del manager, numbers, operation
        with pytest.raises(sharevar.ClosedError, match="has lost its data"):
            pickle.loads(reference)


def messages(server: engine_servers.Server) -> int:
    """How many scripts the server has run."""
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(b"INFO commandstats\r\nQUIT\r\n")
        told = connection.makefile("rb").read()
    return sum(map(int, re.findall(rb"cmdstat_evalsha:calls=(\d+)", told)))


def test_an_operation_is_one_message() -> None:
    # Nothing else is sent meanwhile: no other test has this server, and the lease is long.
    with engine_servers.own_server() as server, server.manager("&lease=1000") as shop:
        stock, kinds, names = shop.dict(apples=1), shop.set(["a"]), shop.list(["x", "y"])
        many = shop.dict(dict.fromkeys(range(2500), 0))
        operations: dict[str, Callable[[], Any]] = {
            "set": lambda: stock.__setitem__("apples", 2),
            "set a new key": lambda: stock.__setitem__("pears", 2),
            "get": lambda: stock["apples"],
            "get what is not there": lambda: stock.get("plums"),
            "in": lambda: "apples" in stock,
            "not in": lambda: "plums" in stock,
            "setdefault": lambda: stock.setdefault("figs", 1),
            "incr": lambda: stock.incr("apples"),
            "pop": lambda: stock.pop("figs"),
            "pop what is not there": lambda: stock.pop("figs", None),
            "del": lambda: stock.__delitem__("pears"),
            "update": lambda: stock.update(dict.fromkeys(range(1000), 0)),
            "get_many": lambda: stock.get_many(range(2000)),
            "items": lambda: stock.items(),
            "add": lambda: kinds.add("b"),
            "discard": lambda: kinds.discard("b"),
            "a list's items": lambda: names[:],
        }
        for name, operation in operations.items():
            before = messages(server)
            operation()
            assert messages(server) - before <= 1, name
        before = messages(server)
        assert len([*many]) == 2500
        # Three pages, and the length at nine or ten places of each.
        assert messages(server) - before <= 36
        assert names[1:] == ["y"]
        before = messages(server)
        assert len([*names]) == 2
        # Python asks for the length first; two slices, of which the second is empty.
        assert messages(server) - before <= 3


def test_the_command_takes_a_name_away_with_all_that_python_has_noted_of_it(
    server: engine_servers.Server, tmp_path: Path
) -> None:
    command = Path(sys.executable).parent / "sharevar"
    address = server.address("removed")
    with sharevar.Manager(address, pickle=True) as manager:
        manager.shared("log", sharevar.open, tmp_path / "log")
        for kind in (dict, sharevar.JoinableQueue):
            manager.shared("it", kind)
            assert manager.variables() == ["it", "log"]
            subprocess.run([command, "del", address, "it"], check=True, timeout=50)
            assert manager.variables() == ["log"]
            # As a Rust program makes it.
            manager.arena.named("it", sharevar.ListProxy)
            assert manager["it"][:] == manager.shared("it", list)[:] == []
            subprocess.run([command, "del", address, "it"], check=True, timeout=50)
        subprocess.run([command, "del", address, "log"], check=True, timeout=50)
        assert manager.variables() == []
