"""The Python half of ``hosted_with_python.rs``, which starts it.

It is a host of Python objects, and it calls one of the Rust program's.
"""

import asyncio
import itertools
import sys
import threading
from collections.abc import Iterator
from typing import Any

import sharevar
from sharevar.managers import BaseManager


class Tally:
    def __init__(self, start: int = 0) -> None:
        self.counts: dict[str, int] = {}
        self.start = start
        self.closed = threading.Event()

    def add(self, name: str, by: int = 1) -> int:
        if by < 0:
            raise ValueError(f"{by} is less than nothing")
        self.counts[name] = self.counts.get(name, self.start) + by
        return self.counts[name]

    def all(self) -> dict[str, int]:
        return self.counts

    def count(self, end: int) -> Iterator[int]:
        yield from range(end)

    def fail_at(self, end: int) -> Iterator[int]:
        yield from range(end)
        raise LookupError("no more of them")

    def endless(self) -> Iterator[int]:
        try:
            yield from itertools.count()
        finally:
            self.closed.set()

    def wait_closed(self) -> bool:
        return self.closed.wait(50)


def call_rust(address: str) -> None:
    guests = sharevar.connect(address).find("guests")
    assert guests.welcome("Ada") == 1
    assert guests.welcome(name="Bob") == 2
    assert guests.names() == ["Ada", "Bob"]
    for method, args in (("welcome", ("Cem",)), ("welcome", ()), ("limit", ())):
        try:
            guests._callmethod(method, args)
        except Exception as error:
            print("Python is told", type(error).__name__, error)
        else:
            raise AssertionError(method)
    iterate(guests)
    table = guests.table(2)
    assert (table.sit(0, "Cem"), table.sit(0, "Dan")) == ("Ada", "Cem")
    with guests._batch() as batch:
        names, items, other = batch.names(), batch.one_by_one(), batch.table(1)
    assert names.result() == list(items.result())
    assert other.result().sit(0, "Eve") == "Ada"
    assert table.sit(0, "Eve") == "Dan"


def iterate(guests: Any) -> None:
    """Streams of Rust are iterators here."""
    assert list(guests.one_by_one()) == ["Ada", "Bob"]
    seats = guests.seats(5)
    assert (next(seats), next(seats)) == (0, 1)
    try:
        next(seats)
    except Exception as error:
        assert error.message == "2 is free", error  # type: ignore[attr-defined]
    else:
        raise AssertionError("a seat too many")
    assert next(seats, None) is None
    to_come = guests.numbers_to_come()
    assert list(itertools.islice(to_come, 5000)) == list(range(2, 5002))
    to_come.close()
    assert asyncio.run(awaited(guests)) == [["Ada", "Bob"], ["Ada", "Bob"]]


async def awaited(guests: Any) -> list[list[str]]:
    """The same for an event loop."""
    items = await guests.one_by_one_async()
    return [[item async for item in items], await guests.names_async()]


def main(address: str, key: str, rust_address: str) -> None:
    call_rust(rust_address)
    BaseManager.register("Tally", Tally)
    server = BaseManager(address, key.encode()).get_server()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print("ready", flush=True)
    # The end of the Rust program is the end of this one.
    sys.stdin.read()


main(*sys.argv[1:])
