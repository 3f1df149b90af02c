"""The addresses of managers' hosts, and which of them plain text may leave the machine by."""

from __future__ import annotations

import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import sharevar
from sharevar.managers import BaseManager

KEY = b"a key that both sides know"


class Store:
    def __init__(self) -> None:
        self.items: list[int] = []

    def append(self, item: int) -> int:
        self.items.append(item)
        return len(self.items)


class Manager(BaseManager):
    pass


Manager.register("Store", Store)


def test_addresses_that_are_none() -> None:
    for address in (None, "", "\0abstract", ("localhost",), 4000, b"/bytes"):
        with pytest.raises(ValueError, match="no host can be at"):
            Manager(address, KEY).connect()


def test_off_this_machine_only_if_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(sharevar.PlaintextRefused, match="TLS"):
        Manager(("0.0.0.0", 0), KEY).start()
    with pytest.raises(sharevar.PlaintextRefused, match="TLS"):
        Manager(("192.0.2.1", 4000), KEY).connect()
    with Manager(("0.0.0.0", 0), KEY, plaintext=True) as manager:
        client = Manager(("127.0.0.1", manager.address[1]), KEY)
        client.connect()
        assert client.Store().append(1) == 1
    monkeypatch.setenv("SHAREVAR_PLAINTEXT", "1")
    with Manager(("0.0.0.0", 0), KEY) as manager:
        assert manager.Store().append(1) == 1


def test_the_runner_allows_plaintext(tmp_path: Path) -> None:
    program = """
        from multiprocessing.managers import BaseManager
        BaseManager.register("list", list)
        if __name__ == "__main__":
            with BaseManager(("0.0.0.0", 0)) as manager:
                print(manager.list([1])._getvalue())
    """
    path = tmp_path / "program.py"
    path.write_text(textwrap.dedent(program))
    for option, code in (("--plaintext", 0), ("-", 2)):
        if option == "-":
            command = [sys.executable, "-m", "sharevar", str(path)]
        else:
            command = [sys.executable, "-m", "sharevar", option, str(path)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert (done.returncode == 0, done.stdout) == (code == 0, "[1]\n" * (code == 0))
        assert ("PlaintextRefused" in done.stderr) == (code != 0)


@pytest.mark.parametrize("cls", ["BaseManager", "SyncManager"])
def test_a_program_reaches_itself_by_this_machines_name(tmp_path: Path, cls: str) -> None:
    program = f"""
        import multiprocessing, socket
        from multiprocessing.managers import {cls}

        class Manager({cls}):
            pass

        Manager.register("items", list, multiprocessing.managers.ListProxy)

        def work(address, items):
            client = Manager(address=address, authkey=b"key")
            client.connect()
            items.append(client.items([1, 2])[1])

        if __name__ == "__main__":
            name = socket.gethostname()
            for _ in range(2):
                manager = Manager(address=(name, 0), authkey=b"key")
                manager.start()
                items = manager.items()
                worker = multiprocessing.Process(target=work, args=(manager.address, items))
                worker.start()
                worker.join()
                print(worker.exitcode, items[:])
                manager.shutdown()
    """
    try:
        socket.getaddrinfo(socket.gethostname(), 0)
    except OSError:
        pytest.skip("this machine's name leads nowhere")
    path = tmp_path / "program.py"
    path.write_text(textwrap.dedent(program))
    for runner in ([], ["-m", "sharevar"]):
        command = [sys.executable, *runner, str(path)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert (done.returncode, done.stdout) == (0, "0 [2]\n" * 2), done.stderr
        assert (
            done.stderr.count("Warning") == done.stderr.count("plain text") == len(runner) / 2
        )
        # It points at the line of the program.
        assert f"{path}:" in done.stderr or not runner
    with pytest.raises(sharevar.PlaintextRefused):
        Manager((socket.gethostname(), 0), KEY).start()
