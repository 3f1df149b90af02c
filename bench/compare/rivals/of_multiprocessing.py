"""The standard library: with a server process, and without."""

from __future__ import annotations

import multiprocessing
from pathlib import Path
from typing import Any, ClassVar

# The standard ones: an import of sharevar gives `managers.BaseProxy` a class of its own.
from sharevar._variables.standard import BaseManager, BaseProxy

from ..rival import NUMBERS, Operation, Rival
from .local import Counter
from .managed import Managed


class Hosts(BaseManager):
    pass


class CounterProxy(BaseProxy):
    _exposed_: ClassVar = ("add",)

    def add(self, by: int) -> Any:
        return self._callmethod("add", (by,))


Hosts.register("Counter", Counter, CounterProxy)


class Manager(Managed):
    name = "multiprocessing.Manager"
    add = "with lock: entries['count'] += 1"

    def make_manager(self) -> Any:
        return multiprocessing.Manager()

    def make_hosts(self) -> Any:
        return Hosts()


class Primitives(Rival):
    """Value, Array, Lock and Queue, which need no server."""

    name = "multiprocessing"

    def start(self, folder: Path) -> None:
        self.names = {
            "value": multiprocessing.Value("q", 0),
            "items": multiprocessing.Array("q", NUMBERS),
            "lock": multiprocessing.Lock(),
            "queue": multiprocessing.Queue(),
        }

    def operations(self) -> dict[str, Operation]:
        def operation(code: str, result: str | None = None) -> Operation:
            return Operation(code, self.names, result)

        return {
            "add": operation("with value: value.value += 1", "value.value"),
            "list index": operation("items[item]", "items[item] - item"),
            "list assign": operation("items[item] = item", "items[item] - item"),
            "acquire and release": operation("lock.acquire(); lock.release()"),
            "put and get": operation("queue.put(7); got = queue.get()", "got"),
            "put": operation("queue.put(thing)"),
            "get": operation("got = queue.get()"),
        }


RIVALS = (Manager, Primitives)
