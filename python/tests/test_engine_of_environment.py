"""Programs that name no engine, on one that their environment names."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from support import engine_servers

import sharevar

pytestmark = [
    pytest.mark.redis,
    pytest.mark.timeout(240),
    pytest.mark.skipif(
        not engine_servers.PROGRAMS, reason="there is no valkey-server or redis-server here"
    ),
]

EXAMPLES = Path(__file__).parents[2] / "examples" / "python"


@pytest.fixture
def address() -> Iterator[str]:
    """The address of a namespace of its own."""
    server = engine_servers.server(next(iter(engine_servers.PROGRAMS)))
    with server.manager() as manager:
        yield manager.address


def output(*command: str | Path, **environment: str) -> str:
    done = subprocess.run(
        [*map(str, command)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def objects_made(address: str) -> bool:
    """Whether any program has made a variable in the namespace."""
    import socket

    host, _, rest = address.removeprefix("redis://").partition("/")
    name, _, port = host.partition(":")
    namespace = rest.partition("namespace=")[2].partition("&")[0]
    with socket.create_connection((name, int(port))) as connection:
        connection.sendall(f"HEXISTS sv:{{{namespace}}} next\r\n".encode())
        return connection.recv(64) == b":1\r\n"


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_an_unchanged_program_runs_on_it(address: str, method: str) -> None:
    program = EXAMPLES / "unmodified_manager_program.py"
    plain = output(sys.executable, program, method)
    runner = (sys.executable, "-m", "sharevar")
    assert not objects_made(address)
    assert output(*runner, "--engine", address, program, method) == plain
    assert objects_made(address)


@pytest.mark.parametrize("name", ["global.py", "list_and_lock.py"])
def test_our_own_programs_run_on_it(address: str, name: str) -> None:
    in_memory = output(sys.executable, EXAMPLES / name)
    assert not objects_made(address)
    on_engine = output(sys.executable, EXAMPLES / name, SHAREVAR_ENGINE=address)
    # It is open which of two processes gets a lock first.
    assert on_engine.replace("beta", "alpha") == in_memory.replace("beta", "alpha")
    assert objects_made(address)


POOL = """
import multiprocessing

def work(arguments):
    counts, lock, number = arguments
    with lock:
        counts[number % 3] = counts.get(number % 3, 0) + 1
    return number

class Register:
    def __init__(self): self.names = []
    def add(self, name): self.names.append(name); return len(self.names)

from multiprocessing.managers import SyncManager
SyncManager.register("Register", Register)

if __name__ == "__main__":
    with multiprocessing.Manager() as manager:
        counts, lock = manager.dict(), manager.Lock()
        with multiprocessing.Pool(2) as pool:
            print(sum(pool.map(work, [(counts, lock, number) for number in range(30)])))
        print(sorted(counts.items()), manager.Register().add("x"))
        with manager.Pool(1) as pool:
            print(pool.apply(abs, (-3,)))
"""


def test_pools_and_registered_classes_are_there_too(address: str, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(POOL)
    plain = output(sys.executable, program)
    on_engine = output(sys.executable, "-m", "sharevar", program, SHAREVAR_ENGINE=address)
    assert on_engine == plain == "435\n[(0, 10), (1, 10), (2, 10)] 1\n3\n"


COUNT = "import sharevar; print(sharevar.shared('visits', int{more}).incr())"


def test_unrelated_programs_share_by_a_name(address: str) -> None:
    for expected in ("1\n", "2\n"):
        program = COUNT.format(more="")
        assert output(sys.executable, "-c", program, SHAREVAR_ENGINE=address) == expected
    with sharevar.Manager(address) as manager:
        assert manager["visits"].value == 2
    # An application has a namespace of its own.
    name = f"app{os.getpid()}"
    of_app = COUNT.format(more=f", app={name!r}")
    assert output(sys.executable, "-c", of_app, SHAREVAR_ENGINE=address) == "1\n"
    told = {"SHAREVAR_ENGINE": address, "SHAREVAR_APP": name}
    assert output(sys.executable, "-c", COUNT.format(more=""), **told) == "2\n"
    server = engine_servers.server(next(iter(engine_servers.PROGRAMS)))
    with sharevar.Manager(server.address(name)) as manager:
        assert manager["visits"].value == 2
        manager.store.close()


def test_an_engine_that_is_not_there_is_said_at_once() -> None:
    command = [sys.executable, "-m", "sharevar", "--engine", "redis://127.0.0.1:1", "-c", "x"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr.startswith("sharevar: redis://127.0.0.1:1 ")


@contextmanager
def network_namespaces() -> Iterator[tuple[list[list[str]], str]]:
    """How to start programs in two network namespaces, and the address of this one there."""

    def ip(*arguments: str) -> None:
        done = subprocess.run(["ip", *arguments], capture_output=True, text=True)
        if done.returncode != 0:
            pytest.skip(f"no network namespaces can be made here: {done.stderr.strip()}")

    if shutil.which("ip") is None or os.geteuid() != 0:
        pytest.skip("network namespaces take root and the program ip")
    number, commands = os.getpid() % 10_000, []
    with ExitStack() as stack:
        for place, letter in enumerate("ab"):
            end = f"{number}{letter}"
            space, ours, theirs = f"sv{end}", f"o{end}", f"t{end}"
            network = f"10.{number % 250}.{100 + place}"
            ip("netns", "add", space)
            stack.callback(subprocess.run, ["ip", "netns", "del", space])
            ip("link", "add", ours, "type", "veth", "peer", "name", theirs, "netns", space)
            ip("addr", "add", f"{network}.1/24", "dev", ours)
            ip("link", "set", ours, "up")
            inside = ("netns", "exec", space, "ip")
            ip(*inside, "addr", "add", f"{network}.2/24", "dev", theirs)
            ip(*inside, "link", "set", theirs, "up")
            ip(*inside, "route", "add", "default", "via", f"{network}.1")
            commands.append(["ip", "netns", "exec", space])
        yield commands, f"10.{number % 250}.100.1"


TURNS = """
import sharevar, sys
turns, lock = sharevar.shared("turns", list), sharevar.shared("lock", sharevar.Lock)
for _ in range(50):
    with lock:
        turns.append((len(turns), sys.argv[1]))
"""


def test_processes_in_two_network_namespaces_share() -> None:
    with network_namespaces() as (commands, host), engine_servers.own_server(
        "--protected-mode", "no", "--bind", "*"
    ) as server:
        address = f"redis://{host}:{server.port}/0?insecure=1"
        environment = {**os.environ, "SHAREVAR_ENGINE": address}
        programs: list[Any] = [
            subprocess.Popen(
                [*command, sys.executable, "-c", TURNS, name],
                env=environment,
                stdout=subprocess.PIPE,
            )
            for command, name in zip(commands, "ab", strict=True)
        ]
        for program in programs:
            program.communicate(timeout=60)
            assert program.returncode == 0
        turns = sharevar.Manager(address)["turns"][:]
        assert [place for place, _ in turns] == list(range(100))
        assert Counter(name for _, name in turns) == {"a": 50, "b": 50}
