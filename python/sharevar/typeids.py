"""The types that live in shared memory, by the names that managers have for them."""

from __future__ import annotations

from .array_proxy import ArrayProxy
from .barrier import Barrier
from .condition import Condition
from .dict_proxy import DictProxy
from .event import Event
from .list_proxy import ListProxy
from .lock import Lock
from .namespace import NamespaceProxy
from .proxy import Proxy
from .queue_proxy import JoinableQueueProxy, QueueProxy
from .recursive_lock import RLock
from .semaphore import BoundedSemaphore, Semaphore
from .set_proxy import SetProxy
from .value_proxy import ValueProxy

CLASSES: dict[str, type[Proxy]] = {
    cls._typeid_: cls
    for cls in (
        ArrayProxy,
        Barrier,
        BoundedSemaphore,
        Condition,
        DictProxy,
        Event,
        JoinableQueueProxy,
        ListProxy,
        Lock,
        NamespaceProxy,
        QueueProxy,
        RLock,
        Semaphore,
        SetProxy,
        ValueProxy,
    )
}
