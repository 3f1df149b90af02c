"""A text file that several processes append lines to."""

from __future__ import annotations

import codecs
import io
import os
import threading
import weakref
from collections.abc import Iterable
from multiprocessing import util
from typing import Any

from .append_file import AppendFile


class AppendTextFile(io.TextIOBase):
    """A text file of whole lines.

    ``print`` makes several writes of one line. So the beginning of a line waits, for
    each thread, until its end is written or `flush` is called; lines never mix.
    """

    mode = "a"

    def __init__(
        self, file: AppendFile, encoding: str, errors: str, newline: str
    ) -> None:
        self._file = file
        self._encoding = codecs.lookup(encoding).name
        self._errors = errors
        self._newline = newline
        self._begun: dict[int, str] = {}
        self._process = os.getpid()
        self._at_exit()

    def _at_exit(self) -> None:
        # Children of multiprocessing leave by os._exit, after running these.
        self._finalizer = util.Finalize(
            None, _flush_at_exit, (weakref.ref(self),), exitpriority=0
        )

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._encoding

    @property
    def errors(self) -> str:  # type: ignore[override]
        return self._errors

    @property
    def name(self) -> str:
        return self._file.name

    @property
    def buffer(self) -> AppendFile:
        return self._file

    def write(self, text: str, /) -> int:
        """Append to this thread's line; complete lines go to the file at once."""
        if not isinstance(text, str):
            raise TypeError(f"write() takes a str, not {type(text).__name__}")
        self._check()
        thread = threading.get_ident()
        lines, end, rest = text.rpartition("\n")
        if end:
            self._append(self._begun.get(thread, "") + lines + end)
            self._begun.pop(thread, None)
        if rest:
            if not self._finalizer.still_active():
                # A child clears them once it has got its arguments.
                self._at_exit()
            self._begun[thread] = self._begun.get(thread, "") + rest
        return len(text)

    def writelines(self, lines: Iterable[str], /) -> None:  # type: ignore[override]
        """Append all the lines together."""
        self.write("".join(lines))

    def flush(self) -> None:
        """Append this thread's begun line."""
        self._check()
        begun = self._begun.pop(threading.get_ident(), None)
        if begun is not None:
            self._append(begun)

    def close(self) -> None:
        """Append the begun line and close the file, in this process only."""
        if not self._file.closed:
            self._check()
            self._flush_all()
            self._finalizer.cancel()
            self._file.close()

    @property
    def closed(self) -> bool:
        return self._file.closed

    def fileno(self) -> int:
        return self._file.fileno()

    def writable(self) -> bool:
        return self._file.writable()

    def _append(self, text: str) -> None:
        if self._newline not in ("", "\n"):
            text = text.replace("\n", self._newline)
        encoder = codecs.getincrementalencoder(self._encoding)(self._errors)
        # No byte order mark: this is somewhere in the middle of the file.
        encoder.setstate(0)
        self._file.write(encoder.encode(text, final=True))

    def _flush_all(self) -> None:
        while self._begun and not self._file.closed:
            _, begun = self._begun.popitem()
            self._append(begun)

    def _check(self) -> None:
        if self._file.closed:
            raise ValueError("I/O operation on closed file")
        if self._process != os.getpid():
            # The parent writes the line that was begun before a fork.
            self._process = os.getpid()
            self._begun.clear()

    def __reduce__(self) -> tuple[Any, ...]:
        self._check()
        arguments = (self._file, self._encoding, self._errors, self._newline)
        return AppendTextFile, arguments

    def __repr__(self) -> str:
        return f"<text of {self._file!r}>"


def _flush_at_exit(reference: weakref.ref[AppendTextFile]) -> None:
    file = reference()
    if file is not None:
        file._flush_all()
