"""Calls in threads of their own, and what comes of them."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any

from support.waiting import sleeps


class Caller(threading.Thread):
    """Makes a call, and keeps its result or error."""

    def __init__(self, call: Callable[[], Any]) -> None:
        super().__init__()
        self._call = call
        self.outcome: Any = None
        self.start()

    def run(self) -> None:
        try:
            self.outcome = self._call()
        except Exception as error:
            self.outcome = error

    def sleeps(self) -> bool:
        """Whether it waits in the kernel."""
        assert self.native_id is not None
        return sleeps(os.getpid(), self.native_id)


def in_thread(call: Callable[[], Any]) -> Any:
    """The call's result or error."""
    caller = Caller(call)
    caller.join()
    return caller.outcome
