"""Module-level variables that are one for the whole process family."""

from __future__ import annotations

import os
import queue
import threading
import types
from multiprocessing import managers
from multiprocessing.context import BaseContext
from multiprocessing.managers import Token
from typing import Any

from .._public import public_in
from .._variables.refusal import require_arguments, require_value
from ..errors import WrongKind
from . import containers, family, locks, missing, queues
from .proxy import Proxy


@public_in("sharevar")
def shared(
    name: str, kind: Any, /, *arguments: Any, app: str | None = None, **named: Any
) -> Any:
    """The variable of that name in this process family, made by ``kind(*arguments)`` at first
    use; see the documentation of sharevar on Linux, where ``app`` works too."""
    require_arguments(name, kind)
    if app is not None or os.environ.get("SHAREVAR_APP"):
        missing.refuse("a variable of an application (app=, SHAREVAR_APP)")
    kind = _ours(kind)
    known = family.ask("find", name)
    if known is None:
        filling = _open(*_entered(_FILLING, locks.RLock()))
        # A factory may ask for shared variables itself.
        with filling:
            known = family.ask("find", name)
            if known is None:
                known = _entered(name, _make(name, kind, arguments, named))
    typeid, ident, cls = known
    is_ours = isinstance(kind, type) and issubclass(kind, Proxy)
    expected = kind if is_ours else _CONTAINERS.get(kind)
    if expected is not None and expected.__name__ != cls:
        raise WrongKind(
            f"the kind of the shared variable {name!r} is {typeid}, not {expected._typeid_}"
        )
    return _open(typeid, ident, cls)


def _entered(name: str, proxy: Proxy) -> tuple[str, str, str]:
    """What is found by a name, under which this variable is entered if it is the first."""
    token = proxy._token
    family.ask("enter", name, token.typeid, token.id, type(proxy).__name__)
    found: tuple[str, str, str] = family.ask("find", name)
    return found


def _open(typeid: str, ident: str, cls: str) -> Any:
    return _CLASSES[cls]._of_token(Token(typeid, family.address(), ident))


def _make(name: str, kind: Any, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
    if kind is containers.ValueProxy:
        return containers.ValueProxy(None, *arguments, **named)
    initial = kind(*arguments, **named)
    if isinstance(initial, Proxy):
        return initial
    cls = _CONTAINERS.get(type(initial))
    if cls is containers.NamespaceProxy:
        return containers.NamespaceProxy(**vars(initial))
    if cls is not None:
        return cls(initial)
    if type(initial).__module__.startswith("multiprocessing.sharedctypes"):
        missing.refuse("a variable of ctypes with a name")
    require_value(name, initial)
    return containers.ValueProxy(None, initial)


def _ours(kind: Any) -> Any:
    """The class of ours for a class or function of the standard library."""
    if isinstance(getattr(kind, "__self__", None), BaseContext):
        return _CLASSES.get(kind.__name__, kind)
    try:
        return _OF_STANDARD.get(kind, kind)
    except TypeError:
        # Unhashable.
        return kind


_FILLING = "sharevar:filling"
_CONTAINERS: dict[Any, Any] = {
    list: containers.ListProxy,
    dict: containers.DictProxy,
    set: containers.SetProxy,
    managers.Namespace: containers.NamespaceProxy,  # type: ignore[attr-defined]
    types.SimpleNamespace: containers.NamespaceProxy,
}
_CLASSES: dict[str, Any] = {
    cls.__name__: cls
    for module in (containers, locks, queues)
    for cls in vars(module).values()
    if isinstance(cls, type) and issubclass(cls, Proxy) and hasattr(cls, "_typeid_")
}
_OF_STANDARD: dict[Any, Any] = {
    **{
        getattr(threading, name): _CLASSES[name]
        for name in (
            "Barrier", "BoundedSemaphore", "Condition", "Event", "Lock", "RLock", "Semaphore",
        )
    },
    queue.PriorityQueue: queues.PriorityQueue,
    queue.Queue: queues.JoinableQueue,
    queue.SimpleQueue: queues.SimpleQueue,
}  # fmt: skip
