"""The process that keeps a family's variables."""

from __future__ import annotations

import os
import signal
import sys
import threading
from multiprocessing.managers import Server
from typing import Any

from . import family
from .contents import KINDS

# Time for the next process of a family whose last one has ended.
_GRACE_SECONDS = 5.0


class FamilyServer(Server):
    """The standard server, with names, and an end when no process of the family is left."""

    public = (*Server.public, "attend", "find", "enter")  # type: ignore[assignment, attr-defined]

    def __init__(self) -> None:
        registry: Any = {typeid: (*kind, None, None) for typeid, kind in KINDS.items()}
        super().__init__(registry, family.address(), family.key(), "pickle")
        self._present = 0
        self._end: threading.Timer | None = None
        self._names: dict[str, tuple[str, str, Any]] = {}
        self._changing = threading.Lock()

    def attend(self, connection: Any) -> None:
        """Count a process until its connection ends."""
        with self._changing:
            self._present += 1
            if self._end is not None:
                self._end.cancel()
        try:
            connection.send(("#RETURN", None))
            connection.recv_bytes()
        except (EOFError, OSError):
            pass
        with self._changing:
            self._present -= 1
            if self._present == 0:
                self._end = threading.Timer(_GRACE_SECONDS, self._leave)
                self._end.start()
        # No answer goes to one that is gone.
        sys.exit()

    def _leave(self) -> None:
        with self._changing:
            if self._present == 0:
                self.stop_event.set()  # type: ignore[attr-defined]

    def find(self, connection: Any, name: str) -> tuple[str, str, Any] | None:
        """The type, id and note of the variable of a name."""
        return self._names.get(name)

    def enter(self, connection: Any, name: str, typeid: str, ident: str, note: Any) -> None:
        """Give a variable a name, which keeps it for as long as the server lives."""
        with self._changing:
            if name not in self._names:
                self.incref(connection, ident)  # type: ignore[attr-defined]
                self._names[name] = typeid, ident, note


def run() -> None:
    """Serve, unless another process does at this address."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    folder = os.path.dirname(family.address())
    if sys.platform != "win32":
        try:
            # The one that makes it is the server.
            os.mkdir(folder, 0o700)
        except FileExistsError:
            return
    try:
        FamilyServer().serve_forever()
    finally:
        if sys.platform != "win32":
            os.unlink(family.address())
            os.rmdir(folder)
