"""The shared array of machine numbers, as ``Manager().Array`` gives it."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import Any

from .. import _native
from .._public import public_in
from .proxy import Proxy


@public_in("sharevar")
class ArrayProxy(Proxy, _native.Array):
    """An ``array.array`` of fixed length in shared memory.

    An operation on an element or a slice is done at one moment, as a whole or not at all.

    It also is a writable buffer: ``numpy.frombuffer(proxy, ...)`` copies nothing.
    Changes through such a view are made element by element, outside of all operations.
    """

    __slots__ = ()

    _typeid_ = "Array"
    _exposed_ = ("__len__", "__getitem__", "__setitem__", "__iter__")

    @classmethod
    def create(
        cls, arena: _native.Store, typecode: str, sequence: Any, lock: Any = True
    ) -> ArrayProxy:
        """A new array with the items of a sequence, checked as ``array.array`` does, or with
        so many zeros."""
        if isinstance(sequence, int):
            return cls(arena, typecode, sequence)
        if isinstance(sequence, ArrayProxy):
            sequence = sequence._getvalue()
        items: array[Any] = array(typecode, sequence)
        proxy = cls(arena, typecode, len(items))
        if typecode == "u" or not isinstance(arena, _native.Arena):
            # memoryview does not know this format well enough to cast it; other engines have no
            # views.
            _native.Array.__setitem__(proxy, slice(None), items)
        else:
            with memoryview(proxy) as shared, shared.cast("B") as octets:
                octets[:] = items.tobytes()
        return proxy

    def _getvalue(self) -> array[Any]:
        items: array[Any] = self[:]
        return items

    def _items(self, place: slice, /) -> array[Any]:
        items: array[Any] = array(self._typecode)
        items.frombytes(self._octets(place))
        return items

    def __iter__(self) -> Iterator[Any]:
        for index in range(len(self)):
            yield self[index]
