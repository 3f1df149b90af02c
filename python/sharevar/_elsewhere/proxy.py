"""The base of all proxies of this edition."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping, Sequence
from multiprocessing import process
from multiprocessing.managers import BaseProxy, RebuildProxy, Token  # type: ignore[attr-defined]
from typing import Any, ClassVar, NoReturn

from .._public import public_in
from . import family, missing
from .contents import KINDS
from .values import sent


class Proxy(BaseProxy):
    """A variable that the family's server keeps; a call of its class makes a new one."""

    _typeid_: ClassVar[str]
    _exposed_: ClassVar[tuple[str, ...]]
    _token: Token

    def __init_subclass__(cls, typeid: str | None = None, **options: Any) -> None:
        super().__init_subclass__(**options)
        public_in("sharevar")(cls)
        if typeid is None:
            return
        cls._typeid_, cls._exposed_ = typeid, KINDS[typeid].exposed
        for name in cls._exposed_:
            if name in _INSIDE:
                continue
            written = getattr(cls, name, None)
            if not str(getattr(written, "__module__", "")).startswith("sharevar."):
                # The standard class's, or none.
                setattr(cls, name, _calling(name))

    def __init__(self, *arguments: Any, **named: Any) -> None:
        given, options = sent(list(arguments)), sent(named)
        ident, _ = family.ask("create", self._typeid_, *given, **options)
        self._lead_to(Token(self._typeid_, family.address(), ident))
        # The reference of `create` itself.
        family.ask("decref", ident)

    @classmethod
    def _of_token(cls, token: Token, serializer: str = "pickle", **options: Any) -> Any:
        """The proxy of a variable that there is."""
        proxy = cls.__new__(cls)
        proxy._lead_to(token, **options)
        return proxy

    def _lead_to(self, token: Token, **options: Any) -> None:
        BaseProxy.__init__(self, token, "pickle", authkey=family.key(), **options)

    def info(self) -> NoReturn:
        """Missing: raises `Unsupported`."""
        missing.refuse("info()")

    def _kept(self) -> Any:
        """In the server: the object itself."""
        server: Any = process.current_process()._manager_server  # type: ignore[attr-defined]
        return server.id_to_local_proxy_obj[self._token.id][0]

    def _callmethod(
        self,
        methodname: str,
        args: Sequence[Any] = (),
        kwds: Mapping[str, Any] = types.MappingProxyType({}),
    ) -> Any:
        family.attend()
        return super()._callmethod(methodname, sent(tuple(args)), sent(dict(kwds)))

    def __reduce__(self) -> Any:
        return RebuildProxy, (type(self)._of_token, self._token, "pickle", {})

    def __str__(self) -> str:
        try:
            return self._shown()
        except Exception:
            return f"{BaseProxy.__repr__(self)[:-1]}; '__str__()' failed>"

    def _shown(self) -> str:
        return repr(self._getvalue())

    __class_getitem__: Any = classmethod(types.GenericAlias)


# Called by the proxies' own methods alone.
_INSIDE = frozenset((
    "attributes", "delete", "elements", "limit", "read", "repeat", "replace", "state", "write",
))  # fmt: skip


def _calling(name: str) -> Callable[..., Any]:
    """A method that is done by the server."""

    def call(self: Proxy, /, *arguments: Any, **named: Any) -> Any:
        return self._callmethod(name, arguments, named)

    call.__name__ = call.__qualname__ = name
    return call
