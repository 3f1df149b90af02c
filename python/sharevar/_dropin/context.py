"""The contexts of `multiprocessing`: a start method, and shared variables that are ours."""

from __future__ import annotations

import functools
import multiprocessing
import sys
from collections.abc import Callable
from multiprocessing import context as standard
from typing import Any, Generic, TypeVar

from .._family import module_level
from .._managers.manager import Manager
from .._managers.sync_manager import SyncManager
from .._public import public_in
from .._variables import (
    barrier,
    condition,
    event,
    queues,
    recursive_lock,
    semaphore,
    sharedctypes,
)
from .._variables import lock as locks

__all__ = ["Context", "get_context"]

_Method = TypeVar("_Method", bound=Callable[..., Any])
_Function = TypeVar("_Function", bound=Callable[..., Any])


class _As(Generic[_Function]):
    """For type checkers: an attribute of contexts that is called as a function is."""

    def __get__(self, context: Any, owner: type | None = None) -> _Function: ...  # type: ignore[empty-body]


def _typed_as(function: _Function) -> Callable[[Callable[..., Any]], _As[_Function]]:
    """Give a method of contexts the overloads of `function`, which it is, but for `self`."""
    return lambda method: method  # type: ignore[return-value]


def _shared(method: _Method) -> _Method:
    """A method of contexts that makes something of ours, except for the standard library.

    Its pools and executors wait for the pipes inside the standard queues, and those keep
    the locks that they were written for: with one that is freed when its holder dies,
    the next writer would continue a pipe in the middle of a message.
    """
    replaced = getattr(standard.BaseContext, method.__name__)

    @functools.wraps(replaced, assigned=("__name__", "__qualname__", "__doc__"))
    def ours_or_theirs(self: Any, /, *arguments: Any, **named: Any) -> Any:
        caller = str(sys._getframe(1).f_globals.get("__name__", ""))
        if caller.partition(".")[0] in ("multiprocessing", "concurrent"):
            return replaced(self, *arguments, **named)
        if method.__name__ == "Manager":
            return method(self, *arguments, **named)
        if not isinstance(self, Context):
            # The standard library makes it for each child anew, and its programs expect so.
            make = module_level.found_beside_manager_or_made
            return make(method, self, *arguments, **named)
        return module_level.found_or_made(method, self, *arguments, **named)

    return ours_or_theirs  # type: ignore[return-value]


class Context(standard.BaseContext):
    """The context of `get_context`; `sharevar.install` puts its methods into all contexts."""

    # The methods are written out: they take the arguments of multiprocessing's, and the classes
    # take more.

    @_shared
    def Manager(self) -> SyncManager:
        return Manager(ctx=self.get_context())

    @_shared
    def Lock(self) -> locks.Lock:  # type: ignore[override]
        return locks.Lock()

    @_shared
    def RLock(self) -> recursive_lock.RLock:  # type: ignore[override]
        return recursive_lock.RLock()

    @_shared
    def Semaphore(self, value: int = 1) -> semaphore.Semaphore:  # type: ignore[override]
        return semaphore.Semaphore(value)

    @_shared
    def BoundedSemaphore(self, value: int = 1) -> semaphore.BoundedSemaphore:  # type: ignore[override]
        return semaphore.BoundedSemaphore(value)

    @_shared
    def Event(self) -> event.Event:  # type: ignore[override]
        return event.Event()

    @_shared
    def Condition(self, lock: Any = None) -> condition.Condition:  # type: ignore[override]
        return condition.Condition(lock)

    @_shared
    def Barrier(  # type: ignore[override]
        self, parties: int, action: Any = None, timeout: float | None = None
    ) -> barrier.Barrier:
        return barrier.Barrier(parties, action, timeout)

    @_shared
    def Queue(self, maxsize: int = 0) -> queues.Queue[Any]:  # type: ignore[override]
        return queues.Queue(maxsize)

    @_shared
    def JoinableQueue(self, maxsize: int = 0) -> queues.JoinableQueue[Any]:  # type: ignore[override]
        return queues.JoinableQueue(maxsize)

    @_shared
    def SimpleQueue(self) -> queues.SimpleQueue[Any]:  # type: ignore[override]
        return queues.SimpleQueue()

    @_typed_as(sharedctypes.RawValue)
    @_shared
    def RawValue(self, typecode_or_type: Any, *arguments: Any) -> Any:
        return sharedctypes.RawValue(typecode_or_type, *arguments)

    @_typed_as(sharedctypes.RawArray)
    @_shared
    def RawArray(self, typecode_or_type: Any, size_or_initializer: Any) -> Any:
        return sharedctypes.RawArray(typecode_or_type, size_or_initializer)

    @_typed_as(sharedctypes.Value)
    @_shared
    def Value(  # type: ignore[override]
        self, typecode_or_type: Any, *arguments: Any, lock: Any = True
    ) -> Any:
        context = self.get_context()
        return sharedctypes.Value(typecode_or_type, *arguments, lock=lock, ctx=context)

    @_typed_as(sharedctypes.Array)
    @_shared
    def Array(  # type: ignore[override]
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


_CONTEXTS: dict[str, tuple[type, Context]] = {
    "fork": (standard.ForkContext, ForkContext()),
    "forkserver": (standard.ForkServerContext, ForkServerContext()),
    "spawn": (standard.SpawnContext, SpawnContext()),
}


@public_in("sharevar")
def get_context(method: str | None = None) -> Context:
    """`multiprocessing.get_context`, with a `Manager`, `Value`, `Lock` ... that are ours."""
    concrete = multiprocessing.get_context(method)
    if isinstance(concrete, Context):
        return concrete
    for cls, context in _CONTEXTS.values():
        if type(concrete) is cls:
            return context
    registered: Context = _registered(concrete)
    return registered


@functools.cache
def _registered(concrete: Any) -> Any:
    """The same start method as that of a context which another package has registered, as
    loky does. The package's own modules still get their own context."""
    cls = type(concrete)
    own = ("multiprocessing", "concurrent", cls.__module__.partition(".")[0])

    def choose(name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        theirs = getattr(cls, name)
        if theirs is getattr(standard.BaseContext, name):
            return method

        @functools.wraps(method, assigned=("__name__", "__qualname__", "__doc__"))
        def ours_or_theirs(self: Any, /, *arguments: Any, **named: Any) -> Any:
            caller = str(sys._getframe(1).f_globals.get("__name__", ""))
            chosen = theirs if caller.partition(".")[0] in own else method
            return chosen(self, *arguments, **named)

        return ours_or_theirs

    def other(self: Any, method: str | None = None) -> Any:
        return self if method is None else get_context(method)

    members: dict[str, Any] = {name: choose(name, method) for name, method in METHODS.items()}
    made: Any = type(cls.__name__, (cls,), {**members, "get_context": other})
    context = made.__new__(made)
    vars(context).update(vars(concrete))
    return context
