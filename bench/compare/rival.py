"""The interface of each library that is measured."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# What statements may use, and what each library stores the same of.
KEYS = [f"key {number}" for number in range(100)]
TEXT = "x" * 100
NESTED = {"name": "a name", "numbers": [1, 2, 3], "open": True}
MIDDLE = bytes(range(256)) * 256
LONG = MIDDLE * 16
NUMBERS = list(range(100))

CONSTANTS: dict[str, Any] = {
    "TEXT": TEXT,
    "NESTED": NESTED,
    "MIDDLE": MIDDLE,
    "LONG": LONG,
}


@dataclass(frozen=True)
class Operation:
    """A statement as a user of the library writes it.

    It runs in a loop over a hundred keys, the `item`s, or over the indexes of a hundred items.
    """

    code: str
    # The names that it uses, besides `item` and the constants above.
    names: dict[str, Any] = field(default_factory=dict)
    # An expression that gives what the operation has read or stored, by the last `item`.
    result: str | None = None


class Rival:
    """A library: its objects are made in `start`, by the process that measures."""

    name: str

    def start(self, folder: Path) -> None:
        """Makes what all processes share; `folder` is for files and sockets."""

    def operations(self) -> dict[str, Operation]:
        """Gives the operations; a forked process asks anew, for connections of its own."""
        raise NotImplementedError

    def stop(self) -> None:
        """Ends servers."""
