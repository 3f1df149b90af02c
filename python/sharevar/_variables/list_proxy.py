"""The shared list."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, MutableSequence
from typing import Any, SupportsIndex, TypeVar

from .. import _native
from .._public import public_in
from .proxy import Proxy

_Item = TypeVar("_Item")


@public_in("sharevar")
class ListProxy(Proxy, _native.List[_Item]):
    """A list in shared memory, with the methods of the standard `ListProxy`."""

    __slots__ = ()

    _typeid_ = "list"
    _exposed_ = (
        "__add__", "__contains__", "__delitem__", "__getitem__", "__iadd__",
        "__imul__", "__iter__", "__len__", "__mul__", "__reversed__", "__rmul__",
        "__setitem__", "append", "clear", "copy", "count", "extend", "index",
        "insert", "pop", "remove", "reverse", "sort",
    )  # fmt: skip

    @classmethod
    def create(cls, arena: _native.Store, /, *arguments: Any) -> ListProxy[Any]:
        """A new list with the contents that ``list(*arguments)`` has."""
        initial = plain_list(*arguments) if len(arguments) < 2 else list(*arguments)
        proxy: ListProxy[Any] = cls(arena)
        if initial:
            proxy.extend(initial)
        return proxy

    def _getvalue(self) -> list[_Item]:
        return self.copy()

    def __iter__(self) -> Iterator[_Item]:
        """One item at a time, so that items which are appended meanwhile are seen.

        In another engine than shared memory a thousand are read at a time.
        """
        return self._iterate() if isinstance(self.store, _native.Arena) else self._by_slices()

    def views(self, *, writable: bool = False) -> Iterator[Any]:
        """A view of each item, one at a time. All items are bytes or arrays."""
        index = 0
        while True:
            try:
                view = self.view(index, writable=writable)
            except IndexError:
                return
            yield view
            index += 1

    def _by_slices(self) -> Iterator[_Item]:
        index = 0
        while items := self[index : index + 1000]:
            yield from items
            index += len(items)

    def __reversed__(self) -> Iterator[_Item]:
        return reversed(self.copy())

    def extend(self, items: Iterable[_Item], /) -> None:
        """Append all the items in one step."""
        _native.List.extend(self, plain_list(items))

    def __add__(self, other: list[Any]) -> list[Any]:
        return self.copy() + other

    def __mul__(self, times: SupportsIndex) -> list[_Item]:
        return self.copy() * times

    __rmul__ = __mul__

    def __iadd__(  # type: ignore[misc]
        self, items: Iterable[_Item]
    ) -> ListProxy[_Item]:
        self.extend(items)
        return self

    def __imul__(self, times: SupportsIndex) -> ListProxy[_Item]:
        self.repeat(operator.index(times))
        return self


def plain_list(items: Iterable[Any] = ()) -> list[Any]:
    """A list of the items; another shared list is read in one step."""
    if type(items) is list:
        return items
    return items.copy() if isinstance(items, ListProxy) else list(items)


MutableSequence.register(ListProxy)
