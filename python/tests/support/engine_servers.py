"""Servers that keep variables, which the tests start on this machine."""

from __future__ import annotations

import atexit
import functools
import itertools
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import sharevar

from .ports import free_port
from .waiting import eventually

# By the name of the engine: the setting that says where the program is, and its name.
_KNOWN = {
    "valkey": ("SHAREVAR_VALKEY_SERVER", "valkey-server"),
    "redis": ("SHAREVAR_REDIS_SERVER", "redis-server"),
}

# Whether all of them are tested, and must be there.
ARE_ALL_TESTED = os.environ.get("SHAREVAR_TEST_SERVERS") == "all"


def _find() -> dict[str, str]:
    """The programs that are here."""
    found = {}
    for engine, (setting, name) in _KNOWN.items():
        path = os.environ.get(setting) or shutil.which(name)
        if path is not None:
            found[engine] = path
        elif ARE_ALL_TESTED:
            raise RuntimeError(f"there is no {name}: install it, or say {setting}=path")
    return found


FOUND = _find()
# The programs on which the tests of all kinds run: the first one, or all.
PROGRAMS = FOUND if ARE_ALL_TESTED else dict(itertools.islice(FOUND.items(), 1))

# The server's end is that of its standard input, so that it ends however this process does. Its
# own output, such as warnings about the machine, is not for the pipe that tells its number.
_KEEPER = """
folder=$1; shift; "$@" <&- >&2 & echo $!; read -r _; kill -9 $!; wait $!; rm -rf "$folder"
"""


