"""The shared dict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any, ClassVar, TypeVar

from .. import _native
from .._public import public_in
from .key_iteration import iterate_keys
from .proxy import Proxy

_Key = TypeVar("_Key")
_Item = TypeVar("_Item")


@public_in("sharevar")
class DictProxy(Proxy, _native.Dict[_Key, _Item]):
    """A dict in shared memory, with the methods of the standard `DictProxy`.

    ``d.incr(key, by)`` adds to an entry in one step; ``update`` is one step too.
    ``d.get_many(keys)`` is a list of values, which takes one message where a server has them.
    """

    __slots__ = ()

    _typeid_ = "dict"
    _exposed_ = (
        "__contains__", "__delitem__", "__getitem__", "__ior__", "__iter__",
        "__len__", "__or__", "__reversed__", "__ror__", "__setitem__", "clear",
        "copy", "fromkeys", "get", "get_many", "incr", "items", "keys", "pop", "popitem",
        "setdefault", "update", "values",
    )  # fmt: skip

    # Over the wire an iterator stays where the dict is.
    _method_to_typeid_: ClassVar = {"__iter__": "Iterator"}

    @classmethod
    def create(
        cls, arena: _native.Store, /, *arguments: Any, **named: Any
    ) -> DictProxy[Any, Any]:
        """A new dict with the contents that ``dict(*arguments, **named)`` has."""
        initial = plain_dict(*arguments, **named)
        proxy: DictProxy[Any, Any] = cls(arena)
        if initial:
            proxy.update(initial)
        return proxy

    def _getvalue(self) -> dict[_Key, _Item]:
        return self.copy()

    def __iter__(self) -> Iterator[_Key]:
        """Over the keys of this moment; a change of the length raises, as for a dict."""
        return iterate_keys(self, "dictionary")

    def __reversed__(self) -> Iterator[_Key]:
        # In the standard library it has come over a socket, as a list.
        return iter(self.keys()[::-1])

    fromkeys = staticmethod(dict.fromkeys)

    def update(self, other: Any = (), /, **named: Any) -> None:
        """As ``dict.update``, and others see all of it or nothing."""
        self.update_items(plain_dict(other, **named))

    def __or__(self, other: Mapping[Any, Any]) -> Any:
        return self.copy() | plain_mapping(other)

    def __ror__(self, other: Mapping[Any, Any]) -> Any:
        return plain_mapping(other) | self.copy()

    def __ior__(  # type: ignore[misc]
        self, other: Any
    ) -> DictProxy[_Key, _Item]:
        self.update(other)
        return self


def plain_dict(*others: Any, **named: Any) -> dict[Any, Any]:
    """As ``dict(*others, **named)``; another shared dict is read in one step."""
    return dict(*map(plain_mapping, others), **named)


def plain_mapping(other: Any) -> Any:
    """The operand of ``|``: a shared dict's copy, anything else as it is."""
    return other.copy() if isinstance(other, DictProxy) else other


MutableMapping.register(DictProxy)
