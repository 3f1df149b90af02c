"""The methods of a named manager that make variables: with ``name=``, or find them."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, overload

from .._native import Store
from .._variables import (
    barrier,
    condition,
    event,
    lock,
    priority_queue,
    recursive_lock,
    refusal,
    semaphore,
    shared_globals,
)
from .._variables.array_proxy import ArrayProxy
from .._variables.dict_proxy import DictProxy
from .._variables.list_proxy import ListProxy
from .._variables.namespace import NamespaceProxy
from .._variables.proxy import Proxy
from .._variables.queue_proxy import JoinableQueueProxy, QueueProxy
from .._variables.set_proxy import SetProxy
from .._variables.value_proxy import ValueProxy
from .._variables.variable_methods import VariableMethods

if TYPE_CHECKING:
    from .._variables.shared_array import SharedArray

_AnyProxy = TypeVar("_AnyProxy", bound=Proxy)
_Key = TypeVar("_Key")
_Item = TypeVar("_Item")


class NamedVariableMethods(VariableMethods):
    """As those of any manager; with a name they give the variable that has it.

    The first process that asks for a name makes its variable, from the other arguments.
    """

    arena: Store

    @overload
    def list(self, *, name: str | None = None) -> ListProxy[Any]: ...
    @overload
    def list(
        self, items: Iterable[_Item], /, *, name: str | None = None
    ) -> ListProxy[_Item]: ...
    def list(self, *arguments: Any, name: str | None = None) -> ListProxy[Any]:
        """A shared list with the contents that ``list(*arguments)`` has."""
        return self._of_name(name, ListProxy, *arguments)

    @overload  # type: ignore[override]
    def dict(self, /, *, name: str | None = None) -> DictProxy[Any, Any]: ...
    @overload
    def dict(
        self,
        pairs: Mapping[_Key, _Item] | Iterable[tuple[_Key, _Item]],
        /,
        *,
        name: str | None = None,
    ) -> DictProxy[_Key, _Item]: ...
    @overload
    def dict(
        self, /, *, name: str | None = None, **named: _Item
    ) -> DictProxy[str, _Item]: ...
    @overload
    def dict(
        self, pairs: Any, /, *, name: str | None = None, **named: Any
    ) -> DictProxy[Any, Any]: ...
    def dict(
        self, /, *arguments: Any, name: str | None = None, **named: Any
    ) -> DictProxy[Any, Any]:
        """A shared dict with the contents that ``dict(*arguments, **named)`` has."""
        return self._of_name(name, DictProxy, *arguments, **named)

    @overload
    def set(self, *, name: str | None = None) -> SetProxy[Any]: ...
    @overload
    def set(self, items: Iterable[_Item], /, *, name: str | None = None) -> SetProxy[_Item]: ...
    def set(self, *arguments: Any, name: str | None = None) -> SetProxy[Any]:
        """A shared set with the elements that ``set(*arguments)`` has."""
        return self._of_name(name, SetProxy, *arguments)

    def Namespace(self, /, *, name: str | None = None, **attributes: Any) -> NamespaceProxy:
        """Shared attributes."""
        return self._of_name(name, NamespaceProxy, **attributes)

    def Value(
        self, typecode: Any, value: _Item, lock: Any = True, *, name: str | None = None
    ) -> ValueProxy[_Item]:
        """A box for one value of any type; the type code is only shown."""
        if name is None:
            return self._make(ValueProxy, typecode, value, lock)
        return self._of_name(name, ValueProxy, value)

    def Array(
        self, typecode: str, sequence: Any, lock: Any = True, *, name: str | None = None
    ) -> ArrayProxy:
        """An ``array.array`` of fixed length."""
        return self._of_name(name, ArrayProxy, typecode, sequence, lock)

    def array(
        self, shape: int | Sequence[int], dtype: Any = float, *, name: str | None = None
    ) -> SharedArray:
        """An array of NumPy, in shared memory, with zeros. Its memory has the name, and knows
        no shape: each process gives shape and type."""
        from .._variables.shared_array import SharedArray, memory_of

        sides, letter, count = memory_of(shape, dtype)
        return SharedArray(self._of_name(name, ArrayProxy, letter, count), sides, dtype)

    def Lock(self, *, owned: bool | None = None, name: str | None = None) -> lock.Lock:
        """A lock that outlives its holder."""
        return self._of_name(name, lock.Lock, owned=owned)

    def RLock(self, *, name: str | None = None) -> recursive_lock.RLock:
        """A lock that the thread which holds it may take again."""
        return self._of_name(name, recursive_lock.RLock)

    def Semaphore(
        self, value: int = 1, *, owned: bool | None = None, name: str | None = None
    ) -> semaphore.Semaphore:
        """Units to take and give back."""
        return self._of_name(name, semaphore.Semaphore, value, owned=owned)

    def BoundedSemaphore(
        self, value: int = 1, *, owned: bool | None = None, name: str | None = None
    ) -> semaphore.BoundedSemaphore:
        """A semaphore that never has more free units than at first."""
        return self._of_name(name, semaphore.BoundedSemaphore, value, owned=owned)

    def Event(self, *, name: str | None = None) -> event.Event:
        """A flag that is waited for."""
        return self._of_name(name, event.Event)

    def Condition(self, lock: Any = None, *, name: str | None = None) -> condition.Condition:
        """A condition: waiting until data that a lock protects has changed."""
        return self._of_name(name, condition.Condition, lock)

    def Barrier(
        self,
        parties: int,
        action: Any = None,
        timeout: float | None = None,
        *,
        name: str | None = None,
    ) -> barrier.Barrier:
        """A barrier: waiting until a number of processes and threads have arrived."""
        return self._of_name(name, barrier.Barrier, parties, action, timeout)

    def Queue(self, maxsize: int = 0, *, name: str | None = None) -> QueueProxy[Any]:
        """A queue, first in, first out."""
        return self._of_name(name, QueueProxy, maxsize)

    def JoinableQueue(
        self, maxsize: int = 0, *, name: str | None = None
    ) -> JoinableQueueProxy[Any]:
        """A queue, first in, first out. Any queue of a manager can be joined."""
        return self._of_name(name, JoinableQueueProxy, maxsize)

    def PriorityQueue(
        self, maxsize: int = 0, *, name: str | None = None
    ) -> priority_queue.PriorityQueue[Any]:
        """A queue, lowest item first."""
        return self._of_name(name, priority_queue.PriorityQueue, maxsize)

    @overload
    def shared(
        self, name: str, kind: type[builtins.list[_Item]], /, *arguments: Any
    ) -> ListProxy[_Item]: ...
    @overload
    def shared(
        self,
        name: str,
        kind: type[builtins.dict[_Key, _Item]],
        /,
        *arguments: Any,
        **named: Any,
    ) -> DictProxy[_Key, _Item]: ...
    @overload
    def shared(
        self, name: str, kind: type[builtins.set[_Item]], /, *arguments: Any
    ) -> SetProxy[_Item]: ...
    @overload
    def shared(
        self, name: str, kind: type[_AnyProxy], /, *arguments: Any, **named: Any
    ) -> _AnyProxy: ...
    @overload
    def shared(
        self, name: str, kind: Callable[..., _Item], /, *arguments: Any, **named: Any
    ) -> ValueProxy[_Item]: ...
    def shared(
        self, name: str, kind: Callable[..., Any], /, *arguments: Any, **named: Any
    ) -> Any:
        """The variable of that name here, made at first use; see `sharevar.shared`."""
        refusal.require_text(name)
        return shared_globals.get_or_make(self.arena, name, kind, arguments, named)

    def __getitem__(self, name: str) -> Any:
        """The variable of that name; `KeyError` if there is none."""
        return shared_globals.find(self.arena, name)

    def __contains__(self, name: object) -> bool:
        return shared_globals.has(self.arena, name)

    def variables(self) -> builtins.list[str]:
        """The names of the variables, in the order in which they were made."""
        return shared_globals.names(self.arena)

    def _of_name(
        self, name: str | None, cls: type[_AnyProxy], /, *arguments: Any, **named: Any
    ) -> _AnyProxy:
        if name is None:
            return self._make(cls, *arguments, **named)
        refusal.require_text(name)
        found = shared_globals.get_or_make(self.arena, name, cls, arguments, named)
        assert isinstance(found, cls)
        return found
