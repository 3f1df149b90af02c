"""The arenas of applications, which `sharevar.shared` finds by their names.

Any process of the user that names an application has its variables, whatever started it.
"""

from __future__ import annotations

import os

from .._native import Arena
from ..errors import InvalidName
from .arenas import open_for_one_author

# The application of programs that name none.
APP = "SHAREVAR_APP"

# An arena lives while a process has it: this one has it until it ends.
_opened: dict[str, Arena] = {}


def arena_of_app(name: str) -> Arena:
    """The arena of that application, which is made if no process has it."""
    arena = _opened.get(name)
    if arena is None or arena.closed:
        # Without a lock, which a fork might leave locked: opened twice is one attachment.
        arena = _opened[name] = _opened_by_name(name)
    return arena


def _opened_by_name(name: str) -> Arena:
    try:
        return open_for_one_author(name)
    except InvalidName as error:
        if name != app_of_environment():
            raise
        # The program that is read has no such name in it.
        raise InvalidName(f"{APP} in the environment names no application: {error}") from None


def app_of_environment() -> str | None:
    """The application that the environment names, if it names one."""
    return os.environ.get(APP) or None
