"""The shared event."""

from __future__ import annotations

from typing import Any

from .. import _native
from .._family import family
from .._public import public_in
from .primitive import Primitive


@public_in("sharevar")
class Event(Primitive, _native.Event):
    """A flag that processes and threads wait for."""

    __slots__ = ()

    _typeid_ = "Event"
    _exposed_ = ("is_set", "set", "clear", "wait")

    def __new__(cls, arena: _native.Store | None = None) -> Event:
        event: Any = super().__new__(cls, family.home(arena))
        return event  # type: ignore[no-any-return]

    def __str__(self) -> str:
        try:
            status = "set" if self.is_set() else "unset"
        except _native.SharevarError:
            # Shut down, for example: an object can always be printed.
            status = "unknown"
        return f"<{type(self).__qualname__} at {id(self):#x} {status}>"
