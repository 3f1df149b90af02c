"""The shared set."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, MutableSet
from typing import Any, TypeVar

from .. import _native
from .._family import family
from .._public import public_in
from .key_iteration import iterate_keys
from .proxy import Proxy

_Item = TypeVar("_Item")


@public_in("sharevar")
class SetProxy(Proxy, _native.Set[_Item]):
    """A set in shared memory, with the methods of the `SetProxy` of Python 3.14.

    Elements are in the order in which they were put in; ``pop`` takes the last. Every
    method is one step for others; ``update`` with more than 4096 elements is several,
    unless the set is empty.
    """

    __slots__ = ()

    _typeid_ = "set"
    _exposed_ = (
        "__and__", "__contains__", "__ge__", "__gt__", "__iand__", "__ior__",
        "__isub__", "__iter__", "__ixor__", "__le__", "__len__", "__lt__", "__or__",
        "__rand__", "__ror__", "__rsub__", "__rxor__", "__sub__", "__xor__", "add",
        "clear", "copy", "difference", "difference_update", "discard", "intersection",
        "intersection_update", "isdisjoint", "issubset", "issuperset", "pop", "remove",
        "symmetric_difference", "symmetric_difference_update", "union", "update",
    )  # fmt: skip

    def __new__(
        cls, elements: Iterable[Any] = (), /, *, arena: _native.Store | None = None
    ) -> SetProxy[Any]:
        proxy: Any = super().__new__(cls, family.home(arena))
        proxy.update(elements)
        return proxy  # type: ignore[no-any-return]

    @classmethod
    def create(cls, arena: _native.Store, /, *arguments: Any) -> SetProxy[Any]:
        if len(arguments) > 1:
            count = len(arguments)
            raise TypeError(f"set expected at most 1 argument, got {count}")
        return cls(*arguments, arena=arena)

    def _getvalue(self) -> set[_Item]:
        return self.copy()

    def copy(self) -> set[_Item]:
        """A plain set of the elements."""
        return set(self.elements())

    def __iter__(self) -> Iterator[_Item]:
        """Over the elements of this moment; a change of the length raises, as for a set."""
        return iterate_keys(self, "Set")

    # Operations that give a new set, or a fact

    def union(self, *others: Iterable[Any]) -> set[Any]:
        """The elements of all."""
        return self.copy().union(*map(plain_set, others))

    def intersection(self, *others: Iterable[Any]) -> set[_Item]:
        """The elements that are in all."""
        return self.copy().intersection(*map(plain_set, others))

    def difference(self, *others: Iterable[Any]) -> set[_Item]:
        """The elements that are in none of the others."""
        return self.copy().difference(*map(plain_set, others))

    def symmetric_difference(self, other: Iterable[Any], /) -> set[Any]:
        """The elements that are in one of both."""
        return self.copy().symmetric_difference(plain_set(other))

    def isdisjoint(self, other: Iterable[Any], /) -> bool:
        """Whether no element is in both."""
        return self.copy().isdisjoint(plain_set(other))

    def issubset(self, other: Iterable[Any], /) -> bool:
        """Whether the other has every element."""
        return self.copy().issubset(plain_set(other))

    def issuperset(self, other: Iterable[Any], /) -> bool:
        """Whether this has every element of the other."""
        return self.copy().issuperset(plain_set(other))

    def __or__(self, other: Any) -> Any:
        return self.copy() | plain_set(other)

    def __and__(self, other: Any) -> Any:
        return self.copy() & plain_set(other)

    def __sub__(self, other: Any) -> Any:
        return self.copy() - plain_set(other)

    def __xor__(self, other: Any) -> Any:
        return self.copy() ^ plain_set(other)

    def __ror__(self, other: Any) -> Any:
        return other | self.copy()

    def __rand__(self, other: Any) -> Any:
        return other & self.copy()

    def __rsub__(self, other: Any) -> Any:
        return other - self.copy()

    def __rxor__(self, other: Any) -> Any:
        return other ^ self.copy()

    def __le__(self, other: Any) -> Any:
        return self.copy() <= plain_set(other)

    def __lt__(self, other: Any) -> Any:
        return self.copy() < plain_set(other)

    def __ge__(self, other: Any) -> Any:
        return self.copy() >= plain_set(other)

    def __gt__(self, other: Any) -> Any:
        return self.copy() > plain_set(other)

    # Operations that change the set

    def update(self, *others: Iterable[Any]) -> None:
        """Put in the elements of all the others."""
        # Each once, also of those that only Python can compare.
        elements = dict.fromkeys(
            element for other in others for element in plain_set(other)
        )
        if elements:
            self.add_all(list(elements))

    def intersection_update(self, *others: Iterable[Any]) -> None:
        """Take out the elements that are not in all the others."""
        plain = [set(plain_set(other)) for other in others]
        self._become(lambda old: old.intersection(*plain))

    def difference_update(self, *others: Iterable[Any]) -> None:
        """Take out the elements of all the others."""
        plain = [set(plain_set(other)) for other in others]
        self._become(lambda old: old.difference(*plain))

    def symmetric_difference_update(self, other: Iterable[Any], /) -> None:
        """Remove the elements that are in both, and add those of the other only."""
        plain = set(plain_set(other))
        self._become(lambda old: old ^ plain)

    def _become(self, change: Callable[[set[Any]], set[Any]]) -> None:
        """Replace the set by the result of ``change``, in one step."""

        def plan(elements: list[Any]) -> tuple[list[Any], list[Any], list[Any] | None]:
            old = set(elements)
            new = change(old)
            removed = [element for element in elements if element not in new]
            added = [element for element in new if element not in old]
            if len(removed) + len(added) <= self.MAX_CHANGE:
                return removed, added, None
            return [], [], [*(element for element in elements if element in new), *added]

        self.change_by(plan)

    def __ior__(self, other: Any) -> SetProxy[_Item]:  # type: ignore[misc]
        if not _is_set(other):
            return NotImplemented
        self.update(other)
        return self

    def __iand__(self, other: Any) -> SetProxy[_Item]:
        if not _is_set(other):
            return NotImplemented
        self.intersection_update(other)
        return self

    def __isub__(self, other: Any) -> SetProxy[_Item]:
        if not _is_set(other):
            return NotImplemented
        self.difference_update(other)
        return self

    def __ixor__(self, other: Any) -> SetProxy[_Item]:
        if not _is_set(other):
            return NotImplemented
        self.symmetric_difference_update(other)
        return self


def plain_set(other: Any) -> Any:
    """The operand of an operation: a shared set's copy, anything else as it is."""
    return other.copy() if isinstance(other, SetProxy) else other


def _is_set(other: Any) -> bool:
    return isinstance(other, (set, frozenset, SetProxy))


MutableSet.register(SetProxy)
