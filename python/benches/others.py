"""What an operation costs in packages that people compare with, in one run.

    pip install UltraDict lmdb diskcache redis
    python python/benches/others.py [valkey-server or redis-server]

A package that is not installed is left out. Microseconds, of the best of interleaved rounds
(other work on the machine makes those slower that ask another process), in one process: a text
of 100 bytes is set and got by 100 keys, a count is raised, four counts are raised as one. The
two on disk are in the folder for temporary files, and do not wait for the disk (lmdb without
sync; diskcache as it is made).
"""

from __future__ import annotations

import contextlib
import multiprocessing
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any

import sharevar

KEYS = [f"key{number}" for number in range(100)]
TEXT = "x" * 100
ROUNDS = 41

# By operation: what it does to a hundred keys.
Operations = dict[str, Callable[[], None]]


def over_keys(change: Callable[[str], Any]) -> Callable[[], None]:
    def run() -> None:
        for key in KEYS:
            change(key)

    return run


@contextlib.contextmanager
def of_sharevar() -> Iterator[Operations]:
    @sharevar.monitor
    class Four:
        def __init__(self) -> None:
            self.a = self.b = self.c = self.d = 0

        def add(self) -> None:
            self.a += 1
            self.b += 1
            self.c += 1
            self.d += 1

    with sharevar.Manager() as manager:
        entries, four = manager.dict(), Four()
        yield {
            "set": over_keys(lambda key: entries.__setitem__(key, TEXT)),
            "get": over_keys(lambda key: entries[key]),
            "count": over_keys(lambda key: entries.incr("count")),
            "four": over_keys(lambda key: four.add()),
        }


@contextlib.contextmanager
def of_manager() -> Iterator[Operations]:
    with multiprocessing.Manager() as manager:
        entries, lock = manager.dict(count=0), manager.Lock()

        def count(key: str) -> None:
            with lock:
                entries["count"] += 1

        yield {
            "set": over_keys(lambda key: entries.__setitem__(key, TEXT)),
            "get": over_keys(lambda key: entries[key]),
            "count": over_keys(count),
        }


@contextlib.contextmanager
def of_ultradict() -> Iterator[Operations]:
    from UltraDict import UltraDict

    entries = UltraDict(count=0)

    def add(*names: str) -> None:
        with entries.lock:
            for name in names:
                entries[name] = entries.get(name, 0) + 1

    yield {
        "set": over_keys(lambda key: entries.__setitem__(key, TEXT)),
        "get": over_keys(lambda key: entries[key]),
        "count": over_keys(lambda key: add("count")),
        "four": over_keys(lambda key: add("a", "b", "c", "d")),
    }
    entries.unlink()


@contextlib.contextmanager
def of_lmdb() -> Iterator[Operations]:
    import lmdb

    with tempfile.TemporaryDirectory() as folder, lmdb.open(folder, sync=False) as store:

        def put(key: str) -> None:
            with store.begin(write=True) as changes:
                changes.put(key.encode(), TEXT.encode())

        def get(key: str) -> str:
            with store.begin() as reads:
                return reads.get(key.encode()).decode()

        def add(*names: bytes) -> None:
            with store.begin(write=True) as changes:
                for name in names:
                    changes.put(name, str(int(changes.get(name, b"0")) + 1).encode())

        yield {
            "set": over_keys(put),
            "get": over_keys(get),
            "count": over_keys(lambda key: add(b"count")),
            "four": over_keys(lambda key: add(b"a", b"b", b"c", b"d")),
        }


@contextlib.contextmanager
def of_diskcache() -> Iterator[Operations]:
    import diskcache

    with tempfile.TemporaryDirectory() as folder, diskcache.Cache(folder) as cache:

        def add(*names: str) -> None:
            with cache.transact():
                for name in names:
                    cache.incr(name)

        yield {
            "set": over_keys(lambda key: cache.set(key, TEXT)),
            "get": over_keys(lambda key: cache[key]),
            "count": over_keys(lambda key: cache.incr("count")),
            "four": over_keys(lambda key: add("a", "b", "c", "d")),
        }


@contextlib.contextmanager
def of_redis() -> Iterator[Operations]:
    import redis

    [program] = sys.argv[1:2] or ["redis-server"]
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/socket"
        command = [program, "--port", "0", "--unixsocket", path, "--save", "", "--dir", folder]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
            try:
                client = redis.Redis(unix_socket_path=path, decode_responses=True)
                end = time.monotonic() + 10
                while time.monotonic() < end:
                    with contextlib.suppress(redis.ConnectionError):
                        client.ping()
                        break
                    time.sleep(0.01)

                def four(key: str) -> None:
                    changes = client.pipeline()
                    for name in "abcd":
                        changes.incr(name)
                    changes.execute()

                yield {
                    "set": over_keys(lambda key: client.set(key, TEXT)),
                    "get": over_keys(lambda key: client.get(key)),
                    "count": over_keys(lambda key: client.incr("count")),
                    "four": over_keys(four),
                }
            finally:
                server.terminate()


PACKAGES = {
    "sharevar": of_sharevar,
    "multiprocessing": of_manager,
    "UltraDict": of_ultradict,
    "lmdb": of_lmdb,
    "diskcache": of_diskcache,
    "Redis": of_redis,
}


def main() -> None:
    with contextlib.ExitStack() as stack:
        operations: dict[str, Operations] = {}
        for name, make in PACKAGES.items():
            try:
                operations[name] = stack.enter_context(make())
            except (ImportError, FileNotFoundError) as error:
                print(f"{name} is left out: {error}")
        print(f"| µs | {' | '.join(operations)} |\n|---|{'---|' * len(operations)}")
        for operation in ("set", "get", "count", "four"):
            times: dict[str, list[float]] = {name: [] for name in operations}
            for _ in range(ROUNDS):
                for name, each in operations.items():
                    if operation in each:
                        begun = time.perf_counter()
                        each[operation]()
                        times[name].append((time.perf_counter() - begun) / len(KEYS) * 1e6)
            best = [min(taken, default=None) for taken in times.values()]
            cells = ["-" if taken is None else f"{taken:.1f}" for taken in best]
            print(f"| {operation} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
