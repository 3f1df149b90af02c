"""The names that only shared memory can have, and the warning that there is none."""

from __future__ import annotations

import os
import sys
import warnings
from typing import Any, NoReturn

from ..errors import ElsewhereWarning, Unsupported

# Children of a program that was told are not told again.
_TOLD = "SHAREVAR_PURE_TOLD"


def warn() -> None:
    """Tell a program once what it does without."""
    if os.environ.get(_TOLD):
        return
    os.environ[_TOLD] = "1"
    remedy = "Linux has all of it"
    if sys.platform == "linux" and not os.environ.get("SHAREVAR_PURE"):
        remedy = "here, `pip install --no-binary sharevar sharevar` builds what has it"
    warnings.warn(
        "sharevar keeps its variables in a server process here, not in shared memory: each "
        "operation is a message; a lock, unit or item that a killed process held is lost; and "
        "monitors, named managers, app=, arrays of a manager as buffers, files, and sharevar's "
        f"hosts (restarts, batches, TLS) are missing; {remedy}",
        ElsewhereWarning,
        stacklevel=2,
    )


def refuse(what: str) -> NoReturn:
    """Raise the error for something that this edition does not have."""
    raise Unsupported(
        f"{what} needs the shared memory of sharevar on Linux; here, variables are kept by a "
        "server process, which cannot do that"
    )


class Missing:
    """Stands for a class or function that is missing: its use raises `Unsupported`."""

    def __init__(self, name: str) -> None:
        self.__name__ = self.__qualname__ = name
        self.__doc__ = "Missing where there is no shared memory: a call raises `Unsupported`."

    def __call__(self, *arguments: Any, **named: Any) -> NoReturn:
        refuse(f"sharevar.{self.__name__}")

    def __repr__(self) -> str:
        return f"<sharevar.{self.__name__}, which is missing here>"


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    return Missing(name)
