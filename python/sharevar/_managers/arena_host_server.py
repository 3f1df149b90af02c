"""A host that serves an arena's variables as well as hosted objects.

A process with sharevar uses the variables directly. Plain Python reaches them here, on
the standard library's wire protocol, and gets standard proxies.
"""

from __future__ import annotations

import io
import threading
from collections import Counter
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.reduction import ForkingPickler
from typing import Any, ClassVar

from .._family.arenas import ArenaReference, attach, refer_to_arena
from .._hosting.security import Security
from .._hosting.server import Server
from .._native import Store
from .._variables import standard
from .._variables.kinds import BY_TYPEID
from .._variables.proxy import Proxy
from .._variables.standard import Token
from ..errors import SharevarError
from . import rebuilding, variable_ids


class Maker:
    """Makes a variable in the arena, for its type in a host's registry."""

    def __init__(self, cls: type[Proxy], arena: Store) -> None:
        self._cls = cls
        self._arena = arena

    def __call__(self, /, *arguments: Any, **named: Any) -> Proxy:
        proxy: Proxy = self._cls.create(self._arena, *arguments, **named)
        return proxy

    def __reduce__(self) -> tuple[Any, ...]:
        return _attached_maker, (self._cls, refer_to_arena(self._arena))


def _attached_maker(cls: type[Proxy], reference: ArenaReference) -> Maker:
    return Maker(cls, attach(reference))


def served_registry(registry: dict[str, Any], arena: Store) -> dict[str, Any]:
    """A manager's registry, with our types made in the arena unless users replaced them."""
    served = dict(registry)
    for typeid, cls in BY_TYPEID.items():
        if registry.get(typeid) is standard.REGISTRY.get(typeid):
            served[typeid] = (
                Maker(cls, arena),
                cls._exposed_,
                dict(cls._method_to_typeid_),
                standard.proxy_type(typeid),
            )
    return served


def _unexposed(name: str, fallback: Callable[..., Any]) -> Callable[..., Any]:
    def call(self: Any, conn: Any, ident: str, obj: Any) -> Any:
        if type(obj) is _Served:
            return getattr(obj, name)()
        return fallback(self, conn, ident, obj)

    return call


class ArenaHostServer(Server):
    """Hosts objects, and serves variables by ids that it never needs to remember."""

    def __init__(
        self,
        registry: Any,
        address: Any,
        authkey: bytes,
        serializer: str,
        security: Security | None = None,
    ) -> None:
        super().__init__(registry, address, authkey, serializer, security)
        self.id_to_obj = _ServedObjects(self.id_to_obj)
        # Variables that clients hold. They would be freed when all processes drop them.
        self._held: dict[str, Proxy] = {}
        self._references: Counter[str] = Counter()
        self._holding = threading.Lock()

    def create(self, c: Any, typeid: str, /, *args: Any, **kwds: Any) -> Any:
        if not isinstance(self.registry[typeid][0], Maker):
            return super().create(c, typeid, *args, **kwds)
        variable = self.registry[typeid][0](*args, **kwds)
        ident = variable_ids.identify(variable)
        self.incref(c, ident)
        return ident, tuple(variable._exposed_)

    def _as_served(self, registration: tuple[Any, ...], made: Any) -> Any:
        return _Served(made) if isinstance(registration[0], Maker) else made

    def incref(self, c: Any, ident: str) -> None:
        if not variable_ids.is_ours(ident):
            super().incref(c, ident)
            return
        variable = variable_ids.open_variable(ident)
        with self._holding:
            self._held.setdefault(ident, variable)
            self._references[ident] += 1

    def decref(self, c: Any, ident: str) -> None:
        if not variable_ids.is_ours(ident):
            super().decref(c, ident)
            return
        with self._holding:
            self._references[ident] -= 1
            if not self._references[ident]:
                del self._references[ident]
                del self._held[ident]

    def number_of_objects(self, c: Any) -> int:
        return super().number_of_objects(c) + len(self._references)

    def handle_request(self, conn: Any) -> None:
        if isinstance(conn, Connection):
            conn = _Wire(conn, self.address)
        super().handle_request(conn)

    # The methods that standard proxies use without exposing them.
    fallback_mapping: ClassVar = {
        name: _unexposed(name, fallback)
        for name, fallback in standard.Server.fallback_mapping.items()
    }


class _ServedObjects:
    """Object, exposed methods and types of results by id, of hosted objects and variables."""

    def __init__(self, hosted: Any) -> None:
        self._hosted = hosted

    def __getitem__(self, ident: str) -> tuple[Any, ...]:
        if not variable_ids.is_ours(ident):
            return self._hosted[ident]  # type: ignore[no-any-return]
        variable = variable_ids.open_variable(ident)
        return _Served(variable), variable._exposed_, variable._method_to_typeid_


class _Served:
    """A variable whose methods, any of them, are called as a proxy's `_callmethod` does."""

    __slots__ = ("_variable",)

    def __init__(self, variable: Proxy) -> None:
        self._variable = variable

    def __getattribute__(self, name: str) -> Any:
        variable: Proxy = object.__getattribute__(self, "_variable")

        def call(*arguments: Any, **named: Any) -> Any:
            try:
                return variable._callmethod(name, arguments, named)
            except SharevarError as error:
                raise _plain_error(error) from error

        return call

    def __str__(self) -> str:
        return str(object.__getattribute__(self, "_variable"))


class _Wire:
    """A connection on which our proxies travel as what plain Python can open."""

    def __init__(self, connection: Connection, address: Any) -> None:
        self._connection = connection
        self._address = address

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def send(self, message: Any) -> None:
        stream = io.BytesIO()
        _PlainPickler(stream, self._address).dump(message)
        self._connection.send_bytes(stream.getvalue())


def _plain_error(error: SharevarError) -> Exception:
    """The standard error that an error of ours is derived from: `RuntimeError` of `NotHeld`."""
    for base in reversed(type(error).__bases__):
        if issubclass(base, Exception) and not issubclass(base, SharevarError):
            return base(*error.args)
    remote: Exception = standard.RemoteError(f"{type(error).__name__}: {error}\n")
    return remote


class _PlainPickler(ForkingPickler):
    def __init__(self, stream: io.BytesIO, address: Any) -> None:
        super().__init__(stream)
        self._address = address

    def reducer_override(self, value: Any) -> Any:
        if not issubclass(type(value), Proxy):
            return NotImplemented
        token = Token(value._typeid_, self._address, variable_ids.identify(value))
        proxy_type = standard.proxy_type(value._typeid_)
        named: dict[str, Any] = {}
        if not isinstance(proxy_type, type):
            named["exposed"] = value._exposed_
        return rebuilding.RebuildProxy, (proxy_type, token, "pickle", named)
