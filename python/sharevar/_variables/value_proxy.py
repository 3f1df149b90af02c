"""The shared box: one value of any type, as ``Manager().Value`` gives it."""

from __future__ import annotations

from typing import Any, TypeVar

from .. import _native
from .._family.arenas import ArenaReference
from .._family.reduction import (
    arena_of,
    handle_of,
    open_variable,
    reduce_variable,
)
from .._public import public_in
from .proxy import Proxy

_Item = TypeVar("_Item")


@public_in("sharevar")
class ValueProxy(Proxy, _native.Value[_Item]):
    """A box in shared memory: ``.value``, ``get()``, ``set()``, ``incr()``.

    As in the standard library the type code is shown and otherwise ignored. It is
    no part of the shared value: a box read back from a container shows ``None``.
    """

    __slots__ = ("_typecode",)

    _typecode: Any

    _typeid_ = "Value"
    _exposed_ = ("get", "set", "incr")

    @classmethod
    def create(
        cls, arena: _native.Store, typecode: Any, value: Any, lock: Any = True
    ) -> ValueProxy[Any]:
        """A new box."""
        box = cls(arena, value)
        box._typecode = typecode
        return box

    def _getvalue(self) -> Any:
        from .standard import Value

        return Value(getattr(self, "_typecode", None), self.get())

    def __copy__(self) -> ValueProxy[_Item]:
        typecode = getattr(self, "_typecode", None)
        return _with_typecode(arena_of(self).open(type(self), *handle_of(self)), typecode)

    def __reduce__(self) -> tuple[Any, ...]:
        _, arguments = reduce_variable(self)
        return open_box, (*arguments, getattr(self, "_typecode", None))


def open_box(
    cls: type[ValueProxy[Any]],
    reference: ArenaReference,
    handle: tuple[int, int],
    typecode: Any,
) -> ValueProxy[Any]:
    """The proxy in the receiving process."""
    return _with_typecode(open_variable(cls, reference, handle), typecode)


def _with_typecode(box: ValueProxy[_Item], typecode: Any) -> ValueProxy[_Item]:
    box._typecode = typecode
    return box
