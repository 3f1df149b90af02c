"""A binary file that several processes append to.

Every write goes to the kernel at once, whole, under a lock that all writers share, those in
Rust too. There is no buffer in the process that could be lost when it ends by ``os._exit``
(as every multiprocessing child does) or is killed, and no two writes mix. A system call
costs a microsecond or two; a buffer in shared memory would be cheaper, but a family that is
killed as a whole would lose the contents of the buffer.

The native `RecordWriter` cuts off the incomplete write of a process that was killed.
"""

from __future__ import annotations

import io
import os
from typing import Any

from .._family import family
from .._family.descriptors import DescriptorReference, candidates, refer_to
from .._family.reduction import keep_for_child
from .._native import RecordWriter
from ..errors import ArenaGone

_FileIdentity = tuple[int, int]


class AppendFile(io.RawIOBase):
    """A binary file whose writes are whole, whichever process they come from."""

    mode = "ab"

    def __init__(self, path: str, descriptor: int) -> None:
        self.name = path
        self._descriptor = descriptor
        self._records = RecordWriter(family.arena(), descriptor)
        self._lock = self._records.lock

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> AppendFile:
        """Open or create the file."""
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        return cls(os.path.abspath(path), os.open(path, flags, 0o666))

    def write(self, octets: Any, /) -> int:
        """Append all the bytes, or raise and append none."""
        self._check_open()
        with memoryview(octets) as given:
            record = octets if type(octets) is bytes else given.tobytes()
        with self._lock:
            self._records.append(self._descriptor, record)
        return len(record)

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


def reopen(path: str, identity: _FileIdentity, reference: DescriptorReference) -> AppendFile:
    """The same file in the receiving process, be it renamed or unlinked meanwhile."""
    flags = os.O_WRONLY | os.O_APPEND
    for descriptor in candidates(reference, flags):
        if _identity(descriptor) == identity:
            return AppendFile(path, descriptor)
        os.close(descriptor)
    try:
        descriptor = os.open(path, flags | os.O_CLOEXEC)
    except OSError as error:
        gone = ArenaGone(f"the file {path!r} cannot be reached from here")
        gone.is_removed = isinstance(error, FileNotFoundError)
        raise gone from error
    if _identity(descriptor) != identity:
        os.close(descriptor)
        gone = ArenaGone(f"the path {path!r} leads to another file by now")
        gone.is_removed = True
        raise gone
    return AppendFile(path, descriptor)


def _identity(descriptor: int) -> _FileIdentity:
    status = os.fstat(descriptor)
    return status.st_dev, status.st_ino
