"""Values on their way to the server, which has none of the program's classes.

What is made of built-in types goes as it is, so that the server can add, compare and search.
Any other object goes, and stays, as its pickle; a process that reads it gets the object.
"""

from __future__ import annotations

import pickle
from multiprocessing.managers import BaseProxy
from multiprocessing.reduction import ForkingPickler
from typing import Any

from ..errors import NotShareable

_SCALARS = (type(None), bool, int, float, complex, str, bytes, bytearray, slice)
# Modules of the standard library whose objects are values.
_KNOWN = frozenset(("array", "datetime", "decimal", "fractions", "uuid"))
_CONTAINERS = (list, tuple, set, frozenset)


class Kept:
    """An object as the server keeps it: equal to those with the same pickle."""

    def __init__(self, pickled: bytes) -> None:
        self._pickled = pickled

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Kept) and self._pickled == other._pickled

    def __hash__(self) -> int:
        return hash(self._pickled)

    def __reduce__(self) -> Any:
        return pickle.loads, (self._pickled,)


class _Sent:
    """An object that arrives at the server as `Kept`."""

    def __init__(self, pickled: bytes) -> None:
        self._pickled = pickled

    def __reduce__(self) -> Any:
        return Kept, (self._pickled,)


def sent(value: Any) -> Any:
    """A value in the form in which it is sent."""
    if _is_plain(value, set()):
        return value
    cls = type(value)
    try:
        if cls in _CONTAINERS:
            return cls(map(sent, value))
        if cls is dict:
            return {sent(key): sent(item) for key, item in value.items()}
    except RecursionError:
        # It contains itself, or is too deep to be sent in parts.
        pass
    try:
        return _Sent(bytes(ForkingPickler.dumps(value)))
    except Exception as error:
        raise NotShareable(f"cannot share this {cls.__name__}: {error}") from error


def _is_plain(value: Any, seen: set[int]) -> bool:
    """Whether the server knows all of the classes in a value."""
    cls = type(value)
    if cls in _SCALARS or cls.__module__ in _KNOWN or isinstance(value, BaseProxy):
        return True
    if cls is not dict and cls not in _CONTAINERS:
        return False
    if id(value) in seen:
        return True
    seen.add(id(value))
    if cls is dict and not all(_is_plain(item, seen) for item in value.values()):
        return False
    return all(_is_plain(item, seen) for item in value)
