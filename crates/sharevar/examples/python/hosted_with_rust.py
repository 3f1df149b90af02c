"""The Python half of ``hosted_with_python.rs``, which starts it.

It is a host of Python objects, and it calls one of the Rust program's.
"""

import sys
import threading

import sharevar
from sharevar.managers import BaseManager


class Tally:
    def __init__(self, start: int = 0) -> None:
        self.counts: dict[str, int] = {}
        self.start = start

    def add(self, name: str, by: int = 1) -> int:
        if by < 0:
            raise ValueError(f"{by} is less than nothing")
        self.counts[name] = self.counts.get(name, self.start) + by
        return self.counts[name]

    def all(self) -> dict[str, int]:
        return self.counts


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


def main(address: str, key: str, rust_address: str) -> None:
    call_rust(rust_address)
    BaseManager.register("Tally", Tally)
    server = BaseManager(address, key.encode()).get_server()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print("ready", flush=True)
    # The end of the Rust program is the end of this one.
    sys.stdin.read()


main(*sys.argv[1:])
