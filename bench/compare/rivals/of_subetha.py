"""subetha: containers of bytes whose sizes are given when they are made, in mapped files."""

from __future__ import annotations

from pathlib import Path

import subetha

from ..rival import KEYS, LONG, MIDDLE, NUMBERS, Operation, Rival


def key_of(text: str) -> bytes:
    return text.encode().ljust(16, b"\0")


def word(number: int) -> bytes:
    return number.to_bytes(8, "little")


class Subetha(Rival):
    name = "subetha-ipc"

    def start(self, folder: Path) -> None:
        def path(name: str) -> str:
            return str(folder / f"subetha-{name}")

        entries = subetha.HashMap(path("entries"), 1024, 16, 8)
        # A map takes short values only; long ones are found by an index, and texts by no key.
        middles = subetha.Vec(path("middles"), 1, len(MIDDLE))
        longs = subetha.Vec(path("longs"), 1, len(LONG))
        items = subetha.Vec(path("items"), 1024, 8)
        for key in KEYS:
            entries.insert(key_of(key), word(7))
        middles.push(MIDDLE)
        longs.push(LONG)
        items.push_many([word(number) for number in NUMBERS])
        self.names = {
            "key_of": key_of,
            "word": word,
            "entries": entries,
            "middles": middles,
            "longs": longs,
            "items": items,
            "count": subetha.Atomic(path("count"), 0),
            "lock": subetha.RWLock(path("lock")),
            "ring": subetha.SpscRing(path("ring"), 1024),
        }

    def operations(self) -> dict[str, Operation]:
        def operation(code: str, result: str | None = None) -> Operation:
            return Operation(code, self.names, result)

        got_int = "int.from_bytes(entries.get(key_of(item)), 'little')"
        got_item = "int.from_bytes(items.get(item), 'little')"
        return {
            "get int": operation(got_int, got_int),
            "set int": operation("entries.insert(key_of(item), word(7))", got_int),
            "insert and delete": operation(
                "entries.insert(key_of('new'), word(7)); entries.remove(key_of('new'))",
                "int(entries.get(key_of('new')) is not None)",
            ),
            "add": operation("count.fetch_add(1)", "count.load()"),
            "list index": operation(got_item, f"{got_item} - item"),
            "list assign": operation("items.set(item, word(item))", f"{got_item} - item"),
            "list append and pop": operation("items.push(word(7)); items.pop()", "len(items)"),
            "acquire and release": operation("with lock.write(): pass"),
            "put and get": operation(
                "ring.push(word(7)); got = int.from_bytes(ring.pop(), 'little')", "got"
            ),
            "get 64 KiB": operation("got = middles.get(0)", "len(got)"),
            "set 64 KiB": operation("middles.set(0, MIDDLE)", "len(middles.get(0))"),
            "get 1 MiB": operation("got = longs.get(0)", "len(got)"),
            "set 1 MiB": operation("longs.set(0, LONG)", "len(longs.get(0))"),
        }


RIVALS = (Subetha,)
