"""diskcache: SQLite and files, as it is made."""

from __future__ import annotations

from pathlib import Path

import diskcache

from ..rival import KEYS, LONG, MIDDLE, NESTED, TEXT, Operation, Rival


class DiskCache(Rival):
    name = "diskcache"

    def start(self, folder: Path) -> None:
        self.folder = folder / "diskcache"
        with diskcache.Cache(self.folder) as cache:
            for key in KEYS:
                cache[key], cache[f"text {key}"] = 7, TEXT
            cache["count"] = 0
            cache["nested"], cache["middle"], cache["long"] = NESTED, MIDDLE, LONG

    def operations(self) -> dict[str, Operation]:
        names = {
            "cache": diskcache.Cache(self.folder),
            "queue": diskcache.Deque(directory=self.folder.with_name("diskcache-queue")),
        }

        def operation(code: str, result: str | None = None) -> Operation:
            return Operation(code, names, result)

        return {
            "get int": operation("cache[item]", "cache[item]"),
            "set int": operation("cache[item] = 7", "cache[item]"),
            "get text": operation("cache['text ' + item]", "cache['text ' + item]"),
            "set text": operation("cache['text ' + item] = TEXT", "cache['text ' + item]"),
            "insert and delete": operation(
                "cache['new'] = 7; del cache['new']", "int('new' in cache)"
            ),
            "get nested": operation("cache['nested']", "cache['nested']"),
            "add": operation("cache.incr('count')", "cache['count']"),
            "put and get": operation("queue.append(7); got = queue.popleft()", "got"),
            "get 64 KiB": operation("got = cache['middle']", "len(got)"),
            "set 64 KiB": operation("cache['middle'] = MIDDLE", "len(cache['middle'])"),
            "get 1 MiB": operation("got = cache['long']", "len(got)"),
            "set 1 MiB": operation("cache['long'] = LONG", "len(cache['long'])"),
        }


RIVALS = (DiskCache,)
