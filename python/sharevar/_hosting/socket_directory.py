"""The directory of a host's socket, which goes with the host however that one ends.

It is made and removed by the process that starts the host, since the host may be killed.
Its maker keeps it locked for as long as it lives. Directories whose makers were killed,
too, are removed when the next one is made.
"""

from __future__ import annotations

import fcntl
import os
import socket
import stat
import tempfile
from contextlib import closing, suppress
from typing import Any

_PREFIX = "sharevar-host-"
_SOCKET = "socket"
_LOCK = "lock"
_TRIES = 100
# Bytes in the path of a Unix socket, and of those the ones that stand behind the base.
_LONGEST_PATH = 107
_BEHIND_BASE = len("/" + _PREFIX + "12345678" + "/" + _SOCKET)

# The descriptors of the locks of those directories that this process has made.
_locks: dict[str, int] = {}


def new_address() -> str:
    """The address of a socket in a new directory that no other user may enter."""
    base = _base()
    _sweep(base)
    for _ in range(_TRIES):
        directory = tempfile.mkdtemp(prefix=_PREFIX, dir=base)
        lock = _lock(directory, os.O_CREAT, fcntl.LOCK_SH)
        # Else another process has taken it for left behind, just before it was locked.
        if lock is not None:
            _locks[directory] = lock
            return os.path.join(directory, _SOCKET)
    raise FileExistsError(
        f"{base}: each directory that was made here for a host was removed at once, by a "
        f"program that cleans up; set TMPDIR to a directory of its own"
    )


def _base() -> str:
    """The directory for temporary files, if the path of a socket in there is not too long."""
    base = tempfile.gettempdir()
    if len(os.fsencode(base)) + _BEHIND_BASE <= _LONGEST_PATH:
        return base
    return "/tmp"


def remove(address: Any) -> None:
    """Take the directory away, if the address is in one of those that are made here."""
    directory = _directory_of(address)
    if directory is None:
        return
    lock = _locks.pop(directory, None)
    try:
        _remove(directory)
    finally:
        if lock is not None:
            os.close(lock)


def _directory_of(address: Any) -> str | None:
    if not isinstance(address, str):
        return None
    directory, name = os.path.split(address)
    ours = name == _SOCKET and os.path.basename(directory).startswith(_PREFIX)
    return directory if ours else None


def _remove(directory: str) -> None:
    for name in (_SOCKET, _LOCK):
        with suppress(OSError):
            os.unlink(os.path.join(directory, name))
    # Not if something is in there that is not ours.
    with suppress(OSError):
        os.rmdir(directory)


def _lock(directory: str, flags: int, kind: int) -> int | None:
    """A descriptor that keeps the directory locked; None if it is another's, or gone."""
    flags |= os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        lock = os.open(os.path.join(directory, _LOCK), flags, 0o600)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
        if os.fstat(lock).st_nlink > 0:
            return lock
    except BlockingIOError:
        pass
    except BaseException:
        os.close(lock)
        raise
    os.close(lock)
    return None


def _sweep(base: str) -> None:
    """Remove the directories of processes that were killed, as far as possible."""
    with suppress(OSError), os.scandir(base) as entries:
        for entry in entries:
            if entry.name.startswith(_PREFIX):
                with suppress(OSError):
                    _take_away_if_left(entry.path)


def _take_away_if_left(directory: str) -> None:
    found = os.lstat(directory)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        return
    # Fails unless it is empty: not yet locked by its maker, or taken away half-way.
    with suppress(OSError):
        os.rmdir(directory)
    lock = _lock(directory, 0, fcntl.LOCK_EX)
    if lock is None:
        return
    try:
        # Its maker may have closed the descriptor of its lock, as daemons do.
        if not _is_listened_to(os.path.join(directory, _SOCKET)):
            _remove(directory)
    finally:
        os.close(lock)


def _is_listened_to(path: str) -> bool:
    with closing(socket.socket(socket.AF_UNIX)) as probe:
        probe.setblocking(False)
        try:
            probe.connect(path)
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except OSError:
            # It may be too busy for another connection.
            return True
        return True
