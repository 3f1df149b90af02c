"""Objects that several tests have in hosts."""

from __future__ import annotations

import os
import signal
import threading
from typing import Any

KEY = b"a key that both sides know"


class Gate:
    """Something to wait at."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._waiting = threading.Semaphore(0)

    def wait(self) -> bool:
        self._waiting.release()
        return self._event.wait(60)

    def somebody_waits(self) -> bool:
        return self._waiting.acquire(timeout=60)

    def open(self) -> None:
        self._event.set()


class Kept:
    """Its class says how it is saved."""

    def __init__(self, *items: Any) -> None:
        self.items = list(items)

    def add(self, item: Any) -> int:
        self.items.append(item)
        return len(self.items)

    def add_and_fail(self, item: Any) -> None:
        self.items.append(item)
        raise LookupError(item)

    def get(self) -> list[Any]:
        return self.items

    def pid(self) -> int:
        return os.getpid()

    def die(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def __getstate__(self) -> list[Any]:
        return self.items

    def __setstate__(self, items: list[Any]) -> None:
        self.items = items


class Deadly(Kept):
    def __setstate__(self, items: list[Any]) -> None:
        os._exit(7)
