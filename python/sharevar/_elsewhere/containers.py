"""The proxies of containers."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, MutableMapping, MutableSequence, MutableSet
from multiprocessing import managers as standard
from typing import Any

from .missing import refuse
from .proxy import Proxy

_standard: Any = standard
# As often as others may change a list while it is sorted by a function of this process's.
_TRIES = 100
_NONE: dict[str, Any] = {}


class DictProxy(Proxy, _standard.DictProxy, typeid="dict"):
    """A dict that processes share, with ``incr(key, by)``, which adds in one step."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        initial = dict(*map(plain, arguments), **named)
        super().__init__(initial)

    def _getvalue(self) -> Any:
        return self.copy()

    def __iter__(self) -> Iterator[Any]:
        return self._iterate(self.keys())

    def _iterate(self, keys: list[Any]) -> Iterator[Any]:
        for key in keys:
            if len(self) != len(keys):
                raise RuntimeError("dictionary changed size during iteration")
            yield key

    def __reversed__(self) -> Iterator[Any]:
        return iter(self.keys()[::-1])

    fromkeys = staticmethod(dict.fromkeys)

    def view(self, key: Any, /, *, writable: bool = False) -> Any:
        """Missing here: a view of a value needs shared memory."""
        refuse("a view of a value")

    def get_many(self, keys: Iterable[Any], default: Any = None, /) -> list[Any]:
        """A list of the values of keys, the default where one is not there."""
        return list(self._callmethod("get_many", (list(keys), default)))

    def update(self, other: Any = (), /, **named: Any) -> None:
        """As ``dict.update``, and others see all of it or nothing."""
        self._callmethod("update", (dict(plain(other), **named),))

    def __or__(self, other: Any) -> Any:
        return self.copy() | plain(other)

    def __ror__(self, other: Any) -> Any:
        return plain(other) | self.copy()

    def __ior__(self, other: Any) -> Any:
        self.update(other)
        return self


class ListProxy(Proxy, _standard.ListProxy, typeid="list"):
    """A list that processes share."""

    def __init__(self, items: Iterable[Any] = (), /) -> None:
        super().__init__(list(plain(items)))

    def _getvalue(self) -> Any:
        return self.copy()

    def copy(self) -> list[Any]:
        """A plain list of the items."""
        return list(self._callmethod("copy"))

    def view(self, index: Any, /, *, writable: bool = False) -> Any:
        """Missing here: a view of an item needs shared memory."""
        refuse("a view of an item")

    def views(self, *, writable: bool = False) -> Any:
        """Missing here, as `view`."""
        refuse("a view of an item")

    def extend(self, items: Iterable[Any], /) -> None:
        """Append all the items in one step."""
        self._callmethod("extend", (list(plain(items)),))

    def sort(self, *, key: Any = None, reverse: Any = False) -> None:
        """Sort in place."""
        if key is None:
            self._callmethod("sort", (), {"reverse": bool(reverse)})
            return
        for _ in range(_TRIES):
            items = self.copy()
            if self._callmethod("replace", (items, sorted(items, key=key, reverse=reverse))):
                return
        raise ValueError("list modified during sort")

    def __setitem__(self, place: Any, value: Any) -> None:
        if isinstance(place, slice):
            value = list(plain(value))
        self._callmethod("__setitem__", (place, value))

    def __iter__(self) -> Iterator[Any]:
        index = 0
        while True:
            try:
                item = self[index]
            except IndexError:
                return
            yield item
            index += 1

    def __reversed__(self) -> Iterator[Any]:
        return reversed(self.copy())

    def __add__(self, other: Any) -> Any:
        return self.copy() + other

    def __mul__(self, times: Any) -> Any:
        return self.copy() * times

    __rmul__ = __mul__

    def __iadd__(self, items: Any) -> Any:
        self.extend(items)
        return self

    def __imul__(self, times: Any) -> Any:
        self._callmethod("repeat", (times,))
        return self


class SetProxy(Proxy, typeid="set"):
    """A set that processes share; ``pop`` takes the element that came last."""

    def __init__(self, *arguments: Iterable[Any]) -> None:
        if len(arguments) > 1:
            raise TypeError(f"set expected at most 1 argument, got {len(arguments)}")
        super().__init__(*map(list, map(plain, arguments)))

    def _getvalue(self) -> Any:
        return self.copy()

    def copy(self) -> set[Any]:
        """A plain set of the elements."""
        return set(self._callmethod("elements"))

    def __contains__(self, element: object) -> bool:
        # A set is looked for as the frozen one that is equal to it.
        return bool(self._callmethod("__contains__", (_frozen(element),)))

    def discard(self, element: Any, /) -> None:
        """Take an element out, if it is in."""
        self._callmethod("discard", (_frozen(element),))

    def remove(self, element: Any, /) -> None:
        """Take an element out; `KeyError` if it is not in."""
        self._callmethod("remove", (_frozen(element),))

    def __iter__(self) -> Iterator[Any]:
        return self._iterate(list(self._callmethod("elements")))

    def _iterate(self, elements: list[Any]) -> Iterator[Any]:
        for element in elements:
            if self._callmethod("__len__") != len(elements):
                raise RuntimeError("Set changed size during iteration")
            yield element


