"""The shared recursive lock."""

from __future__ import annotations

from typing import Any

from .. import _native
from .._family import family
from .._public import public_in
from .lock import SemaphoreView
from .primitive import Primitive, own_name


@public_in("sharevar")
class RLock(Primitive, _native.RLock):
    """A lock that the thread which holds it may take again.

    When its holder is killed, or ends, the next ``acquire`` succeeds, and
    ``owner_died`` tells so until ``mark_consistent()``.
    """

    __slots__ = ()

    _typeid_ = "RLock"
    _exposed_ = ("acquire", "release", "locked", "__enter__", "__exit__")

    def __new__(cls, *, arena: _native.Store | None = None) -> RLock:
        lock: Any = super().__new__(cls, family.home(arena))
        return lock  # type: ignore[no-any-return]

    def __str__(self) -> str:
        count: Any = "nonzero"
        match self._holder():
            case "none":
                owner, count = "None", 0
            case "this thread":
                owner, count = own_name(), self._recursion_count()
            case "another thread":
                owner = "SomeOtherThread"
            case _:
                owner = "SomeOtherProcess"
        return f"<{type(self).__name__}({owner}, {count})>"

    @property
    def _semlock(self) -> SemaphoreView:
        return SemaphoreView(self, self._recursion_count())
