"""The shared namespace."""

from __future__ import annotations

import types
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .. import _native
from .._family import family
from .._public import public_in
from . import standard
from .proxy import Proxy


@public_in("sharevar")
class NamespaceProxy(Proxy, _native.Namespace):
    """Attributes in shared memory.

    As with the standard library's proxy, a name that begins with an underscore is the
    proxy's own and stays in this process. Every other name is a shared attribute,
    whatever it is.
    """

    __slots__ = ()

    _typeid_ = "Namespace"
    _exposed_ = ("__getattribute__", "__setattr__", "__delattr__")

    def __new__(
        cls, arena: _native.Store | None = None, /, **attributes: Any
    ) -> NamespaceProxy:
        namespace: Any = super().__new__(cls, family.home(arena))
        for name, value in attributes.items():
            namespace._set(name, value)
        return namespace  # type: ignore[no-any-return]

    @classmethod
    def create(cls, arena: _native.Store, /, **attributes: Any) -> NamespaceProxy:
        return cls(arena, **attributes)

    def __dir__(self) -> Iterable[str]:
        """The proxy's own names, and those of the shared attributes."""
        own = (name for name in super().__dir__() if name.startswith("_"))
        return sorted({*own, *self._attributes()})

    def _getvalue(self) -> Any:
        return standard.managers.Namespace(**self._attributes())

    def _callmethod(
        self,
        methodname: str,
        args: Sequence[Any] = (),
        kwds: Mapping[str, Any] = types.MappingProxyType({}),
    ) -> Any:
        # The proxy's own methods of these names are for the names that it has shared;
        # called by name they are the referent's, and reach all of its attributes.
        if methodname == "__getattribute__":
            return self._shared_attribute(*args, **kwds)
        if methodname == "__setattr__":
            return self._set(*args, **kwds)
        if methodname == "__delattr__":
            return self._delete(*args, **kwds)
        return super()._callmethod(methodname, args, kwds)

    def _shared_attribute(self, name: str) -> Any:
        try:
            return self._get(name)
        except AttributeError:
            # The attributes of every object, and the standard library's message.
            return getattr(self._getvalue(), name)
