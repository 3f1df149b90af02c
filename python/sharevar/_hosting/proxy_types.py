"""The classes of proxies that are made of a list of exposed names."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

from .._variables import standard
from . import wire
from .attributes import ATTRIBUTE

_made: dict[tuple[str, tuple[str, ...], type], Any] = {}


def make(name: str, exposed: Iterable[str], base: type) -> Any:
    """`multiprocessing.managers.MakeProxyType`, for attributes, too."""
    exposed = tuple(exposed)
    key = name, exposed, base
    if key not in _made:
        # As those that the standard library makes are named.
        members: dict[str, Any] = {
            "_exposed_": exposed,
            "__module__": standard.managers.__name__,
        }
        for member in exposed:
            if member.startswith(ATTRIBUTE):
                members[member.removeprefix(ATTRIBUTE)] = _attribute(member)
            else:
                members[member] = _SPECIAL.get(member, _method)(member)
        _made[key] = type(name, (base,), members)
    return _made[key]


def add_async(cls: type, exposed: Iterable[str]) -> None:
    """For each name that can be called, one that is awaited, unless it is taken."""
    for member in exposed:
        name = f"{member.removeprefix(ATTRIBUTE)}_async"
        if not name.startswith("_") and not hasattr(cls, name):
            setattr(cls, name, _async_method(member))


def _method(name: str) -> Callable[..., Any]:
    def method(self: Any, /, *args: Any, **kwds: Any) -> Any:
        return self._callmethod(name, args, kwds)

    return _named(method, name)


def _async_method(name: str) -> Callable[..., Awaitable[Any]]:
    def method(self: Any, /, *args: Any, **kwds: Any) -> Awaitable[Any]:
        awaited: Awaitable[Any] = self._callmethod_async(name, args, kwds)
        return awaited

    return _named(method, f"{name.removeprefix(ATTRIBUTE)}_async")


def _attribute(name: str) -> property:
    def read(self: Any) -> Any:
        return self._callmethod(name)

    def write(self: Any, value: Any) -> None:
        self._callmethod(name, (value,))

    return property(read, write)


def _exit(name: str) -> Callable[..., Any]:
    def leave(self: Any, kind: Any, error: Any, trace: Any) -> Any:
        return self._callmethod(name, _sendable(kind, error))

    return _named(leave, name)


def _awaited(name: str) -> Callable[..., Any]:
    async def method(self: Any) -> Any:
        return await self._callmethod_async(name)

    return _named(method, name)


def _awaited_exit(name: str) -> Callable[..., Any]:
    async def leave(self: Any, kind: Any, error: Any, trace: Any) -> Any:
        return await self._callmethod_async(name, _sendable(kind, error))

    return _named(leave, name)


_SPECIAL = {
    "__exit__": _exit,
    "__aenter__": _awaited,
    "__anext__": _awaited,
    "__aexit__": _awaited_exit,
}


def _sendable(kind: Any, error: BaseException | None) -> tuple[Any, Any, None]:
    """How the block of a ``with`` has ended, for the object. Tracebacks do not travel."""
    if error is None:
        return None, None, None
    try:
        wire.dumps((kind, error))
    except Exception:
        return RuntimeError, RuntimeError(f"{kind.__qualname__}: {error}"), None
    return kind, error, None


_Function = TypeVar("_Function", bound=Callable[..., Any])


def _named(function: _Function, name: str) -> _Function:
    function.__name__ = function.__qualname__ = name
    return function
