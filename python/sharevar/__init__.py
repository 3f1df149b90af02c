"""Shared variables for processes.

`Manager` gives dicts, lists, values, arrays and locks that live in memory which every
process maps: an access is a function call and no message, and no server is started.
`shared` gives a module-level variable to a whole family of processes.
"""

from . import children as _children
from . import departure as _departure
from . import managers, shared_memory
from . import pickling as _pickling
from ._native import Arena, set_pickler, set_proxy_class, set_queue_class
from .array_proxy import ArrayProxy
from .barrier import Barrier
from .condition import Condition
from .context import get_context
from .dict_proxy import DictProxy
from .errors import (
    ArenaGone,
    BrokenBarrier,
    CapacityTooSmall,
    ClosedError,
    CorruptArena,
    DescriptorLost,
    ForeignProcess,
    HandleExpired,
    LayoutMismatch,
    NotAnArena,
    NotHeld,
    NotOwner,
    NotShareable,
    OutOfSharedMemory,
    QueueShutDown,
    SharevarError,
    TooManyParticipants,
    TooManyReleases,
    TransactionTooLarge,
    WrongKind,
)
from .event import Event
from .files import open
from .installation import install
from .list_proxy import ListProxy
from .lock import Lock
from .managers import Manager
from .namespace import NamespaceProxy
from .queue_proxy import JoinableQueueProxy, QueueProxy
from .queues import JoinableQueue, Queue, SimpleQueue
from .recursive_lock import RLock
from .semaphore import BoundedSemaphore, Semaphore
from .set_proxy import SetProxy
from .shared_globals import shared
from .sharedctypes import Array, RawArray, RawValue, Value
from .value_proxy import ValueProxy

__all__ = [
    "Arena",
    "ArenaGone",
    "Array",
    "ArrayProxy",
    "Barrier",
    "BoundedSemaphore",
    "BrokenBarrier",
    "CapacityTooSmall",
    "ClosedError",
    "Condition",
    "CorruptArena",
    "DescriptorLost",
    "DictProxy",
    "Event",
    "ForeignProcess",
    "HandleExpired",
    "JoinableQueue",
    "JoinableQueueProxy",
    "LayoutMismatch",
    "ListProxy",
    "Lock",
    "Manager",
    "NamespaceProxy",
    "NotAnArena",
    "NotHeld",
    "NotOwner",
    "NotShareable",
    "OutOfSharedMemory",
    "Queue",
    "QueueProxy",
    "QueueShutDown",
    "RLock",
    "RawArray",
    "RawValue",
    "Semaphore",
    "SetProxy",
    "SharevarError",
    "SimpleQueue",
    "TooManyParticipants",
    "TooManyReleases",
    "TransactionTooLarge",
    "Value",
    "ValueProxy",
    "WrongKind",
    "get_context",
    "install",
    "managers",
    "open",
    "shared",
    "shared_memory",
]

set_pickler(_pickling.dumps, _pickling.loads)
set_proxy_class("array", ArrayProxy)
set_proxy_class("barrier", Barrier)
set_proxy_class("condition", Condition)
set_proxy_class("dict", DictProxy)
set_proxy_class("event", Event)
set_proxy_class("list", ListProxy)
set_proxy_class("lock", Lock)
set_proxy_class("rlock", RLock)
set_proxy_class("semaphore", Semaphore)
set_proxy_class("queue", QueueProxy)
set_proxy_class("set", SetProxy)
set_proxy_class("namespace", NamespaceProxy)
set_proxy_class("value", ValueProxy)
set_queue_class("joinable queue", JoinableQueueProxy)
set_queue_class("process queue", Queue)
set_queue_class("joinable process queue", JoinableQueue)
set_queue_class("simple queue", SimpleQueue)
_children.tell_children()
_departure.arrange()
