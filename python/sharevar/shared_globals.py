"""Module-level variables that are one for the whole process family."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable
from typing import Any, TypeVar, overload

from . import family
from .dict_proxy import DictProxy
from .errors import WrongKind
from .list_proxy import ListProxy
from .lock import Lock
from .recursive_lock import RLock
from .value_proxy import ValueProxy

_Item = TypeVar("_Item")

# Names in the family's arena, beside the user's own (by which Rust finds them, too).
_FILLED = "sharevar:filled"
_FILLING = "sharevar:filling"


@overload
def shared(
    name: str, kind: type[list[Any]], /, *arguments: Any
) -> ListProxy[Any]: ...
@overload
def shared(
    name: str, kind: type[dict[Any, Any]], /, *arguments: Any, **named: Any
) -> DictProxy[Any, Any]: ...
@overload
def shared(name: str, kind: type[Lock], /) -> Lock: ...  # type: ignore[overload-overlap]
@overload
def shared(
    name: str, kind: Callable[..., _Item], /, *arguments: Any, **named: Any
) -> ValueProxy[_Item]: ...


def shared(
    name: str, kind: Callable[..., Any], /, *arguments: Any, **named: Any
) -> Any:
    """The variable of that name in this process family, made at first use.

    Called at module level it gives a global that parent and children share, under
    fork, spawn and forkserver alike. ``kind(*arguments)`` is called once, by whoever
    is first: a list becomes a `ListProxy`, a dict a `DictProxy`, anything else the
    contents of a box (`ValueProxy`, with ``.value`` and ``.incr()``). The kind
    `sharevar.Lock` gives a lock, `sharevar.RLock` a recursive one.
    """
    arena = family.arena()
    if kind in _LOCKS:
        return arena.named(name, Lock)
    if kind in _RECURSIVE_LOCKS:
        return arena.named(name, RLock)
    filled = arena.named(_FILLED, DictProxy)
    entry = filled.get(name)
    if entry is not None and kind in _CLASSES and entry != _CLASSES[kind].__name__:
        raise WrongKind(f"the shared variable {name!r} is a {entry}")
    if entry is not None:
        return arena.named(name, _PROXIES[entry])
    # Who is killed in here leaves no entry, and the next one fills in again.
    # Recursive, as a factory may ask for shared variables itself.
    with arena.named(_FILLING, RLock):
        entry = filled.get(name)
        if entry is not None:
            return arena.named(name, _PROXIES[entry])
        initial = kind(*arguments, **named)
        proxy = arena.named(name, _CLASSES.get(type(initial), ValueProxy))
        # One step each, and none where a Rust program was first.
        if isinstance(proxy, ListProxy):
            if not len(proxy):
                proxy.extend(initial)
        elif isinstance(proxy, DictProxy):
            if not len(proxy):
                proxy.update(initial)
        elif proxy.get() is None:
            proxy.set(initial)
        filled[name] = type(proxy).__name__
    return proxy


_LOCKS: tuple[Any, ...] = (Lock, threading.Lock, multiprocessing.Lock)
_RECURSIVE_LOCKS: tuple[Any, ...] = (RLock, threading.RLock, multiprocessing.RLock)
_CLASSES: dict[Any, type[Any]] = {list: ListProxy, dict: DictProxy}
_PROXIES: dict[str, type[Any]] = {
    cls.__name__: cls for cls in (ListProxy, DictProxy, ValueProxy)
}
