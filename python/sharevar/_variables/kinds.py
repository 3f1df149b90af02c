"""The kinds of variables: the table from which all lists of them are taken.

A new kind has a module of its own, and in this one its name in ``__all__``, its lines in
`BY_KIND` and `BY_STANDARD`, and its method in `VariableMethods`. The package exports what
``__all__`` names.
"""

from __future__ import annotations

import queue
import threading
from typing import Any, TypeVar

from .. import _native
from . import barrier, condition, event, lock, priority_queue, recursive_lock, semaphore
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

# By the name of a class of the standard library or of NumPy that no kind stands for: what there
# is instead of it.
INSTEAD = {
    "Counter": "use shared(name, dict), whose incr() counts",
    "defaultdict": "use shared(name, dict), which has setdefault() and incr()",
    "deque": "use shared(name, list), or sharevar.Queue",
    "bytearray": 'use shared(name, sharevar.RawArray, "B", length)',
    "array": "use shared(name, sharevar.ArrayProxy, typecode, items)",
    "ndarray": 'use numpy.frombuffer over shared(name, sharevar.RawArray, "d", length)',
    "LifoQueue": "use shared(name, list), with append() and pop()",
    "PriorityQueue": "use shared(name, sharevar.PriorityQueue)",
    "dict": "use shared(name, dict)",
    "list": "use shared(name, list)",
    "set": "use shared(name, set)",
    "lock": "use shared(name, sharevar.Lock)",
    "SynchronizedBase": "use shared(name, sharevar.Value, ...) or sharevar.Array",
    "BaseManager": "share what it makes, as in shared(name, dict), which needs no manager",
}


def register() -> None:
    """Have the native side make objects of these classes."""
    for kind, cls in BY_KIND.items():
        _native.set_proxy_class(kind, cls)
    for form, of_form in BY_FORM.items():
        _native.set_queue_class(form, of_form)


_AnyProxy = TypeVar("_AnyProxy", bound=Proxy)


class VariableMethods:
    """A manager's methods that make variables, one for each of `BY_TYPEID`.

    They are written out: a type checker takes no signature from a table.
    """

    def list(self, *arguments: Any) -> ListProxy[Any]:
        """A shared list with the contents that ``list(*arguments)`` has."""
        return self._make(ListProxy, *arguments)

    def dict(self, /, *arguments: Any, **named: Any) -> DictProxy[Any, Any]:
        """A shared dict with the contents that ``dict(*arguments, **named)`` has."""
        return self._make(DictProxy, *arguments, **named)

    def set(self, *arguments: Any) -> SetProxy[Any]:
        """A shared set with the elements that ``set(*arguments)`` has."""
        return self._make(SetProxy, *arguments)

    def Namespace(self, /, **attributes: Any) -> NamespaceProxy:
        """Shared attributes."""
        return self._make(NamespaceProxy, **attributes)

    def Value(self, typecode: Any, value: Any, lock: Any = True) -> ValueProxy[Any]:
        """A box for one value of any type; the type code is only shown."""
        return self._make(ValueProxy, typecode, value, lock)

    def Array(self, typecode: str, sequence: Any, lock: Any = True) -> ArrayProxy:
        """An ``array.array`` of fixed length."""
        return self._make(ArrayProxy, typecode, sequence, lock)

    def Lock(self) -> lock.Lock:
        """A lock that outlives its holder."""
        return self._make(lock.Lock)

    def RLock(self) -> recursive_lock.RLock:
        """A lock that the thread which holds it may take again."""
        return self._make(recursive_lock.RLock)

    def Semaphore(self, value: int = 1) -> semaphore.Semaphore:
        """Units to take and give back."""
        return self._make(semaphore.Semaphore, value)

    def BoundedSemaphore(self, value: int = 1) -> semaphore.BoundedSemaphore:
        """A semaphore that never has more free units than at first."""
        return self._make(semaphore.BoundedSemaphore, value)

    def Event(self) -> event.Event:
        """A flag that is waited for."""
        return self._make(event.Event)

    def Condition(self, lock: Any = None) -> condition.Condition:
        """A condition: waiting until data that a lock protects has changed."""
        return self._make(condition.Condition, lock)

    def Barrier(
        self, parties: int, action: Any = None, timeout: float | None = None
    ) -> barrier.Barrier:
        """A barrier: waiting until a number of processes and threads have arrived."""
        return self._make(barrier.Barrier, parties, action, timeout)

    def Queue(self, maxsize: int = 0) -> QueueProxy[Any]:
        """A queue, first in, first out."""
        return self._make(QueueProxy, maxsize)

    def JoinableQueue(self, maxsize: int = 0) -> JoinableQueueProxy[Any]:
        """A queue, first in, first out. Any queue of a manager can be joined."""
        return self._make(JoinableQueueProxy, maxsize)

    def PriorityQueue(self, maxsize: int = 0) -> priority_queue.PriorityQueue[Any]:
        """A queue, lowest item first."""
        return self._make(priority_queue.PriorityQueue, maxsize)

    def _make(self, cls: type[_AnyProxy], /, *arguments: Any, **named: Any) -> _AnyProxy:
        """Make a variable where the variables of this manager are."""
        raise NotImplementedError
