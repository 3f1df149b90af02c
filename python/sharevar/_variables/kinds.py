"""The kinds of variables: the table from which all lists of them are taken.

A new kind has a module of its own, and in this one its name in ``__all__``, its lines in
`BY_KIND` and `BY_STANDARD`, its method in `variable_methods`, and its lines in the package.
"""

from __future__ import annotations

import queue
import threading
from typing import Any

from .. import _native
from .array_proxy import ArrayProxy
from .barrier import Barrier
from .condition import Condition
from .dict_proxy import DictProxy
from .event import Event
from .list_proxy import ListProxy
from .lock import Lock
from .namespace import NamespaceProxy
from .priority_queue import PriorityQueue
from .proxy import Proxy
from .queue_proxy import JoinableQueueProxy, QueueProxy
from .queues import JoinableQueue, Queue, SimpleQueue
from .recursive_lock import RLock
from .semaphore import BoundedSemaphore, Semaphore
from .set_proxy import SetProxy
from .value_proxy import ValueProxy

__all__ = [
    "ArrayProxy",
    "Barrier",
    "BoundedSemaphore",
    "Condition",
    "DictProxy",
    "Event",
    "JoinableQueue",
    "JoinableQueueProxy",
    "ListProxy",
    "Lock",
    "NamespaceProxy",
    "PriorityQueue",
    "Queue",
    "QueueProxy",
    "RLock",
    "Semaphore",
    "SetProxy",
    "SimpleQueue",
    "ValueProxy",
]

# By the arena's name of the kind: the class of a variable that is read from a container.
BY_KIND: dict[str, type[Proxy]] = {
    "array": ArrayProxy,
    "barrier": Barrier,
    "condition": Condition,
    "dict": DictProxy,
    "event": Event,
    "list": ListProxy,
    "lock": Lock,
    "namespace": NamespaceProxy,
    "priorityqueue": PriorityQueue,
    "queue": QueueProxy,
    "rlock": RLock,
    "semaphore": Semaphore,
    "set": SetProxy,
    "value": ValueProxy,
}

# The queues of multiprocessing, which are made without a manager.
PROCESS_QUEUES: tuple[type[Proxy], ...] = (JoinableQueue, Queue, SimpleQueue)

# The same for the other forms of a queue, which are one kind.
BY_FORM: dict[str, type[_native.Queue[Any]]] = {
    "joinable process queue": JoinableQueue,
    "joinable queue": JoinableQueueProxy,
    "process queue": Queue,
    "simple queue": SimpleQueue,
}

# By the names of a manager's methods.
_OF_MANAGERS: tuple[type[Proxy], ...] = (
    *BY_KIND.values(), BoundedSemaphore, JoinableQueueProxy
)  # fmt: skip
BY_TYPEID: dict[str, type[Proxy]] = {cls._typeid_: cls for cls in _OF_MANAGERS}

# By the standard library's class or function: the class whose objects behave as its own.
BY_STANDARD: dict[Any, Any] = {
    threading.Lock: Lock,
    threading.RLock: RLock,
    threading.Event: Event,
    threading.Condition: Condition,
    threading.Semaphore: Semaphore,
    threading.BoundedSemaphore: BoundedSemaphore,
    threading.Barrier: Barrier,
    queue.PriorityQueue: PriorityQueue,
    queue.Queue: JoinableQueue,
    queue.SimpleQueue: SimpleQueue,
}

# By class: the name of the kind or the form, as the command and all errors have it.
_NAMES: dict[type[Proxy], str] = {
    **{cls: kind for kind, cls in BY_KIND.items()},
    **{cls: form for form, cls in BY_FORM.items() if issubclass(cls, Proxy)},
    BoundedSemaphore: "bounded semaphore",
}


def name_of(cls: type[Proxy]) -> str:
    """The kind of variable that a class of ours, or one derived from it, is for."""
    # A monitor is known by its state, which has no class here.
    return next((_NAMES[base] for base in cls.__mro__ if base in _NAMES), "monitor")


def register() -> None:
    """Have the native side make objects of these classes."""
    for kind, cls in BY_KIND.items():
        _native.set_proxy_class(kind, cls)
    for form, of_form in BY_FORM.items():
        _native.set_queue_class(form, of_form)
