"""The locks of a manager: those of `sharevar` itself, shown as what they are, proxies."""

from __future__ import annotations

from .barrier import Barrier
from .condition import Condition
from .event import Event
from .lock import Lock
from .proxy import Proxy
from .recursive_lock import RLock
from .semaphore import BoundedSemaphore, Semaphore


class LockProxy(Lock):
    """``Manager().Lock()``."""

    __slots__ = ()
    __repr__ = Proxy.__repr__


class RLockProxy(RLock):
    """``Manager().RLock()``."""

    __slots__ = ()
    __repr__ = Proxy.__repr__


class SemaphoreProxy(Semaphore):
    """``Manager().Semaphore()``."""

    __slots__ = ()
    __repr__ = Proxy.__repr__


class BoundedSemaphoreProxy(BoundedSemaphore):
    """``Manager().BoundedSemaphore()``."""

    __slots__ = ()
    __repr__ = Proxy.__repr__


class ConditionProxy(Condition):
    """``Manager().Condition()``."""

    __slots__ = ()
    __repr__ = Proxy.__repr__


class EventProxy(Event):
    """``Manager().Event()``."""

    __slots__ = ()
    __repr__ = Proxy.__repr__


class BarrierProxy(Barrier):
    """``Manager().Barrier()``."""

    __slots__ = ()
    __repr__ = Proxy.__repr__
