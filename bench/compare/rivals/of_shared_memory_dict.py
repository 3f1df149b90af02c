"""shared-memory-dict: one pickle of all entries."""

from __future__ import annotations

import os
from pathlib import Path

# Without it no operation is safe beside those of other processes.
os.environ["SHARED_MEMORY_USE_LOCK"] = "1"

from shared_memory_dict import SharedMemoryDict as Dict

from ..rival import KEYS, LONG, MIDDLE, NESTED, TEXT, Operation, Rival


class SharedMemoryDict(Rival):
    name = "shared-memory-dict"

    def start(self, folder: Path) -> None:
        def made(name: str, size: int, entries: dict[str, object]) -> Dict:
            made = Dict(f"sharevar-bench-{os.getpid()}-{name}", size)
            made.update(entries)
            return made

        self.names = {
            "entries": made("entries", 1 << 16, {key: 7 for key in KEYS} | {"count": 0}),
            "texts": made("texts", 1 << 16, dict.fromkeys(KEYS, TEXT)),
            "nested": made("nested", 1 << 16, {"nested": NESTED}),
            "middles": made("middles", len(MIDDLE) + 4096, {"middle": MIDDLE}),
            "longs": made("longs", len(LONG) + 4096, {"long": LONG}),
        }

    def operations(self) -> dict[str, Operation]:
        def operation(code: str, result: str | None = None) -> Operation:
            return Operation(code, self.names, result)

        return {
            "get int": operation("entries[item]", "entries[item]"),
            "set int": operation("entries[item] = 7", "entries[item]"),
            "get text": operation("texts[item]", "texts[item]"),
            "set text": operation("texts[item] = TEXT", "texts[item]"),
            "insert and delete": operation(
                "entries['new'] = 7; del entries['new']", "int('new' in entries)"
            ),
            "get nested": operation("nested['nested']", "nested['nested']"),
            # It has no operation that adds, and no lock that a program can take.
            "add": operation("entries['count'] += 1", "entries['count']"),
            "get 64 KiB": operation("got = middles['middle']", "len(got)"),
            "set 64 KiB": operation("middles['middle'] = MIDDLE", "len(middles['middle'])"),
            "get 1 MiB": operation("got = longs['long']", "len(got)"),
            "set 1 MiB": operation("longs['long'] = LONG", "len(longs['long'])"),
        }

    def stop(self) -> None:
        for made in self.names.values():
            made.shm.close()
            made.shm.unlink()


RIVALS = (SharedMemoryDict,)
