"""Pickling of proxies: never contents, always where the variable is.

An authentication key plays no role: a process that can open the arena's descriptor may
read it.
"""

from __future__ import annotations

from collections.abc import Callable
from multiprocessing.context import get_spawning_popen
from typing import Any, TypeVar

from .._native import Store, Variable
from .arenas import ArenaReference, attach, refer_to_arena

# Used in place of the attributes: those of a namespace may be the user's own.
arena_of: Callable[[Variable], Store] = Variable.arena.__get__  # type: ignore[attr-defined]
handle_of: Callable[[Variable], tuple[int, int]] = Variable.handle.__get__  # type: ignore[attr-defined]

_AnyVariable = TypeVar("_AnyVariable", bound=Variable)


def reduce_variable(variable: Variable) -> tuple[Any, ...]:
    """The result of a proxy's ``__reduce__``."""
    keep_for_child(variable)
    reference = refer_to_arena(arena_of(variable))
    return open_variable, (type(variable), reference, handle_of(variable))


def open_variable(
    cls: type[_AnyVariable], reference: ArenaReference, handle: tuple[int, int]
) -> _AnyVariable:
    """The proxy in the receiving process; a late one raises `HandleExpired`."""
    return attach(reference).open(cls, *handle)


def keep_for_child(kept: object) -> None:
    """Hold an object that is passed to a child that is being started.

    The parent's own proxy may be a temporary, dropped before the child has
    unpickled its arguments; the process object outlives that.
    """
    popen = get_spawning_popen()
    if popen is not None:
        popen.__dict__.setdefault("_sharevar_kept", []).append(kept)