class Server:
    """A running server, at a port of this machine."""

    def __init__(self, engine: str, settings: Sequence[str] = ()) -> None:
        self._program = FOUND[engine]
        self._arguments = ["--save", "", "--loglevel", "warning", *settings]
        # A replica is served at once.
        self._arguments += ["--repl-diskless-sync-delay", "0"]
        self._port = ["--port"]
        if "--tls-cert-file" in settings and "--tls-port" not in settings:
            self._port = ["--port", "0", "--tls-port"]
        self._numbers = itertools.count()
        self.port = free_port()
        self.start()

    def start(self) -> None:
        folder = tempfile.mkdtemp(prefix="sharevar-server-")
        command = self._command(folder)
        self._keeper = subprocess.Popen(
            ["sh", "-c", _KEEPER, "sh", folder, *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        assert self._keeper.stdout is not None
        self.process = int(self._keeper.stdout.readline())
        end = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except OSError:
                assert time.monotonic() < end, "the server does not begin to answer"
                time.sleep(0.005)

    def _command(self, folder: str) -> list[str]:
        return [self._program, *self._arguments, "--dir", folder, *self._port, str(self.port)]

    def ask(self, *words: str) -> bytes:
        """The answer to a command that has a short one."""
        with socket.create_connection(("127.0.0.1", self.port)) as connection:
            connection.sendall(f"{' '.join(words)}\r\n".encode())
            return connection.recv(65536)

    def follow(self, primary: Server) -> None:
        """Attach it to a primary, and wait until it confirms changes."""
        assert self.ask("REPLICAOF", "127.0.0.1", str(primary.port)).startswith(b"+OK")
        online = f"port={self.port},state=online".encode()
        eventually(
            lambda: b"master_link_status:up" in self.ask("INFO", "replication")
            and online in primary.ask("INFO", "replication")
        )

    def stop(self) -> None:
        """Kill it. What it has in memory is lost."""
        # Children of the test have the other end of its standard input, too.
        self._keeper.communicate(b"\n")

    def address(self, namespace: str, options: str = "", user: str = "") -> str:
        return f"redis://{user}127.0.0.1:{self.port}/0?namespace={namespace}{options}"

    @contextmanager
    def manager(self, options: str = "") -> Iterator[Any]:
        """A manager of a namespace of its own, of which nothing is left."""
        address = self.address(f"n{os.getpid()}-{next(self._numbers)}", options)
        with sharevar.Manager(address, pickle=True) as manager:
            store = manager.store
            try:
                yield manager
            finally:
                store.close()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """It answers nothing, and its connections stay."""
        os.kill(self.process, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.process, signal.SIGCONT)


class Sentinel(Server):
    """One of those that know the primary of the service ``shop``."""

    def __init__(self, engine: str, primary: Server) -> None:
        self._primary = primary
        super().__init__(engine)

    def _command(self, folder: str) -> list[str]:
        # It writes to its settings.
        path = os.path.join(folder, "sentinel.conf")
        with open(path, "w") as settings:
            settings.write(
                f"port {self.port}\ndir {folder}\n"
                f"sentinel monitor shop 127.0.0.1 {self._primary.port} 2\n"
                "sentinel down-after-milliseconds shop 1000\n"
            )
        return [self._program, path, "--sentinel"]


class Service:
    """A primary with two replicas, which three sentinels watch."""

    def __init__(self, engine: str) -> None:
        self.nodes = [Server(engine) for _ in range(3)]
        for replica in self.nodes[1:]:
            replica.follow(self.nodes[0])
        self.sentinels = [Sentinel(engine, self.nodes[0]) for _ in range(3)]
        for sentinel in self.sentinels:
            eventually(lambda asked=sentinel: asked.ask("INFO").count(b"slaves=2,sentinels=3"))

    def address(self, options: str = "") -> str:
        hosts = ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in self.sentinels)
        return f"redis+sentinel://{hosts}/shop/0?namespace=shop{options}"

    def await_failover(self) -> Server:
        """The next primary, once all sentinels know it."""

        def primaries() -> set[bytes]:
            words = ("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "shop")
            return {sentinel.ask(*words).split(b"\r\n")[4] for sentinel in self.sentinels}

        old = b"%d" % self.nodes[0].port
        eventually(lambda: old not in primaries())
        return next(node for node in self.nodes if b"%d" % node.port in primaries())

    def stop(self) -> None:
        for server in [*self.sentinels, *self.nodes]:
            server.stop()


class Cluster:
    """Three primaries, with ports for TLS if there are settings of it."""

    _SLOTS = 16384

    def __init__(self, engine: str, *tls: str) -> None:
        self.nodes, self.tls_ports, bus = [], [], []
        for _ in range(3):
            bus.append(str(free_port()))
            self.tls_ports.append(free_port())
            settings = ["--cluster-enabled", "yes", "--cluster-port", bus[-1]]
            if tls:
                # Redis 7.0 sends on to ports with TLS only if the nodes use it, too.
                settings += ["--tls-port", str(self.tls_ports[-1]), *tls]
                settings += ["--tls-cluster", "yes"]
            self.nodes.append(Server(engine, settings))
        first = self.nodes[0]
        for number, node in enumerate(self.nodes):
            bounds = [str(self._SLOTS * (number + end) // 3 - end) for end in (0, 1)]
            assert node.ask("CLUSTER", "ADDSLOTSRANGE", *bounds).startswith(b"+OK")
            if node is not first:
                port = self.tls_ports[0] if tls else first.port
                node.ask("CLUSTER", "MEET", "127.0.0.1", str(port), bus[0])

        def are_ready() -> bool:
            told = [node.ask("CLUSTER", "INFO") for node in self.nodes]
            signs = (b"cluster_state:ok", b"cluster_known_nodes:3")
            return all(sign in answer for answer in told for sign in signs)

        eventually(are_ready)

    def stop(self) -> None:
        for node in self.nodes:
            node.stop()


@functools.cache
def server(engine: str) -> Server:
    """The server of that engine that the tests of one run have in common."""
    started = Server(engine)
    atexit.register(started.stop)
    return started


@contextmanager
def own_server(*settings: str, engine: str | None = None) -> Iterator[Server]:
    """A server for one test, with these settings beside the usual ones."""
    started = Server(engine or next(iter(PROGRAMS)), settings)
    try:
        yield started
    finally:
        started.stop()
