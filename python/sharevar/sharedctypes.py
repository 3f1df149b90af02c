"""The names of `multiprocessing.sharedctypes`, over shared memory of the family."""

from __future__ import annotations

from multiprocessing import sharedctypes
from typing import Any

from ._public import listing
from ._variables.sharedctypes import Array, RawArray, RawValue, Value, copy, synchronized

__all__ = ["Array", "RawArray", "RawValue", "Value", "copy", "synchronized"]

__dir__ = listing(__name__)


def __getattr__(name: str) -> Any:
    """All other names, as those of the wrapper classes, are the standard module's."""
    try:
        return getattr(sharedctypes, name)
    except AttributeError:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message) from None
