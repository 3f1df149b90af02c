"""Hosts that are found through a server, and their clients."""

from __future__ import annotations

import asyncio
import errno
import itertools
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support import engine_servers
from support.certificates import make_certificate
from support.hosted_objects import KEY, Kept
from support.waiting import eventually, interrupted

import sharevar
from sharevar.managers import BaseManager

pytestmark = [
    pytest.mark.redis,
    pytest.mark.skipif(
        not engine_servers.PROGRAMS, reason="there is no valkey-server or redis-server here"
    ),
]


class Till:
    """An object of the tests."""

    def __init__(self) -> None:
        self._sum = 0

    def add(self, number: int) -> int:
        self._sum += number
        return self._sum

    def echo(self, item: Any) -> Any:
        return item

    def count(self, end: int) -> Iterator[int]:
        yield from range(end)

    def ask(self, function: Callable[[int], int]) -> int:
        return function(20)

    def process(self) -> int:
        return os.getpid()

    def die(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


class Manager(BaseManager):
    pass


Manager.register("Till", Till)


class Restarting(BaseManager):
    pass


Restarting.register("Kept", Kept, restart=True)

_numbers = itertools.count()


@pytest.fixture
def server() -> engine_servers.Server:
    return engine_servers.server(next(iter(engine_servers.PROGRAMS)))


@pytest.fixture
def namespace() -> str:
    return f"h{os.getpid()}-{next(_numbers)}"


@pytest.fixture
def address(server: engine_servers.Server, namespace: str) -> str:
    """A place whose host has it for four seconds after its death."""
    return server.address(namespace, "&lease=4&host=till")


def add(till: Any, number: int) -> None:
    till.add(number)


def test_a_host_is_called_through_a_server(address: str, context: Any) -> None:
    with Manager(address, KEY, ctx=context) as manager:
        assert manager.address == address
        till = manager.Till()
        assert (till.add(2), till.add(3)) == (2, 5)
        child = context.Process(target=add, args=(till, 10))
        child.start()
        child.join()
        assert (child.exitcode, till.add(0)) == (0, 15)
        assert list(till.count(500)) == list(range(500))
        assert till.ask(sharevar.callback(lambda number: number + 1)) == 21
        for size in (2 << 20, 5 << 20):
            assert till.echo(b"x" * size) == b"x" * size
        assert asyncio.run(till.add_async(1)) == 16
        with till._batch() as batch:
            sums = batch.add(1), batch.add(1)
        assert [one.result() for one in sums] == [17, 18]


PROGRAM = """
import sys
from test_hosts_on_servers import KEY, Manager, Till

manager = Manager(sys.argv[1], KEY)
server = manager.get_server()
print("ready", flush=True)
server.serve_forever()
"""


def run_host(address: str, authorities: str | Path = "") -> subprocess.Popen[str]:
    """A program that is a host until it is asked for its end."""
    started = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, address],
        cwd=os.path.dirname(__file__),
        env={**os.environ, "SSL_CERT_FILE": str(authorities)} if authorities else None,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert started.stdout is not None
    assert started.stdout.readline() == "ready\n"
    return started


def test_programs_without_a_relation_find_a_host(address: str) -> None:
    with run_host(address) as host:
        manager = Manager(address, KEY)
        manager.connect()
        till = manager.Till()
        assert till.add(7) == 7
        manager.publish("till", till)
        found = sharevar.connect(address, KEY)
        assert found.address == address
        assert found.find("till").add(1) == 8
        assert found._client.call(0, "shutdown", ()) is None
        assert host.wait(50) == 0
    # Its name is free at once.
    with Manager(address, KEY) as manager:
        assert manager.Till().add(1) == 1


def test_a_name_is_that_of_one_host(address: str) -> None:
    with run_host(address) as host:
        with pytest.raises(OSError, match='a host with the name "till" lives') as refused:
            Manager(address, KEY).start()
        assert refused.value.errno == errno.EADDRINUSE
        host.kill()
        host.wait()
    # After its death it has its name until its lease is over.
    with Manager(address, KEY) as manager:
        assert manager.Till().add(1) == 1


def test_the_error_says_whether_a_call_was_begun(address: str) -> None:
    with run_host(address) as host:
        manager = Manager(address, KEY)
        manager.connect()
        till, other = manager.Till(), manager.Till()
        with pytest.raises(sharevar.HostDied) as during:
            till.die()
        assert during.value.started and during.value.happened is None
        host.wait()
        with pytest.raises(sharevar.HostDied) as after:
            other.add(1)
        assert not after.value.started and after.value.happened is False


def test_a_call_that_was_not_taken_was_not_begun(address: str) -> None:
    with run_host(address) as host:
        manager = Manager(address, KEY)
        manager.connect()
        till = manager.Till()
        till.add(1)
        host.kill()
        host.wait()
        # Its lease goes on, so that the server takes the call.
        with pytest.raises(sharevar.HostDied) as died:
            till.add(1)
        assert not died.value.started


def test_a_host_is_started_again_at_its_place(address: str) -> None:
    with Restarting(address, KEY) as manager:
        kept = manager.Kept("first")
        with pytest.raises(sharevar.HostDied):
            kept.die()
        assert kept.add("second") == 2
        assert kept.get() == ["first", "second"]


def test_strangers_are_refused(address: str) -> None:
    with Manager(address, KEY):
        with pytest.raises(sharevar.AccessRefused):
            sharevar.connect(address, b"another")
        with pytest.raises(sharevar.PlaintextRefused, match="needs a key"):
            sharevar.connect(address)


