"""The types that live in shared memory, by the names that managers have for them."""

from __future__ import annotations

from .array_proxy import ArrayProxy
from .dict_proxy import DictProxy
from .list_proxy import ListProxy
from .lock_proxies import (
    BarrierProxy,
    BoundedSemaphoreProxy,
    ConditionProxy,
    EventProxy,
    LockProxy,
    RLockProxy,
    SemaphoreProxy,
)
from .proxy import Proxy
from .queue_proxy import JoinableQueueProxy, QueueProxy
from .value_proxy import ValueProxy

CLASSES: dict[str, type[Proxy]] = {
    cls._typeid_: cls
    for cls in (
        ArrayProxy,
        BarrierProxy,
        BoundedSemaphoreProxy,
        ConditionProxy,
        DictProxy,
        EventProxy,
        JoinableQueueProxy,
        ListProxy,
        LockProxy,
        QueueProxy,
        RLockProxy,
        SemaphoreProxy,
        ValueProxy,
    )
}
