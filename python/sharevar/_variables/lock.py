"""The shared lock."""

from __future__ import annotations

from typing import Any

from .. import _native
from .._family import family
from .._public import public_in
from .primitive import Primitive, own_name


@public_in("sharevar")
class Lock(Primitive, _native.Lock):
    """A lock for processes and threads that outlives its holder.

    When the holder is killed, the next ``acquire`` succeeds, and ``owner_died``
    tells so until ``mark_consistent()``.

    A holder that ends in order leaves the lock held, as in the standard library: it was
    taken here to be released there. From then on the lock is a *signal*: no death
    releases it. So it is once a process has released what another held. ``owned``
    settles it: a lock that is ``owned`` is always given to the next one, one that is
    not never is.
    """

    __slots__ = ()

    _typeid_ = "Lock"
    _exposed_ = ("acquire", "release", "locked", "__enter__", "__exit__")

    def __new__(
        cls, arena: _native.Store | None = None, *, owned: bool | None = None
    ) -> Lock:
        lock: Any = super().__new__(cls, family.home(arena), owned)
        return lock  # type: ignore[no-any-return]

    def __str__(self) -> str:
        if self._is_owned():
            owner = own_name()
        else:
            owner = "SomeOtherProcess" if self.locked() else "None"
        return f"<{type(self).__name__}(owner={owner})>"

    @property
    def _semlock(self) -> SemaphoreView:
        return SemaphoreView(self, int(self._is_owned()))


class SemaphoreView:
    """As much of a lock as `multiprocessing.Condition` asks for."""

    __slots__ = ("_lock", "_times")

    def __init__(self, lock: _native.Lock | _native.RLock, times: int) -> None:
        self._lock = lock
        self._times = times

    def _is_mine(self) -> bool:
        return self._lock._is_owned()

    def _count(self) -> int:
        return self._times

    def _get_value(self) -> int:
        return int(not self._lock.locked())
