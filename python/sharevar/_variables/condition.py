"""The shared condition."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

from .. import _native
from .._family import family
from .._public import public_in
from .primitive import Primitive
from .recursive_lock import RLock

_Result = TypeVar("_Result")


@public_in("sharevar")
class Condition(Primitive, _native.Condition):
    """A condition: processes and threads wait until data that a lock protects has changed.

    A waiter that is killed is passed over. One that was notified and is killed before
    it has the lock again has not used the notification up: the next one gets it.
    """

    __slots__ = ()

    _typeid_ = "Condition"
    _exposed_ = ("acquire", "release", "wait", "notify", "notify_all")

    def __new__(
        cls, lock: Any = None, *, arena: _native.Store | None = None
    ) -> Condition:
        if lock is None:
            lock = RLock(arena=arena)
        # Lock and condition are in one arena; the lock was there first.
        home = lock.arena if isinstance(lock, _native.Variable) else family.home()
        condition: Any = super().__new__(cls, home, lock)
        return condition  # type: ignore[no-any-return]

    def wait_for(
        self, predicate: Callable[[], _Result], timeout: float | None = None
    ) -> _Result:
        """Wait until the predicate holds; its last result."""
        end = None if timeout is None else time.monotonic() + timeout
        while not (result := predicate()):
            left = None if end is None else end - time.monotonic()
            if left is not None and left <= 0:
                break
            self.wait(left)
        return result

    def _shown(self) -> str:
        return f"<Condition({self._lock}, {self._counts()[0]})>"

    # The counts that the standard class has semaphores for, for code that looks at them.

    @property
    def _sleeping_count(self) -> Count:
        return Count(sum(self._counts()))

    @property
    def _woken_count(self) -> Count:
        return Count(self._counts()[1])

    @property
    def _wait_semaphore(self) -> Count:
        return Count(self._counts()[1])


class Count:
    """A number, as a semaphore would show it."""

    __slots__ = ("_value",)

    def __init__(self, value: int) -> None:
        self._value = value

    def get_value(self) -> int:
        """The number at the moment when it was asked for."""
        return self._value
