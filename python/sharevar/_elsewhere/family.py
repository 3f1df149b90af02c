"""The server of a family: its address, and how a process reaches it.

The first process that imports the package chooses an address, which its descendants find in
the environment. The server is started there by the first of them that needs it.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import tempfile
import threading
import time
from multiprocessing.connection import Client, Connection
from multiprocessing.managers import dispatch  # type: ignore[attr-defined]
from typing import Any

from .._public import public_in
from ..errors import HostUnreachable

_FAMILY = "SHAREVAR_PURE_FAMILY"
_SECONDS = 30.0
# No import of the program's: the server has the same modules, and none of its variables.
_SERVER = (
    "import sys; sys.path[:] = {path!r}; from sharevar._elsewhere import server; server.run()"
)

_starting = threading.Lock()
# This process's own connection, by which the server knows that it lives. A forked child has a
# copy, so that it must make another one.
_presence: tuple[int, Connection] | None = None


@public_in("sharevar")
def install() -> None:
    """Nothing: `multiprocessing` stays as it is where there is no shared memory."""


@public_in("sharevar.installation")
def installed() -> bool:
    """Whether sharevar is in multiprocessing's place, as it never is here."""
    return False


def found() -> None:
    """Choose the address, unless this process has descended from one that has."""
    if _FAMILY not in os.environ:
        name = f"sharevar-{secrets.token_hex(8)}"
        if sys.platform == "win32":
            address = rf"\\.\pipe\{name}"
        else:
            address = os.path.join(tempfile.gettempdir(), name, "socket")
        os.environ[_FAMILY] = f"{secrets.token_hex(32)} {address}"


def address() -> str:
    """The address of the family's server, which may not run yet."""
    return os.environ[_FAMILY].partition(" ")[2]


def key() -> bytes:
    """The key of the family's server."""
    return bytes.fromhex(os.environ[_FAMILY].partition(" ")[0])


def ask(method: str, *arguments: Any, **named: Any) -> Any:
    """Ask the server itself for something; it is started if it does not run."""
    attend()
    with Client(address(), authkey=key()) as connection:
        return dispatch(connection, None, method, arguments, named)


def attend() -> None:
    """Have a server that lives as long as this process does."""
    global _presence
    with _starting:
        if _presence is not None and _presence[0] == os.getpid():
            return
        connection = _connect()
        dispatch(connection, None, "attend")
        _presence = os.getpid(), connection


def _connect() -> Connection:
    end, started = time.monotonic() + _SECONDS, False
    while True:
        try:
            return Client(address(), authkey=key())
        except (FileNotFoundError, ConnectionRefusedError, EOFError) as error:
            if time.monotonic() > end:
                raise HostUnreachable(
                    f"no server at {address()} after {_SECONDS:.0f} seconds: can this process "
                    "start another Python, and write into the folder for temporary files?"
                ) from error
        if not started:
            started = True
            _start()
        time.sleep(0.01)


def _start() -> None:
    """Start a server. Of several that start at once, the first one stays."""
    server = subprocess.Popen(
        [sys.executable, "-c", _SERVER.format(path=sys.path)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    # It outlives this process if others need it, so that nothing waits for it here.
    server.returncode = 0


def _forget_lock() -> None:
    global _starting
    _starting = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_lock)
