"""The recursive lock that `sharevar.Value` and `sharevar.Array` come with."""

from __future__ import annotations

import os
from threading import get_ident
from types import TracebackType
from typing import Any
from weakref import WeakValueDictionary

from .lock import Lock
from .reduction import keep_for_child


class Holding:
    """Which thread of this process holds a lock, and how many times over."""

    __slots__ = ("__weakref__", "count", "thread")

    def __init__(self) -> None:
        self.thread = 0
        self.count = 0


# Two RLock objects may stand for one lock; they must agree on who holds it.
_holdings: WeakValueDictionary[tuple[bytes, tuple[int, int]], Holding]
_holdings = WeakValueDictionary()


class RLock:
    """A lock that its holder may take again, over a shared `Lock`."""

    __slots__ = ("_holding", "_lock")

    def __init__(self, lock: Lock | None = None) -> None:
        self._lock = Lock() if lock is None else lock
        name = (self._lock.arena.id, self._lock.handle)
        self._holding = _holdings.setdefault(name, Holding())

    def acquire(self, block: bool = True, timeout: float | None = None) -> bool:
        """Take the lock, or take it once more."""
        holding = self._holding
        thread = get_ident()
        if holding.thread != thread:
            if not self._lock.acquire(block, timeout):
                return False
            holding.thread = thread
        holding.count += 1
        return True

    def release(self) -> None:
        """Undo one `acquire`."""
        holding = self._holding
        if holding.thread != get_ident():
            raise AssertionError(
                "attempt to release recursive lock not owned by thread"
            )
        holding.count -= 1
        if not holding.count:
            holding.thread = 0
            self._lock.release()

    @property
    def owner_died(self) -> bool:
        """Whether an earlier holder died, and nobody has put things right since."""
        return self._lock.owner_died

    def mark_consistent(self) -> None:
        """Say that what the lock protects is in order again."""
        self._lock.mark_consistent()

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()

    def __reduce__(self) -> tuple[Any, ...]:
        keep_for_child(self)
        return RLock, (self._lock,)

    def __repr__(self) -> str:
        return f"<RLock over {self._lock}>"

    @property
    def _semlock(self) -> RecursiveSemaphoreView:
        return RecursiveSemaphoreView(self._holding)


class RecursiveSemaphoreView:
    """What `multiprocessing.Condition` asks of the lock that it is given."""

    __slots__ = ("_holding",)

    def __init__(self, holding: Holding) -> None:
        self._holding = holding

    def _is_mine(self) -> bool:
        return self._holding.thread == get_ident()

    def _count(self) -> int:
        return self._holding.count if self._is_mine() else 0


def _forget_holdings() -> None:
    # The forking thread has the same number in the child, but what it held the
    # parent holds.
    for holding in list(_holdings.values()):
        holding.thread = holding.count = 0


os.register_at_fork(after_in_child=_forget_holdings)
