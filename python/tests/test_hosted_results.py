"""What methods of hosted objects give to a program that does not know of sharevar."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

# Each line that it prints is what the standard library gives.
PROGRAM = textwrap.dedent(
    """
    import multiprocessing, sys
    from multiprocessing.managers import (
        BaseManager, BaseProxy, IteratorProxy, ListProxy, MakeProxyType, SyncManager
    )

    class Thing:
        def __init__(self, number=1):
            self.number = number

        def get(self):
            return self.number

        def set(self, number):
            self.number = number

        def me(self):
            return self

        def pair(self):
            return self, 1

        def child(self):
            return Thing(self.number + 1)

        def numbers(self):
            return [1, 2]

        def count(self):
            yield from range(3)

        def __iadd__(self, other):
            self.number += other
            return self

    class Typed(BaseProxy):
        _exposed_ = ("get", "child", "me")
        _method_to_typeid_ = {"child": "Part", "me": "Part"}

        def get(self):
            return self._callmethod("get")

        def child(self):
            return self._callmethod("child")

        def me(self):
            return self._callmethod("me")

    PartProxy = MakeProxyType("PartProxy", ("get", "set"))
    PartProxy.__module__ = __name__

    class Manager(BaseManager):
        pass

    class Sync(SyncManager):
        pass

    for cls in (Manager, Sync):
        types = {"child": "Part", "numbers": "list", "count": "Iterator"}
        cls.register("Thing", Thing)
        cls.register("Named", Thing, method_to_typeid=types)
        cls.register("Typed", Thing, Typed)
        cls.register("Adding", Thing, exposed=("__iadd__", "get"))
        cls.register("Part", proxytype=PartProxy, create_method=False)
    Manager.register("list", list, proxytype=ListProxy, create_method=False)
    Manager.register("Iterator", proxytype=IteratorProxy, create_method=False)

    def kind(value):
        return type(value).__name__

    def use(part):
        part.set(part.get() + 100)

    def show(manager):
        thing = manager.Thing()
        copy = thing.me()
        print(kind(copy), copy.number)
        copy.set(50)
        print(thing.get(), kind(thing.pair()[0]))
        named = manager.Named(5)
        child = named.child()
        print(kind(child), child.get())
        worker = multiprocessing.Process(target=use, args=(child,))
        worker.start()
        worker.join()
        print(child.get(), named.get(), worker.exitcode)
        numbers = named.numbers()
        numbers.append(3)
        print(kind(numbers), numbers[:], len(numbers))
        print(list(named.count()))
        typed = manager.Typed(7)
        child = typed.child()
        same = typed.me()
        same.set(9)
        print(kind(same), typed.get(), child.get())
        adding = manager.Adding(1)
        added = adding
        added += 5
        print(kind(added), added.number, adding.get())

    if __name__ == "__main__":
        multiprocessing.set_start_method(sys.argv[1])
        for cls in (Manager, Sync):
            with cls() as manager:
                show(manager)
    """
)

EXPECTED = """Thing 1
1 Thing
PartProxy 6
106 5 0
ListProxy [1, 2, 3] 3
[0, 1, 2]
PartProxy 9 8
Thing 6 6
"""


@pytest.mark.parametrize("runner", [[], ["-m", "sharevar"]])
def test_as_the_standard_library(tmp_path: Path, start_method: str, runner: list[str]) -> None:
    script = tmp_path / "program.py"
    script.write_text(PROGRAM)
    command = [sys.executable, *runner, str(script), start_method]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == (EXPECTED * 2, "")
