"""Shared variables for processes.

`Manager` gives dicts, lists, values, arrays and locks that live in memory which every
process maps: an access is a function call and no message, and no server is started.
`shared` gives a module-level variable to a whole family of processes.
"""

# The parts without shared state are multiprocessing's own, so that
# ``import sharevar as multiprocessing`` works.
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
from typing import TYPE_CHECKING

from . import errors
from ._public import export as _export
from ._public import listing as _listing
from ._start import start as _start
from .errors import *  # noqa: F403

# Names that the first shared variable does not need are imported when they are used. A type
# checker reads the lines above each table, which `test_public_names` compares with it.
if TYPE_CHECKING:
    from . import hosting as hosting
    from . import installation as installation
    from . import managers as managers
    from . import queues as queues
    from . import shared_memory as shared_memory
    from . import sharedctypes as sharedctypes
    from . import testing as testing
    from ._dropin.context import get_context as get_context
    from ._hosting.callbacks import callback as callback
    from ._hosting.connect import RemoteHost as RemoteHost
    from ._hosting.connect import connect as connect
    from ._hosting.security import TLS as TLS
    from ._managers.manager import Manager as Manager
    from ._managers.named_manager import attach as attach
    from ._managers.named_manager import manager_names as manager_names
    from ._managers.named_manager import remove_manager as remove_manager
    from ._native import Arena as Arena
    from ._native import __version__ as __version__
    from ._variables.array_proxy import ArrayProxy as ArrayProxy
    from ._variables.barrier import Barrier as Barrier
    from ._variables.condition import Condition as Condition
    from ._variables.dict_proxy import DictProxy as DictProxy
    from ._variables.event import Event as Event
    from ._variables.files import open as open
    from ._variables.info import variable_info as variable_info
    from ._variables.list_proxy import ListProxy as ListProxy
    from ._variables.lock import Lock as Lock
    from ._variables.monitors import monitor as monitor
    from ._variables.namespace import NamespaceProxy as NamespaceProxy
    from ._variables.priority_queue import PriorityQueue as PriorityQueue
    from ._variables.queue_proxy import JoinableQueueProxy as JoinableQueueProxy
    from ._variables.queue_proxy import QueueProxy as QueueProxy
    from ._variables.queues import JoinableQueue as JoinableQueue
    from ._variables.queues import Queue as Queue
    from ._variables.queues import SimpleQueue as SimpleQueue
    from ._variables.recursive_lock import RLock as RLock
    from ._variables.semaphore import BoundedSemaphore as BoundedSemaphore
    from ._variables.semaphore import Semaphore as Semaphore
    from ._variables.set_proxy import SetProxy as SetProxy
    from ._variables.shared_array import SharedArray as SharedArray
    from ._variables.shared_globals import shared as shared
    from ._variables.sharedctypes import Array as Array
    from ._variables.sharedctypes import RawArray as RawArray
    from ._variables.sharedctypes import RawValue as RawValue
    from ._variables.sharedctypes import Value as Value
    from ._variables.value_proxy import ValueProxy as ValueProxy
    from .installation import install as install
else:
    __getattr__ = _export(
        __name__,
        {
            "Arena": "._native",
            "Array": "._variables.sharedctypes",
            "ArrayProxy": "._variables.array_proxy",
            "Barrier": "._variables.barrier",
            "BoundedSemaphore": "._variables.semaphore",
            "Condition": "._variables.condition",
            "DictProxy": "._variables.dict_proxy",
            "Event": "._variables.event",
            "JoinableQueue": "._variables.queues",
            "JoinableQueueProxy": "._variables.queue_proxy",
            "ListProxy": "._variables.list_proxy",
            "Lock": "._variables.lock",
            "Manager": "._managers.manager",
            "NamespaceProxy": "._variables.namespace",
            "PriorityQueue": "._variables.priority_queue",
            "Queue": "._variables.queues",
            "QueueProxy": "._variables.queue_proxy",
            "RLock": "._variables.recursive_lock",
            "RawArray": "._variables.sharedctypes",
            "RawValue": "._variables.sharedctypes",
            "RemoteHost": "._hosting.connect",
            "Semaphore": "._variables.semaphore",
            "SetProxy": "._variables.set_proxy",
            "SharedArray": "._variables.shared_array",
            "SimpleQueue": "._variables.queues",
            "TLS": "._hosting.security",
            "Value": "._variables.sharedctypes",
            "ValueProxy": "._variables.value_proxy",
            "__version__": "._native",
            "attach": "._managers.named_manager",
            "callback": "._hosting.callbacks",
            "connect": "._hosting.connect",
            "get_context": "._dropin.context",
            "hosting": ".hosting",
            "install": ".installation",
            "installation": ".installation",
            "manager_names": "._managers.named_manager",
            "managers": ".managers",
            "monitor": "._variables.monitors",
            "open": "._variables.files",
            "queues": ".queues",
            "remove_manager": "._managers.named_manager",
            "shared": "._variables.shared_globals",
            "shared_memory": ".shared_memory",
            "sharedctypes": ".sharedctypes",
            "testing": ".testing",
            "variable_info": "._variables.info",
        },
    )

__all__ = [
    "TLS",
    "Arena",
    "Array",
    "ArrayProxy",
    "AuthenticationError",
    "Barrier",
    "BoundedSemaphore",
    "BufferTooShort",
    "Condition",
    "DictProxy",
    "Event",
    "JoinableQueue",
    "JoinableQueueProxy",
    "ListProxy",
    "Lock",
    "Manager",
    "NamespaceProxy",
    "Pipe",
    "Pool",
    "PriorityQueue",
    "Process",
    "ProcessError",
    "Queue",
    "QueueProxy",
    "RLock",
    "RawArray",
    "RawValue",
    "RemoteHost",
    "Semaphore",
    "SetProxy",
    "SharedArray",
    "SimpleQueue",
    "TimeoutError",
    "Value",
    "ValueProxy",
    "__version__",
    "active_children",
    "allow_connection_pickling",
    "attach",
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
    "manager_names",
    "managers",
    "monitor",
    "open",
    "parent_process",
    "reducer",
    "remove_manager",
    "set_executable",
    "set_forkserver_preload",
    "set_start_method",
    "shared",
    "shared_memory",
    "variable_info",
]
__all__ += errors.__all__

__dir__ = _listing(
    __name__,
    "errors", "hosting", "installation", "managers", "queues", "shared_memory", "sharedctypes",
    "testing",
)  # fmt: skip

_start()
