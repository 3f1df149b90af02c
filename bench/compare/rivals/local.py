"""The floor: objects of one process, and the least that a call of a compiled module takes."""

from __future__ import annotations

import collections
import gc
import threading

from ..rival import KEYS, LONG, MIDDLE, NESTED, NUMBERS, TEXT, Operation, Rival


class Counter:
    def __init__(self) -> None:
        self.count = 0

    def add(self, by: int) -> int:
        self.count += by
        return self.count


class Local(Rival):
    name = "one process"

    def operations(self) -> dict[str, Operation]:
        entries = {key: 7 for key in KEYS} | {"count": 0}
        texts = dict.fromkeys(KEYS, TEXT)
        lock = threading.Lock()
        queue: collections.deque[int] = collections.deque()
        middle, long = bytearray(MIDDLE), bytearray(LONG)
        return {
            # An extension method that does nothing.
            "call of nothing": Operation("nothing()", {"nothing": gc.isenabled}),
            "get int": Operation("entries[item]", {"entries": entries}, "entries[item]"),
            "set int": Operation("entries[item] = 7", {"entries": entries}, "entries[item]"),
            "get text": Operation("texts[item]", {"texts": texts}, "texts[item]"),
            "set text": Operation("texts[item] = TEXT", {"texts": texts}, "texts[item]"),
            "insert and delete": Operation(
                "fresh[item] = 7; del fresh[item]", {"fresh": {}}, "len(fresh)"
            ),
            "get nested": Operation(
                "values['nested']", {"values": {"nested": NESTED}}, "values['nested']"
            ),
            "add": Operation("entries['count'] += 1", {"entries": entries}, "entries['count']"),
            "list index": Operation("items[item]", {"items": NUMBERS}, "items[item] - item"),
            "list assign": Operation(
                "items[item] = item", {"items": list(NUMBERS)}, "items[item] - item"
            ),
            "list append and pop": Operation(
                "items.append(7); items.pop()", {"items": list(NUMBERS)}, "len(items)"
            ),
            "acquire and release": Operation("lock.acquire(); lock.release()", {"lock": lock}),
            "put and get": Operation(
                "queue.append(7); got = queue.popleft()", {"queue": queue}, "got"
            ),
            "call": Operation("counter.add(1)", {"counter": Counter()}, "counter.add(0) > 0"),
            # Copies, by memcpy.
            "get 64 KiB": Operation("got = bytes(middle)", {"middle": middle}, "len(got)"),
            "set 64 KiB": Operation("middle[:] = MIDDLE", {"middle": middle}, "len(middle)"),
            "get 1 MiB": Operation("got = bytes(long)", {"long": long}, "len(got)"),
            "set 1 MiB": Operation("long[:] = LONG", {"long": long}, "len(long)"),
        }


RIVALS = (Local,)
