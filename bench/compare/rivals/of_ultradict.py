"""UltraDict2: each process keeps a dict of its own, and reads what others have changed."""

from __future__ import annotations

from pathlib import Path

from UltraDict2 import UltraDict

from ..rival import KEYS, LONG, MIDDLE, NESTED, TEXT, Operation, Rival


class UltraDict2(Rival):
    name = "UltraDict2"

    def start(self, folder: Path) -> None:
        # A change is written as a whole into the buffer, until that is full and all is dumped.
        self.names = {
            "entries": UltraDict({key: 7 for key in KEYS}, count=0, fresh=0),
            "texts": UltraDict(dict.fromkeys(KEYS, TEXT)),
            "values": UltraDict(
                nested=NESTED,
                middle=MIDDLE,
                long=LONG,
                buffer_size=8 << 20,
                full_dump_size=4 << 20,
            ),
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
            "get nested": operation("values['nested']", "values['nested']"),
            "add": operation("with entries.lock: entries['count'] += 1", "entries['count']"),
            "acquire and release": operation("entries.lock.acquire(); entries.lock.release()"),
            "get 64 KiB": operation("got = values['middle']", "len(got)"),
            "set 64 KiB": operation("values['middle'] = MIDDLE", "len(values['middle'])"),
            "get 1 MiB": operation("got = values['long']", "len(got)"),
            "set 1 MiB": operation("values['long'] = LONG", "len(values['long'])"),
        }

    def stop(self) -> None:
        for name in ("entries", "texts", "values"):
            self.names[name].unlink()


RIVALS = (UltraDict2,)