def test_there_is_no_host(address: str) -> None:
    absent = 'this namespace has no host with the name "till"'
    with pytest.raises(sharevar.HostUnreachable, match=absent):
        sharevar.connect(address, KEY)


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ("redis://ada:secret@127.0.0.1/0?namespace=shop", "host=NAME"),
        ("redis://ada:secret@127.0.0.1/0?namespace=a/b&host=till", "a namespace has letters"),
        ("redis://ada:secret@elsewhere/0?host=till", "rediss://"),
        ("nats://ada:secret@127.0.0.1/?host=till", "nats://"),
    ],
)
def test_addresses_are_checked(place: str, reason: str) -> None:
    for use in (lambda: Manager(place, KEY), lambda: sharevar.connect(place, KEY)):
        with pytest.raises(ValueError, match=reason) as refused:
            use()
        assert "secret" not in str(refused.value)


def test_no_password_is_shown(server: engine_servers.Server, namespace: str) -> None:
    rules = f"on >secret resetkeys ~sv:{{{namespace}}}* &sv:{{{namespace}}}* +@all"
    assert server.ask("ACL", "SETUSER", "ada", *rules.split()).startswith(b"+OK")
    place = server.address(namespace, "&lease=4&host=till", "ada:secret@")
    with Manager(place, KEY) as manager:
        till = manager.Till()
        assert till.add(1) == 1
        assert "secret" not in f"{manager.address} {till!r} {till} {till._token!r}"


CALLER = """
import sys
import sharevar
from test_hosts_on_servers import KEY, Manager

try:
    manager = Manager(sys.argv[1], KEY)
    manager.connect()
    print(manager.Till().add(3))
except sharevar.SharevarError as error:
    print(type(error).__name__, error)
"""


@pytest.mark.skipif(
    "redis" not in engine_servers.FOUND or shutil.which("openssl") is None,
    reason="needs redis-server, which has TLS, and openssl",
)
def test_under_tls_the_name_in_the_certificate_counts(tmp_path: Path, namespace: str) -> None:
    certificate, settings = make_certificate(tmp_path)
    with engine_servers.own_server(*settings, engine="redis") as server:
        options = f"{server.port}/0?namespace={namespace}&lease=4&host=till"
        with run_host(f"rediss://localhost:{options}", certificate) as host:
            try:
                for name, authorities, expected in (
                    ("localhost", certificate, "3"),
                    # It is the right server, by a name that the certificate has not.
                    ("127.0.0.1", certificate, "HostUnreachable"),
                    ("localhost", "/dev/null", "HostUnreachable"),
                ):
                    done = subprocess.run(
                        [sys.executable, "-c", CALLER, f"rediss://{name}:{options}"],
                        cwd=os.path.dirname(__file__),
                        env={**os.environ, "SSL_CERT_FILE": str(authorities)},
                        capture_output=True,
                        text=True,
                    )
                    assert done.stdout.split()[0] == expected, (done.stdout, done.stderr)
            finally:
                host.kill()


def test_ctrl_c_ends_connecting_to_a_server_that_does_not_answer(
    server: engine_servers.Server, address: str
) -> None:
    with Manager(address, KEY) as manager:
        assert manager.Till().add(1) == 1
        # As in a process that has no connection to the server yet.
        place = address.replace("lease=4", "lease=4&timeout=20")
        with server.paused():
            begin = time.monotonic()
            with pytest.raises(KeyboardInterrupt), interrupted():
                sharevar.connect(place, KEY)
            assert time.monotonic() - begin < 10
        assert sharevar.connect(place, KEY).address == place


FORKING = """
import os, sys
from test_hosts_on_servers import KEY, Manager

manager = Manager(sys.argv[1], KEY)
manager.connect()
till = manager.Till()
till.add(1)
print("alone", flush=True)
sys.stdin.readline()
child = os.fork()
if child == 0:
    till.add(1)
    sys.exit()
assert os.waitpid(child, 0)[1] == 0
print("alone again", flush=True)
sys.stdin.readline()
"""


def test_a_forked_child_tells_its_end(
    server: engine_servers.Server, namespace: str, address: str
) -> None:
    def clients() -> int:
        keys = server.ask("KEYS", f"sv:{{{namespace}}}:*:clients").split()
        return int(server.ask("ZCARD", keys[-1].decode())[1:])

    # Its lease goes on for longer than the test.
    place = address.replace("lease=4", "lease=1000")
    with Manager(place, KEY) as manager:
        assert manager.Till().add(0) == 0
        client = subprocess.Popen(
            [sys.executable, "-c", FORKING, place],
            cwd=os.path.dirname(__file__),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        with client:
            assert client.stdin is not None and client.stdout is not None
            assert client.stdout.readline() == "alone\n"
            before = clients()
            client.stdin.write("\n")
            client.stdin.flush()
            assert client.stdout.readline() == "alone again\n"
            assert clients() == before


CLIENT = """
import sys
from test_hosts_on_servers import KEY, Manager

manager = Manager(sys.argv[1], KEY)
manager.connect()
tills = [manager.Till() for _ in range(3)]
print("ready", flush=True)
tills[0].echo(sys.stdin.read())
"""


def test_nothing_is_left_of_a_client_that_is_killed(
    server: engine_servers.Server, namespace: str, address: str
) -> None:
    def keys() -> int:
        return server.ask("KEYS", f"sv:{{{namespace}}}*").count(b"$")

    with Manager(address, KEY) as manager:
        till = manager.Till()
        before, objects = keys(), manager._number_of_objects()
        client = subprocess.Popen(
            [sys.executable, "-c", CLIENT, address],
            cwd=os.path.dirname(__file__),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        with client:
            assert client.stdout is not None
            assert client.stdout.readline() == "ready\n"
            assert keys() > before and manager._number_of_objects() == objects + 3
            client.kill()
            client.wait()
        eventually(lambda: manager._number_of_objects() == objects)
        eventually(lambda: keys() <= before)
        assert till.add(1) == 1
