"""Hosts leave nothing in the temporary folder, however they end."""

from __future__ import annotations

import multiprocessing
import multiprocessing.util
import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.waiting import eventually

import sharevar
from sharevar.managers import BaseManager

pytestmark = pytest.mark.long


class Thing:
    def pid(self) -> int:
        return os.getpid()


class Plain(BaseManager):
    pass


class Again(BaseManager):
    pass


class Sync(sharevar.managers.SyncManager):
    pass


for _cls in (Plain, Sync):
    _cls.register("Thing", Thing)
Again.register("Thing", Thing, restart=True)


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty temporary folder, whose name leaves room for a socket's."""
    # The standard library's own of this process, which stays until it ends.
    multiprocessing.util.get_temp_dir()  # type: ignore[attr-defined]
    with tempfile.TemporaryDirectory() as made:
        monkeypatch.setattr(tempfile, "tempdir", made)
        monkeypatch.setenv("TMPDIR", made)
        monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
        yield Path(made)


def _left(folder: Path) -> list[str]:
    # Of what the standard library's own servers have made there is one folder a process. That
    # of the user's sockets goes with the last one.
    left = [name for name in os.listdir(folder) if not name.startswith("pymp-")]
    sockets = [path.name for path in folder.glob("sharevar-*/*")]
    return [name for name in left if not sockets or not name.startswith("sharevar-")] + sockets


def _await_death(manager: Any) -> None:
    manager._process.join(30)
    assert not manager._process.is_alive()


@pytest.mark.parametrize("cls", [Plain, Sync])
@pytest.mark.parametrize("deadly", [None, signal.SIGKILL, signal.SIGTERM])
def test_a_host_that_ends(folder: Path, context: Any, cls: Any, deadly: int | None) -> None:
    manager = cls(ctx=context)
    manager.start()
    pid = manager.Thing().pid()
    if deadly is not None:
        os.kill(pid, deadly)
        _await_death(manager)
    manager.shutdown()
    assert _left(folder) == []


def pid_of(manager: Any) -> int | None:
    """The host's process; `None` if it died meanwhile."""
    try:
        pid: int = manager.Thing().pid()
    except sharevar.HostDied:
        return None
    return pid


def test_a_host_that_is_started_again(folder: Path) -> None:
    with Again(ctx=multiprocessing.get_context("fork")) as manager:
        pid = None
        for _ in range(4):
            # One that is about to die may have read the request.
            while (answered := pid_of(manager)) in (None, pid):
                pass
            pid = answered
            os.kill(pid, signal.SIGKILL)
    assert _left(folder) == []


def test_a_host_that_cannot_start(folder: Path) -> None:
    def fail() -> None:
        sys.stderr = open(os.devnull, "w")
        raise RuntimeError("on purpose")

    with pytest.raises(EOFError):
        Plain(ctx=multiprocessing.get_context("fork")).start(fail)
    assert _left(folder) == []
    multiprocessing.active_children()


PROGRAM = """
import os, sys
sys.path.insert(0, {folder!r})
from test_host_leftovers import Plain, Sync

if __name__ == "__main__":
    managers = [Plain(), Sync()]
    for manager in managers:
        manager.start()
    print(*[manager.Thing().pid() for manager in managers], flush=True)
    sys.stdin.read()
    {end}
"""


def _family(end: str) -> Any:
    code = PROGRAM.format(folder=os.path.dirname(__file__), end=end)
    made = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert made.stdout is not None
    return made, [int(pid) for pid in made.stdout.readline().split()]


CALLBACK = """
import atexit, threading

# Called after all others: a thread that serves would meet the end of the interpreter.
@atexit.register
def check():
    assert threading.enumerate() == [threading.main_thread()], threading.enumerate()

import sharevar
from sharevar.managers import BaseManager

class Caller:
    def call(self, function):
        return function()

BaseManager.register("Caller", Caller)
if __name__ == "__main__":
    with BaseManager() as manager:
        assert manager.Caller().call(sharevar.callback(lambda: 5)) == 5
"""


