"""The contexts of `multiprocessing`: a start method, and shared variables that are ours."""

from __future__ import annotations

import functools
import multiprocessing
import sys
from collections.abc import Callable
from multiprocessing import context as standard
from typing import Any, TypeVar

from . import lock as locks
from . import managers, sharedctypes

__all__ = ["Context", "get_context"]

_Method = TypeVar("_Method", bound=Callable[..., Any])


def _shared(method: _Method) -> _Method:
    """A method of contexts that makes something of ours, except for multiprocessing itself.

    Its own queues and pools keep the locks that they were written for: with one that
    is freed when its holder dies, the next writer would continue a pipe in the middle
    of a message.
    """
    replaced = getattr(standard.BaseContext, method.__name__)

    @functools.wraps(replaced, assigned=("__name__", "__qualname__", "__doc__"))
    def ours_or_theirs(self: Any, /, *arguments: Any, **named: Any) -> Any:
        caller = str(sys._getframe(1).f_globals.get("__name__", ""))
        if caller.partition(".")[0] == "multiprocessing":
            return replaced(self, *arguments, **named)
        return method(self, *arguments, **named)

    return ours_or_theirs  # type: ignore[return-value]


class Context(standard.BaseContext):
    """What `get_context` gives; `sharevar.install` puts its methods into all contexts."""

    @_shared
    def Manager(self) -> managers.SyncManager:
        return managers.Manager(ctx=self.get_context())

    @_shared
    def Lock(self) -> locks.Lock:  # type: ignore[override]
        return locks.Lock()

    @_shared
    def RawValue(self, typecode_or_type: Any, *arguments: Any) -> Any:
        return sharedctypes.RawValue(typecode_or_type, *arguments)

    @_shared
    def RawArray(self, typecode_or_type: Any, size_or_initializer: Any) -> Any:
        return sharedctypes.RawArray(typecode_or_type, size_or_initializer)

    @_shared
    def Value(self, typecode_or_type: Any, *arguments: Any, lock: Any = True) -> Any:
        context = self.get_context()
        return sharedctypes.Value(typecode_or_type, *arguments, lock=lock, ctx=context)

    @_shared
    def Array(
        self, typecode_or_type: Any, size_or_initializer: Any, *, lock: Any = True
    ) -> Any:
        context = self.get_context()
        return sharedctypes.Array(
            typecode_or_type, size_or_initializer, lock=lock, ctx=context
        )


# The methods that replace those of all contexts when sharevar is installed.
METHODS: dict[str, Callable[..., Any]] = {
    name: method for name, method in vars(Context).items() if not name.startswith("_")
}


class _Concrete(Context):
    def get_context(self, method: str | None = None) -> Any:
        return self if method is None else get_context(method)


class ForkContext(_Concrete, standard.ForkContext):
    """Children are forked."""


class SpawnContext(_Concrete, standard.SpawnContext):
    """Children are new programs."""


class ForkServerContext(_Concrete, standard.ForkServerContext):
    """Children are forked by a server that was started early."""


_CONTEXTS: dict[str, Context] = {
    "fork": ForkContext(),
    "forkserver": ForkServerContext(),
    "spawn": SpawnContext(),
}


def get_context(method: str | None = None) -> Any:
    """`multiprocessing.get_context`, with a `Manager`, `Value`, `Lock` ... that are ours."""
    return _CONTEXTS[multiprocessing.get_context(method).get_start_method()]
