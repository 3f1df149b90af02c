"""Managers by the names of `multiprocessing`: the same statements on two libraries."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..rival import KEYS, LONG, MIDDLE, NESTED, NUMBERS, TEXT, Operation, Rival


class Managed(Rival):
    # Adds one to the count, whatever other processes do.
    add: str

    def make_manager(self) -> Any:
        raise NotImplementedError

    def make_hosts(self) -> Any:
        """A manager of `BaseManager`'s kind with a `Counter`."""
        raise NotImplementedError

    def start(self, folder: Path) -> None:
        self.manager = manager = self.make_manager()
        self.hosts = self.make_hosts()
        self.hosts.start()
        self.names = {
            "entries": manager.dict({key: 7 for key in KEYS} | {"count": 0}),
            "texts": manager.dict(dict.fromkeys(KEYS, TEXT)),
            "values": manager.dict(nested=NESTED, middle=MIDDLE, long=LONG),
            "fresh": manager.dict(),
            "items": manager.list(NUMBERS),
            "lock": manager.Lock(),
            "queue": manager.Queue(),
            "counter": self.hosts.Counter(),
        }

    def operations(self) -> dict[str, Operation]:
        def operation(code: str, result: str | None = None) -> Operation:
            return Operation(code, self.names, result)

        return {
            "get int": operation("entries[item]", "entries[item]"),
            "set int": operation("entries[item] = 7", "entries[item]"),
            "get text": operation("texts[item]", "texts[item]"),
            "set text": operation("texts[item] = TEXT", "texts[item]"),
            "insert and delete": operation("fresh[item] = 7; del fresh[item]", "len(fresh)"),
            "get nested": operation("values['nested']", "values['nested']"),
            "add": operation(self.add, "entries['count']"),
            "list index": operation("items[item]", "items[item] - item"),
            "list assign": operation("items[item] = item", "items[item] - item"),
            "list append and pop": operation("items.append(7); items.pop()", "len(items)"),
            "acquire and release": operation("lock.acquire(); lock.release()"),
            "put and get": operation("queue.put(7); got = queue.get()", "got"),
            "put": operation("queue.put(thing)"),
            "get": operation("got = queue.get()"),
            "call": operation("counter.add(1)", "counter.add(0) > 0"),
            "get 64 KiB": operation("got = values['middle']", "len(got)"),
            "set 64 KiB": operation("values['middle'] = MIDDLE", "len(values['middle'])"),
            "get 1 MiB": operation("got = values['long']", "len(got)"),
            "set 1 MiB": operation("values['long'] = LONG", "len(values['long'])"),
        }

    def stop(self) -> None:
        self.hosts.shutdown()
        self.manager.shutdown()
