"""The tables: operations, what they loop over, and what they must give."""

from __future__ import annotations

from typing import Any, NamedTuple

from .rival import KEYS, LONG, MIDDLE, NESTED, NUMBERS, TEXT


class Row(NamedTuple):
    operation: str
    # What an operation's result must be; a count is compared with the rounds that were made.
    expected: Any = None
    items: list[Any] = KEYS


class Group(NamedTuple):
    """One table and one plot."""

    name: str
    title: str
    rows: tuple[Row, ...]


GROUPS = (
    Group(
        "dicts",
        "Entries of a dict (100 keys)",
        (
            Row("get int", 7),
            Row("set int", 7),
            Row("get text", TEXT),
            Row("set text", TEXT),
            Row("insert and delete", 0),
            Row("get nested", NESTED),
            Row("add"),
        ),
    ),
    Group(
        "long-values",
        "Long values: bytes",
        (
            Row("get 64 KiB", len(MIDDLE)),
            Row("set 64 KiB", len(MIDDLE)),
            Row("get 1 MiB", len(LONG)),
            Row("set 1 MiB", len(LONG)),
            Row("view 1 MiB", len(LONG)),
        ),
    ),
    Group(
        "lists",
        "Items of a list or an array (100 items)",
        (
            Row("list index", 0, NUMBERS),
            Row("list assign", 0, NUMBERS),
            Row("list append and pop", 100, NUMBERS),
        ),
    ),
    Group(
        "locks-and-calls",
        "Locks, queues in one process, calls of an object in another",
        (
            Row("call of nothing"),
            Row("acquire and release"),
            Row("put and get", 7),
            Row("call", True),
        ),
    ),
)
