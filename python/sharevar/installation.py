"""Putting sharevar in multiprocessing's place, for programs that do not know of it."""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Callable
from multiprocessing import context
from multiprocessing import sharedctypes as standard_sharedctypes
from typing import Any

from . import sharedctypes
from .array_proxy import ArrayProxy
from .dict_proxy import DictProxy
from .list_proxy import ListProxy
from .lock import Lock
from .managers import Manager, SyncManager
from .proxy import Proxy, pose_as
from .value_proxy import ValueProxy

_installed = False


def installed() -> bool:
    """Whether `install` was called, here or in the process that started this one."""
    return _installed


def install() -> None:
    """Have ``Manager``, ``Value``, ``Array``, ``Lock`` of multiprocessing be ours.

    Children are installed as well. Call it before ``from multiprocessing import ...``.
    """
    global _installed
    if _installed:
        return
    _installed = True
    from . import standard

    standard.rename_manager()
    standard.managers.SyncManager = SyncManager  # type: ignore[misc, assignment]
    _poses: dict[type[Proxy], type] = {
        ArrayProxy: standard.ArrayProxy,
        DictProxy: standard.DictProxy,
        ListProxy: standard.ListProxy,
        Lock: standard.AcquirerProxy,
        ValueProxy: standard.ValueProxy,
    }
    for proxy, posed_as in _poses.items():
        pose_as(proxy, posed_as)
    for name, method in _CONTEXT_METHODS.items():
        setattr(context.BaseContext, name, method(getattr(context.BaseContext, name)))
        # The top-level names are methods of the default context, bound long ago.
        bound = getattr(context._default_context, name)
        setattr(multiprocessing, name, bound)
    for name in sharedctypes.__all__:
        setattr(standard_sharedctypes, name, getattr(sharedctypes, name))


def _called_by_multiprocessing() -> bool:
    # Its own queues and pools keep the locks that they were written for: with one
    # that is freed when its holder dies, the next writer would continue a pipe in
    # the middle of a message.
    caller = sys._getframe(2).f_globals.get("__name__", "")
    return str(caller).partition(".")[0] == "multiprocessing"


def _manager(standard: Callable[..., Any]) -> Callable[..., Any]:
    def Manager_(self: Any) -> Any:
        return Manager(ctx=self.get_context())

    return _named(Manager_, standard)


def _lock(standard: Callable[..., Any]) -> Callable[..., Any]:
    def Lock_(self: Any) -> Any:
        return standard(self) if _called_by_multiprocessing() else Lock()

    return _named(Lock_, standard)


def _raw_value(standard: Callable[..., Any]) -> Callable[..., Any]:
    def RawValue_(self: Any, typecode_or_type: Any, *arguments: Any) -> Any:
        return sharedctypes.RawValue(typecode_or_type, *arguments)

    return _named(RawValue_, standard)


def _raw_array(standard: Callable[..., Any]) -> Callable[..., Any]:
    def RawArray_(self: Any, typecode_or_type: Any, size_or_initializer: Any) -> Any:
        return sharedctypes.RawArray(typecode_or_type, size_or_initializer)

    return _named(RawArray_, standard)


def _value(standard: Callable[..., Any]) -> Callable[..., Any]:
    def Value_(self: Any, typecode_or_type: Any, *arguments: Any, lock: Any = True) -> Any:
        return sharedctypes.Value(typecode_or_type, *arguments, lock=lock)

    return _named(Value_, standard)


def _array(standard: Callable[..., Any]) -> Callable[..., Any]:
    def Array_(
        self: Any, typecode_or_type: Any, size_or_initializer: Any, *, lock: Any = True
    ) -> Any:
        return sharedctypes.Array(typecode_or_type, size_or_initializer, lock=lock)

    return _named(Array_, standard)


def _named(method: Callable[..., Any], standard: Callable[..., Any]) -> Callable[..., Any]:
    method.__name__ = standard.__name__
    method.__qualname__ = standard.__qualname__
    method.__doc__ = standard.__doc__
    return method


_CONTEXT_METHODS: dict[str, Callable[[Callable[..., Any]], Callable[..., Any]]] = {
    "Array": _array,
    "Lock": _lock,
    "Manager": _manager,
    "RawArray": _raw_array,
    "RawValue": _raw_value,
    "Value": _value,
}