def _frozen(element: Any) -> Any:
    return frozenset(element) if type(element) is set else element


def _of_copy(name: str) -> Any:
    """A method of sets that changes nothing, of this process's copy."""

    def call(self: SetProxy, /, *others: Any) -> Any:
        return getattr(self.copy(), name)(*map(plain, others))

    call.__name__ = call.__qualname__ = name
    return call


def _changing(name: str) -> Any:
    """A method of sets that takes in other sets or iterables."""

    def call(self: SetProxy, /, *others: Iterable[Any]) -> Any:
        self._callmethod(name, tuple(list(plain(other)) for other in others))

    call.__name__ = call.__qualname__ = name
    return call


def _operator(name: str) -> Any:
    """The same, by an operator, which takes sets alone."""

    def call(self: SetProxy, other: Any, /) -> Any:
        if not isinstance(other, (set, frozenset, SetProxy)):
            return NotImplemented
        getattr(self, name)(other)
        return self

    return call


for _name in (
    "__and__", "__ge__", "__gt__", "__le__", "__lt__", "__or__", "__rand__", "__ror__",
    "__rsub__", "__rxor__", "__sub__", "__xor__", "difference", "intersection", "isdisjoint",
    "issubset", "issuperset", "symmetric_difference", "union",
):  # fmt: skip
    setattr(SetProxy, _name, _of_copy(_name))
for _name, _sign in {
    "update": "or",
    "difference_update": "sub",
    "intersection_update": "and",
    "symmetric_difference_update": "xor",
}.items():
    setattr(SetProxy, _name, _changing(_name))
    setattr(SetProxy, f"__i{_sign}__", _operator(_name))


class ValueProxy(Proxy, _standard.ValueProxy, typeid="Value"):
    """A box for one value: ``.value``, ``get()``, ``set()``, ``incr()``."""

    def __init__(self, typecode: Any, value: Any = None, lock: Any = True) -> None:
        super().__init__(value)
        self._typecode = typecode

    def _getvalue(self) -> Any:
        return _standard.Value(getattr(self, "_typecode", None), self.get())

    value = property(lambda self: self.get(), lambda self, value: self.set(value))


class ArrayProxy(Proxy, _standard.ArrayProxy, typeid="Array"):
    """An ``array.array`` of fixed length that processes share."""

    def __init__(self, typecode: str, sequence: Any, lock: Any = True) -> None:
        items = sequence if isinstance(sequence, int) else list(plain(sequence))
        super().__init__(typecode, items)

    def _getvalue(self) -> array[Any]:
        items: array[Any] = self[:]
        return items

    def __setitem__(self, place: Any, value: Any) -> None:
        value = list(value) if isinstance(place, slice) else value
        self._callmethod("__setitem__", (place, value))

    def __iter__(self) -> Iterator[Any]:
        return (self[index] for index in range(len(self)))


class NamespaceProxy(Proxy, _standard.NamespaceProxy, typeid="Namespace"):
    """Attributes that processes share; those that begin with an underscore stay here."""

    def _getvalue(self) -> Any:
        return _standard.Namespace(**self._callmethod("attributes"))

    def _callmethod(self, methodname: str, args: Any = (), kwds: Any = _NONE) -> Any:
        # By their names in the standard library.
        if methodname == "__getattribute__":
            return self.__getattribute__(*args)
        if methodname in ("__setattr__", "__delattr__"):
            return getattr(self, methodname)(*args)
        return super()._callmethod(methodname, args, kwds)

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("_"):
            return object.__getattribute__(self, name)
        found = self._callmethod("read", (name,))
        if found:
            return found[0]
        raise AttributeError(f"'Namespace' object has no attribute {name!r}")

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith("_"):
            object.__setattr__(self, name, value)
        else:
            self._callmethod("write", (name, value))

    def __delattr__(self, name: str) -> None:
        if name.startswith("_"):
            object.__delattr__(self, name)
        elif not self._callmethod("delete", (name,)):
            raise AttributeError(f"'Namespace' object has no attribute {name!r}")

    def __dir__(self) -> Iterable[str]:
        own = (name for name in dir(type(self)) if name.startswith("_"))
        return sorted({*own, *self._callmethod("attributes")})


def plain(other: Any) -> Any:
    """The copy of a shared container; anything else as it is."""
    return other._getvalue() if isinstance(other, Proxy) else other


MutableMapping.register(DictProxy)
MutableSequence.register(ListProxy)
MutableSet.register(SetProxy)
