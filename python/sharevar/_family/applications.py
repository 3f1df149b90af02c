"""The arenas of applications, which `sharevar.shared` finds by their names.

Any process of the user that names an application has its variables, whatever started it.
"""

from __future__ import annotations

import os

from .._native import Arena
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
        arena = _opened[name] = open_for_one_author(name)
    return arena


def app_of_environment() -> str | None:
    """The application that the environment names, if it names one."""
    return os.environ.get(APP) or None
