"""What the proxies of all kinds have in common."""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from .reduction import reduce_variable

if TYPE_CHECKING:
    from ._native import Variable as _Base
else:
    _Base = object


class Proxy(_Base):
    """The methods of `multiprocessing.managers.BaseProxy`, without a server.

    A class of its own with empty slots, placed before the native class: the
    protocol slots (``[]``, ``len``, ``in``) stay the native ones.
    """

    __slots__ = ()

    _typeid_: ClassVar[str]
    _exposed_: ClassVar[tuple[str, ...]]

    @property
    def __class__(self) -> type:
        """What ``isinstance`` believes besides the type: see `pose_as`."""
        return _poses.get(type(self), type(self))

    @__class__.setter
    def __class__(self, cls: type) -> None:
        raise TypeError("the class of a proxy cannot be changed")

    def _getvalue(self) -> Any:
        """A copy of the value that the variable has now."""
        raise TypeError(f"a {type(self).__name__} has no value that can be copied")

    def _callmethod(
        self,
        methodname: str,
        args: Sequence[Any] = (),
        kwds: Mapping[str, Any] = types.MappingProxyType({}),
    ) -> Any:
        """Call a method by name, as a standard proxy does over its connection."""
        if methodname in self._exposed_:
            return getattr(self, methodname)(*args, **kwds)
        if methodname == "#GETVALUE":
            return self._getvalue()
        if methodname in ("__str__", "__repr__"):
            return repr(self._getvalue())
        from multiprocessing.managers import RemoteError

        raise RemoteError(
            f"method {methodname!r} of {self._typeid_!r} object is not in "
            f"exposed={self._exposed_!r}"
        )

    def __copy__(self) -> Proxy:
        return self.arena.open(type(self), *self.handle)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return self._getvalue()

    def __reduce__(self) -> tuple[Any, ...]:
        return reduce_variable(self)

    def __repr__(self) -> str:
        name = type(self).__name__
        return f"<{name} object, typeid {self._typeid_!r} at {id(self):#x}>"

    def __str__(self) -> str:
        return repr(self._getvalue())

    __class_getitem__: Any = classmethod(types.GenericAlias)


_poses: dict[type, type] = {}


def pose_as(cls: type[Proxy], standard: type) -> None:
    """Let ``isinstance(proxy, standard)`` be true.

    Programs ask whether something is a ``multiprocessing.managers.DictProxy``. The
    name itself cannot be replaced, because programs also register that class as the
    proxy type of servers of their own.
    """
    _poses[cls] = standard
