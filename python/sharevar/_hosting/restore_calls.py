"""Calls between objects that come back, made before their host serves."""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from .._native import CallOptions
from ..errors import CallRefused, NotExposed
from . import wire
from .attributes import ATTRIBUTE

# Methods of iterators and coroutines.
_OF_ITERATORS = ("__next__", "__anext__", "cr_await")


class RestoreCalls:
    """Stands in for the client of a proxy in the host."""

    def __init__(self, server: Any) -> None:
        self._server = server

    def call(
        self,
        number: int,
        method: str,
        arguments: Sequence[Any],
        named: Mapping[str, Any] | None,
        options: CallOptions | None,
    ) -> Any:
        """Call a method, with copies as if it came from elsewhere; its result."""
        try:
            hosted = self._server._native.get(number)
        except KeyError:
            # Two objects refer to each other, and the first one has not come back yet.
            _refuse(method, "is of an object that has not come back")
        if hosted.types is not None and method in hosted.types:
            _refuse(method, "makes an object")
        arguments, named = _copy((arguments, named or {}))
        try:
            result = self._answer(hosted.object, hosted.exposed, method, arguments, named)
        finally:
            if hosted.record is not None:
                hosted.record.save()
        kind = type(result)
        if result is hosted.object or any(hasattr(kind, name) for name in _OF_ITERATORS):
            _refuse(method, f"gives {kind.__name__!r}, which stays where it is")
        return _copy(result)

    def _answer(
        self, made: Any, names: Sequence[str], method: str, arguments: Any, named: Any
    ) -> Any:
        if method not in names:
            if method in self._server.fallback_mapping:
                return self._server.fall_back(method, made)
            raise NotExposed(f"{method!r} is none of the exposed names {names!r}")
        if not method.startswith(ATTRIBUTE):
            return getattr(made, method)(*arguments, **named)
        attribute = method.removeprefix(ATTRIBUTE)
        if not arguments:
            return getattr(made, attribute)
        return setattr(made, attribute, *arguments)

    def __getattr__(self, name: str) -> Any:
        _refuse(name, "takes a host that serves")


def _copy(value: Any) -> Any:
    return pickle.loads(wire.dumps(value)[0])


def _refuse(name: str, why: str) -> NoReturn:
    raise CallRefused(
        f"{name!r} {why}; while a host comes back its objects can make plain calls of each "
        f"other only. Make this one when the object is first called"
    )