def test_a_program_with_functions_that_hosts_call(folder: Path) -> None:
    program = folder / "program.py"
    program.write_text(CALLBACK)
    done = subprocess.run([sys.executable, program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and not done.stderr, done.stderr
    assert _left(folder) == [program.name]


def _is_gone(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def _is_listened_to(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            return False
        return True


@pytest.mark.parametrize("end", ["pass", "os._exit(0)", "os.kill(os.getpid(), 9)"])
def test_a_program_that_ends(folder: Path, end: str) -> None:
    family, hosts = _family(end)
    with family:
        family.stdin.close()
        family.wait(30)
    eventually(lambda: all(_is_gone(host) for host in hosts))
    eventually(lambda: _left(folder) == [])


def test_what_a_killed_family_leaves_goes_with_the_next_host(folder: Path) -> None:
    killed, hosts = _family("pass")
    doomed = set(_left(folder))
    living, others = _family("pass")
    with killed, living:
        own = next(path for path in folder.iterdir() if path.name.startswith("sharevar-"))
        assert stat.S_IMODE(os.stat(own).st_mode) == 0o700
        for process in (killed.pid, *hosts):
            os.kill(process, signal.SIGSTOP)
        for process in (killed.pid, *hosts):
            os.kill(process, signal.SIGKILL)
        killed.wait(30)
        # Other threads of theirs may be there for longer than what is seen of them.
        eventually(lambda: not any(_is_listened_to(own / name) for name in doomed))
        # What is not ours, and a host that outlives its maker.
        foreign = {"of others", f"{killed.pid}-others.txt", f"{killed.pid}-listens.host"}
        for name in foreign:
            (own / name).touch()
        (own / f"{killed.pid}-listens.host").unlink()
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(own / f"{killed.pid}-listens.host"))
            listener.listen(1)
            assert doomed <= set(_left(folder))
            with Plain(ctx=multiprocessing.get_context("fork")):
                left = set(_left(folder))
            assert foreign <= left and not doomed & left
            assert len(left) == len(others) + 1 + len(foreign)
        # Those of the living are untouched, and still in use.
        assert len(_left(folder)) == len(others) + len(foreign)
        living.stdin.close()
        assert living.wait(30) == 0
    assert set(_left(folder)) == foreign


def test_the_runtime_directory_of_another_user(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = folder / "runtime"
    runtime.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    with Plain(ctx=multiprocessing.get_context("fork")) as manager:
        assert Path(manager.address).parent == runtime / "sharevar"
    if os.geteuid() == 0:
        # As after `su`, which keeps the variables.
        os.chown(runtime, 12345, -1)
        with Plain(ctx=multiprocessing.get_context("fork")) as manager:
            assert Path(manager.address).parent == folder / "sharevar-0"


def test_without_a_folder_for_temporary_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setenv("TMPDIR", "/this/is/nowhere")
    with Plain(ctx=multiprocessing.get_context("fork")) as manager:
        assert Path(manager.address).parent == Path(f"/tmp/sharevar-{os.geteuid()}")
    assert not os.path.exists(manager.address)


LONG_TMPDIR = """
import os, tempfile
import sharevar
from sharevar.managers import BaseManager

class Thing:
    def pid(self):
        return os.getpid()

class Manager(BaseManager):
    pass

Manager.register("Thing", Thing)

if __name__ == "__main__":
    assert len(tempfile.gettempdir()) > 100
    with Manager() as manager:
        assert manager.Thing().pid() != os.getpid()
        address = manager.address
    assert not os.path.exists(address)
    with sharevar.Manager() as manager, manager.Pool(1) as pool:
        assert pool.apply(abs, (-1,)) == 1
    assert len(sharevar._native.address_of_host("x" * 60)) <= len("unix:") + 107
    print("works")
"""


@pytest.mark.parametrize("runtime", [False, True])
def test_a_host_below_a_long_temporary_folder(tmp_path: Path, runtime: bool) -> None:
    folder = tmp_path / ("long" * 25)
    folder.mkdir()
    variables = {**os.environ, "TMPDIR": str(folder)}
    variables.pop("XDG_RUNTIME_DIR", None)
    if runtime:
        variables["XDG_RUNTIME_DIR"] = str(folder)
    program = tmp_path / "program.py"
    program.write_text(LONG_TMPDIR)
    done = subprocess.run(
        [sys.executable, program], env=variables, capture_output=True, text=True, timeout=60
    )
    assert (done.stdout, done.stderr) == ("works\n", "")
