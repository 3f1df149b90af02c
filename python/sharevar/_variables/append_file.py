"""A binary file that several processes append to.

Every write goes to the kernel at once, whole, under a lock that the writers of the
process family share. There is no buffer in the process that could be lost when it
ends by ``os._exit`` (as every multiprocessing child does) or is killed, and no two
writes mix. A system call costs a microsecond or two; a buffer in shared memory would
be cheaper, but what a family killed as a whole had buffered would be lost with it.

A write larger than a page can be cut short by SIGKILL. So the writer first notes, in
shared memory, where it begins and how long it is; who takes the lock after a death
cuts off the half-written rest.
"""

from __future__ import annotations

import io
import os
import stat
from typing import Any

from .. import _native
from .._family import family
from .._family.descriptors import DescriptorReference, candidates, refer_to
from .._family.reduction import keep_for_child
from ..errors import ArenaGone
from .lock import Lock

_FileIdentity = tuple[int, int]


class AppendFile(io.RawIOBase):
    """A binary file whose writes are whole, whichever process they come from."""

    mode = "ab"

    def __init__(self, path: str, descriptor: int) -> None:
        self.name = path
        self._descriptor = descriptor
        status = os.fstat(descriptor)
        self._regular = stat.S_ISREG(status.st_mode)
        # Named by the file, so that opening it twice gives the same lock.
        name = f"sharevar:file:{status.st_dev}:{status.st_ino}"
        arena = family.arena()
        self._lock = arena.named(name + ":lock", Lock)
        # The write under way: None, or where it begins and its length.
        self._intent = arena.named(name + ":intent", _native.Value)

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> AppendFile:
        """Open or create the file."""
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        return cls(os.path.abspath(path), os.open(path, flags, 0o666))

    def write(self, octets: Any, /) -> int:
        """Append all the bytes, or raise and append none."""
        self._check_open()
        with memoryview(octets) as given, given.cast("B") as data, self._lock:
            if self._lock.owner_died:
                self._cut_off_half_write()
                self._lock.mark_consistent()
            if self._regular:
                self._write_noted(data)
            else:
                _write_all(self._descriptor, data)
            return len(data)

    def _write_noted(self, data: memoryview) -> None:
        self._intent.set((os.fstat(self._descriptor).st_size, len(data)))
        try:
            _write_all(self._descriptor, data)
        except BaseException:
            self._cut_off_half_write()
            raise
        self._intent.set(None)

    def _cut_off_half_write(self) -> None:
        intent = self._intent.get()
        if intent is None:
            return
        start, length = intent
        # A longer file has been appended to by a process that takes no lock.
        if start < os.fstat(self._descriptor).st_size < start + length:
            os.ftruncate(self._descriptor, start)
        self._intent.set(None)

    def close(self) -> None:
        """Close it in this process only."""
        if not self.closed:
            super().close()
            os.close(self._descriptor)

    def fileno(self) -> int:
        self._check_open()
        return self._descriptor

    def writable(self) -> bool:
        self._check_open()
        return True

    def _check_open(self) -> None:
        if self.closed:
            raise ValueError("I/O operation on closed file")

    def __reduce__(self) -> tuple[Any, ...]:
        self._check_open()
        keep_for_child(self)
        status = os.fstat(self._descriptor)
        identity = (status.st_dev, status.st_ino)
        return reopen, (self.name, identity, refer_to(self._descriptor))

    def __repr__(self) -> str:
        state = "closed" if self.closed else "open"
        return f"<shared append file {self.name!r}, {state}>"


def _write_all(descriptor: int, data: memoryview) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def reopen(
    path: str, identity: _FileIdentity, reference: DescriptorReference
) -> AppendFile:
    """The same file in the receiving process, be it renamed or unlinked meanwhile."""
    flags = os.O_WRONLY | os.O_APPEND
    for descriptor in candidates(reference, flags):
        if _identity(descriptor) == identity:
            return AppendFile(path, descriptor)
        os.close(descriptor)
    try:
        descriptor = os.open(path, flags | os.O_CLOEXEC)
    except OSError as error:
        raise ArenaGone(f"the file {path!r} cannot be reached from here") from error
    if _identity(descriptor) != identity:
        os.close(descriptor)
        raise ArenaGone(f"the path {path!r} leads to another file by now")
    return AppendFile(path, descriptor)


def _identity(descriptor: int) -> _FileIdentity:
    status = os.fstat(descriptor)
    return status.st_dev, status.st_ino
