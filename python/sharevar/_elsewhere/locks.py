"""The proxies of locks, and of what threads and processes wait for."""

from __future__ import annotations

import time
from collections.abc import Callable
from multiprocessing import managers as standard
from typing import Any, TypeVar

from . import missing
from .proxy import Proxy

_Result = TypeVar("_Result")
_Variable = TypeVar("_Variable")
_standard: Any = standard


class _Acquired(Proxy):
    """The methods of those that are taken and given back, from either module's arguments."""

    # No holder's death is noticed here, and no hold is lost.
    owner_died = lost = False
    token = None

    def __init__(self, *arguments: Any, owned: bool | None = None) -> None:
        super().__init__(*arguments)

    def mark_consistent(self) -> None:
        """Nothing: no holder's death is noticed here."""

    def fence(self, variable: _Variable, /) -> _Variable:
        """The same variable."""
        return variable

    def acquire(
        self, block: bool = True, timeout: float | None = None, *, blocking: bool = True
    ) -> bool:
        """Take it, and wait for that, unless ``block`` or ``blocking`` is false."""
        if not block or not blocking:
            return bool(self._callmethod("acquire", (False,)))
        if timeout is None:
            return bool(self._callmethod("acquire"))
        return bool(self._callmethod("acquire", (True, max(timeout, 0.0))))

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *error: object) -> None:
        self.release()

    def release(self) -> None:
        """Give it back."""
        self._callmethod("release")

    def __str__(self) -> str:
        return repr(self)


class Lock(_Acquired, _standard.AcquirerProxy, typeid="Lock"):
    """A lock for processes and threads. One that is killed while it holds it keeps it."""


class RLock(_Acquired, _standard.AcquirerProxy, typeid="RLock"):
    """A lock that the thread which holds it may take again."""


class Semaphore(_Acquired, _standard.AcquirerProxy, typeid="Semaphore"):
    """Units that processes and threads take and give back."""

    def __init__(self, value: int = 1, *, owned: bool | None = None) -> None:
        super().__init__(value, owned=owned)

    def release(self, n: int = 1) -> None:
        """Give back ``n`` units."""
        self._callmethod("release", (n,))

    def locked(self) -> bool:
        """Whether all units are taken."""
        return not self.get_value()


class BoundedSemaphore(Semaphore, typeid="BoundedSemaphore"):
    """A semaphore that never has more free units than at first."""


class Condition(_Acquired, _standard.ConditionProxy, typeid="Condition"):
    """A condition: processes and threads wait until data that a lock protects has changed."""

    def __init__(self, lock: Any = None) -> None:
        super().__init__(lock)

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


class Event(Proxy, _standard.EventProxy, typeid="Event"):
    """A flag that processes and threads wait for."""

    def __str__(self) -> str:
        return f"<Event at {id(self):#x} {'set' if self.is_set() else 'unset'}>"


class Barrier(Proxy, _standard.BarrierProxy, typeid="Barrier"):
    """A barrier for a number of processes and threads, which wait until all have arrived."""

    def __init__(
        self, parties: int, action: Any = None, timeout: float | None = None
    ) -> None:
        if action is not None:
            missing.refuse("a barrier with an action")
        super().__init__(parties, None, timeout)

    parties = property(lambda self: self._state()[0])
    n_waiting = property(lambda self: self._state()[1])
    broken = property(lambda self: self._state()[2])

    def _state(self) -> tuple[int, int, bool]:
        state: tuple[int, int, bool] = self._callmethod("state")
        return state

    def __str__(self) -> str:
        parties, waiting, is_broken = self._state()
        return "<Barrier: broken>" if is_broken else f"<Barrier: waiters={waiting}/{parties}>"
