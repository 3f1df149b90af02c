"""LMDB: bytes in a mapped file, a transaction for each change. It waits for no disk."""

from __future__ import annotations

import os
from pathlib import Path

import lmdb

from ..rival import KEYS, LONG, MIDDLE, TEXT, Operation, Rival


class Lmdb(Rival):
    name = "lmdb"

    def start(self, folder: Path) -> None:
        self.folder = folder / "lmdb"
        self.open()
        with self.store.begin(write=True) as changes:
            for key in KEYS:
                changes.put(f"int {key}".encode(), b"7")
                changes.put(f"text {key}".encode(), TEXT.encode())
            changes.put(b"count", b"0")
            changes.put(b"middle", MIDDLE)
            changes.put(b"long", LONG)

    def open(self) -> None:
        self.store = lmdb.open(str(self.folder), sync=False, map_size=256 << 20)
        self.opened_by = os.getpid()

    def operations(self) -> dict[str, Operation]:
        # An environment must not be used across a fork, nor be open twice in a process.
        if self.opened_by != os.getpid():
            self.store.close()
            self.open()
        names = {"store": self.store}

        def operation(code: str, result: str | None = None) -> Operation:
            return Operation(code, names, result)

        read, change = (
            "with store.begin() as reads:",
            "with store.begin(write=True) as changes:",
        )
        get_count = "int(store.begin().get(b'count'))"
        return {
            "get int": operation(
                f"{read} got = int(reads.get(f'int {{item}}'.encode()))", "got"
            ),
            "set int": operation(
                f"{change} changes.put(f'int {{item}}'.encode(), b'7')",
                "int(store.begin().get(f'int {item}'.encode()))",
            ),
            "get text": operation(
                f"{read} got = reads.get(f'text {{item}}'.encode()).decode()", "got"
            ),
            "set text": operation(
                f"{change} changes.put(f'text {{item}}'.encode(), TEXT.encode())",
                "store.begin().get(f'text {item}'.encode()).decode()",
            ),
            "insert and delete": operation(
                f"{change} changes.put(b'new', b'7')\n{change} changes.delete(b'new')",
                "int(store.begin().get(b'new') is not None)",
            ),
            "add": operation(
                f"{change} changes.put(b'count', str(int(changes.get(b'count')) + 1).encode())",
                get_count,
            ),
            "get 64 KiB": operation(f"{read} got = reads.get(b'middle')", "len(got)"),
            "set 64 KiB": operation(
                f"{change} changes.put(b'middle', MIDDLE)", "len(store.begin().get(b'middle'))"
            ),
            "get 1 MiB": operation(f"{read} got = reads.get(b'long')", "len(got)"),
            "set 1 MiB": operation(
                f"{change} changes.put(b'long', LONG)", "len(store.begin().get(b'long'))"
            ),
            "view 1 MiB": operation(
                "with store.begin(buffers=True) as reads: size = len(reads.get(b'long'))",
                "size",
            ),
        }


RIVALS = (Lmdb,)
