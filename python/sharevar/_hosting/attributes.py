"""Telling exposed attributes, which are read and set, from methods, which are called."""

from __future__ import annotations

import inspect
import types
from collections.abc import Iterable
from functools import partialmethod, singledispatchmethod
from typing import Any

# Before the name of an attribute, as the native side has it.
ATTRIBUTE = "."

_OF_METHODS = (classmethod, staticmethod, partialmethod, singledispatchmethod)


def mark(made: Any, names: Iterable[str]) -> list[str]:
    """The names, those of attributes with their mark. No code of the object is run."""
    return [ATTRIBUTE + name if is_attribute(made, name) else name for name in names]


def is_attribute(made: Any, name: str) -> bool:
    """Whether a name is that of a property, or of a value that cannot be called.

    A name that does not exist yet is called, as in the standard library.
    """
    if not name.isidentifier():
        raise ValueError(f"{name!r} cannot be exposed: it is not the name of an attribute")
    if name.startswith("__"):
        return False
    try:
        found = inspect.getattr_static(made, name)
        if isinstance(found, types.MemberDescriptorType):
            found = found.__get__(made)
    except AttributeError:
        return False
    return not callable(found) and not isinstance(found, _OF_METHODS)
