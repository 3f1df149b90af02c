"""Shared variables for processes.

`Manager` gives dicts, lists, values, arrays and locks that live in memory which every
process maps: an access is a function call and no message, and no server is started.
`shared` gives a module-level variable to a whole family of processes.
"""

# What shares no state is multiprocessing's own: ``import sharevar as multiprocessing`` works.
from multiprocessing import (
    AuthenticationError,
    BufferTooShort,
    Pipe,
    Pool,
    Process,
    ProcessError,
    TimeoutError,
    active_children,
    allow_connection_pickling,
    cpu_count,
    current_process,
    freeze_support,
    get_all_start_methods,
    get_logger,
    get_start_method,
    log_to_stderr,
    parent_process,
    reducer,
    set_executable,
    set_forkserver_preload,
    set_start_method,
)

from . import children as _children
from . import departure as _departure
from . import greenlets as _greenlets
from . import managers, shared_memory
from . import pickling as _pickling
from ._native import Arena, __version__, set_pickler, set_proxy_class, set_queue_class
from .array_proxy import ArrayProxy
from .barrier import Barrier
from .condition import Condition
from .context import get_context
from .dict_proxy import DictProxy
from .errors import (
    AccessRefused,
    ArenaGone,
    BrokenBarrier,
    CallRefused,
    CallTimedOut,
    CapacityTooSmall,
    ClosedError,
    CorruptArena,
    DescriptorLost,
    ForeignProcess,
    HandleExpired,
    HostDied,
    HostedPanic,
    HostUnreachable,
    LayoutMismatch,
    NotAHost,
    NotAnArena,
    NotCreated,
    NotExposed,
    NotHeld,
    NotOwner,
    NotRegistered,
    NotSaved,
    NotShareable,
    NoWitness,
    OutOfSharedMemory,
    OwnerUnknown,
    PlaintextRefused,
    PlaintextWarning,
    QueueShutDown,
    SeparateFamilyWarning,
    SharevarError,
    TooManyParticipants,
    TooManyReleases,
    TransactionTooLarge,
    WrongKind,
)
from .event import Event
from .files import open
from .hosting import TLS, RemoteHost, callback, connect
from .installation import install
from .list_proxy import ListProxy
from .lock import Lock
from .managers import Manager
from .monitors import monitor
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
    "TLS",
    "AccessRefused",
    "Arena",
    "ArenaGone",
    "Array",
    "ArrayProxy",
    "AuthenticationError",
    "Barrier",
    "BoundedSemaphore",
    "BrokenBarrier",
    "BufferTooShort",
    "CallRefused",
    "CallTimedOut",
    "CapacityTooSmall",
    "ClosedError",
    "Condition",
    "CorruptArena",
    "DescriptorLost",
    "DictProxy",
    "Event",
    "ForeignProcess",
    "HandleExpired",
    "HostDied",
    "HostUnreachable",
    "HostedPanic",
    "JoinableQueue",
    "JoinableQueueProxy",
    "LayoutMismatch",
    "ListProxy",
    "Lock",
    "Manager",
    "NamespaceProxy",
    "NoWitness",
    "NotAHost",
    "NotAnArena",
    "NotCreated",
    "NotExposed",
    "NotHeld",
    "NotOwner",
    "NotRegistered",
    "NotSaved",
    "NotShareable",
    "OutOfSharedMemory",
    "OwnerUnknown",
    "Pipe",
    "PlaintextRefused",
    "PlaintextWarning",
    "Pool",
    "Process",
    "ProcessError",
    "Queue",
    "QueueProxy",
    "QueueShutDown",
    "RLock",
    "RawArray",
    "RawValue",
    "RemoteHost",
    "Semaphore",
    "SeparateFamilyWarning",
    "SetProxy",
    "SharevarError",
    "SimpleQueue",
    "TimeoutError",
    "TooManyParticipants",
    "TooManyReleases",
    "TransactionTooLarge",
    "Value",
    "ValueProxy",
    "WrongKind",
    "__version__",
    "active_children",
    "allow_connection_pickling",
    "callback",
    "connect",
    "cpu_count",
    "current_process",
    "freeze_support",
    "get_all_start_methods",
    "get_context",
    "get_logger",
    "get_start_method",
    "install",
    "log_to_stderr",
    "managers",
    "monitor",
    "open",
    "parent_process",
    "reducer",
    "set_executable",
    "set_forkserver_preload",
    "set_start_method",
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
_greenlets.arrange()
