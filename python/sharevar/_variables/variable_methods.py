"""The methods of managers that make variables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, overload

from . import barrier, condition, event, lock, priority_queue, recursive_lock, semaphore
from .array_proxy import ArrayProxy
from .dict_proxy import DictProxy
from .list_proxy import ListProxy
from .namespace import NamespaceProxy
from .proxy import Proxy
from .queue_proxy import JoinableQueueProxy, QueueProxy
from .set_proxy import SetProxy
from .value_proxy import ValueProxy

if TYPE_CHECKING:
    from .shared_array import SharedArray

_AnyProxy = TypeVar("_AnyProxy", bound=Proxy)
_Key = TypeVar("_Key")
_Item = TypeVar("_Item")


class VariableMethods:
    """A manager's methods that make variables, one for each of `kinds.BY_TYPEID`.

    They are written out: a type checker takes no signature from a table.
    """

    @overload
    def list(self) -> ListProxy[Any]: ...
    @overload
    def list(self, items: Iterable[_Item], /) -> ListProxy[_Item]: ...
    def list(self, *arguments: Any) -> ListProxy[Any]:
        """A shared list with the contents that ``list(*arguments)`` has."""
        return self._make(ListProxy, *arguments)

    @overload
    def dict(self, /) -> DictProxy[Any, Any]: ...
    @overload
    def dict(
        self, pairs: Mapping[_Key, _Item] | Iterable[tuple[_Key, _Item]], /
    ) -> DictProxy[_Key, _Item]: ...
    @overload
    def dict(self, /, **named: _Item) -> DictProxy[str, _Item]: ...
    @overload
    def dict(self, pairs: Any, /, **named: Any) -> DictProxy[Any, Any]: ...
    def dict(self, /, *arguments: Any, **named: Any) -> DictProxy[Any, Any]:
        """A shared dict with the contents that ``dict(*arguments, **named)`` has."""
        return self._make(DictProxy, *arguments, **named)

    @overload
    def set(self) -> SetProxy[Any]: ...
    @overload
    def set(self, items: Iterable[_Item], /) -> SetProxy[_Item]: ...
    def set(self, *arguments: Any) -> SetProxy[Any]:
        """A shared set with the elements that ``set(*arguments)`` has."""
        return self._make(SetProxy, *arguments)

    def Namespace(self, /, **attributes: Any) -> NamespaceProxy:
        """Shared attributes."""
        return self._make(NamespaceProxy, **attributes)

    def Value(self, typecode: Any, value: _Item, lock: Any = True) -> ValueProxy[_Item]:
        """A box for one value of any type; the type code is only shown."""
        return self._make(ValueProxy, typecode, value, lock)

    def Array(self, typecode: str, sequence: Any, lock: Any = True) -> ArrayProxy:
        """An ``array.array`` of fixed length."""
        return self._make(ArrayProxy, typecode, sequence, lock)

    def array(self, shape: int | Sequence[int], dtype: Any = float) -> SharedArray:
        """An array of NumPy, in shared memory, with zeros."""
        from .shared_array import SharedArray, memory_of

        sides, letter, count = memory_of(shape, dtype)
        return SharedArray(self._make(ArrayProxy, letter, count), sides, dtype)

    def Lock(self, *, owned: bool | None = None) -> lock.Lock:
        """A lock that outlives its holder."""
        return self._make(lock.Lock, owned=owned)

    def RLock(self) -> recursive_lock.RLock:
        """A lock that the thread which holds it may take again."""
        return self._make(recursive_lock.RLock)

    def Semaphore(
        self, value: int = 1, *, owned: bool | None = None
    ) -> semaphore.Semaphore:
        """Units to take and give back."""
        return self._make(semaphore.Semaphore, value, owned=owned)

    def BoundedSemaphore(
        self, value: int = 1, *, owned: bool | None = None
    ) -> semaphore.BoundedSemaphore:
        """A semaphore that never has more free units than at first."""
        return self._make(semaphore.BoundedSemaphore, value, owned=owned)

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
