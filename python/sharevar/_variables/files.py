"""Opening files that several processes append to."""

from __future__ import annotations

import os
from typing import Literal, overload

from .._public import public_in
from .append_file import AppendFile
from .append_text_file import AppendTextFile

_Path = str | os.PathLike[str]


@overload
def open(
    path: _Path,
    mode: Literal["a", "at"] = "a",
    *,
    encoding: str = "utf-8",
    errors: str = "strict",
    newline: str = "\n",
) -> AppendTextFile: ...
@overload
def open(path: _Path, mode: Literal["ab"]) -> AppendFile: ...


@public_in("sharevar")
def open(
    path: _Path,
    mode: str = "a",
    *,
    encoding: str = "utf-8",
    errors: str = "strict",
    newline: str = "\n",
) -> AppendFile | AppendTextFile:
    """Open a file for appending (mode ``'a'`` or ``'ab'``) by many processes.

    No line is lost or torn. The file object can be inherited by or pickled to the
    other processes of the family.
    """
    if mode == "ab":
        return AppendFile.open(path)
    if mode in ("a", "at"):
        return AppendTextFile(AppendFile.open(path), encoding, errors, newline)
    raise ValueError(
        f"a shared file is opened for appending, 'a' or 'ab', not {mode!r}"
    )
