"""The ids that tokens have for objects of a host."""

from __future__ import annotations

import os
from typing import Any

# The prefix for objects that must be called on the standard library's wire.
_BOUND = "thread-"
# The prefix for objects that come back when their host has died.
_LASTING = "lasting-"
_DIGITS = 16


def new_number() -> int:
    """A number that no object has, at this host or at one after it; 0 is the host itself."""
    return int.from_bytes(os.urandom(8), "little") or new_number()


def ident(number: int, *, bound: bool = False, lasting: bool = False) -> str:
    """The id in an object's token. ``bound``: it must be called by one thread;
    ``lasting``: it comes back when its host has died."""
    kind = _BOUND if bound else _LASTING if lasting else ""
    return f"{kind}{number:0{_DIGITS}x}"


def is_lasting(ident: Any) -> bool:
    """Whether an id says that its object comes back when its host has died."""
    return isinstance(ident, str) and ident.startswith(_LASTING)


def number(ident: Any) -> int | None:
    """The number of an object that can be called on the transport; else None."""
    if not isinstance(ident, str):
        return None
    digits = ident.removeprefix(_LASTING)
    if len(digits) != _DIGITS:
        return None
    try:
        return int(digits, 16)
    except ValueError:
        return None


def any_number(ident: Any) -> int:
    """The number in an id of any kind; a `KeyError` if it is another server's."""
    found = number(ident.removeprefix(_BOUND)) if isinstance(ident, str) else None
    if found is None:
        raise KeyError(ident)
    return found
