"""The objects that the server keeps, by the type ids of their proxies.

Operations that do not wait are done one at a time, so that each is atomic. Those that wait are
the standard library's, for threads: a process has a thread of the server for each of its own.
"""

from __future__ import annotations

import functools
import threading
from array import array
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TypeVar

from ..errors import NotHeld, NotOwner
from .kept_queues import FifoQueue, LowestFirstQueue

_Class = TypeVar("_Class", bound=type[Any])

# Of all objects: an operation may have two of them.
_operation = threading.RLock()


def _atomic(*names: str) -> Callable[[_Class], _Class]:
    """Decorates a class: these methods are done one at a time."""

    def wrap(cls: _Class) -> _Class:
        for name in names:
            setattr(cls, name, _in_turn(getattr(cls, name)))
        cls.exposed = names
        return cls

    return wrap


def _in_turn(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def call(*arguments: Any, **named: Any) -> Any:
        with _operation:
            return method(*arguments, **named)

    return call


@_atomic(
    "__contains__", "__delitem__", "__getitem__", "__len__", "__setitem__", "clear", "copy",
    "get", "get_many", "incr", "items", "keys", "pop", "popitem", "setdefault", "update",
    "values",
)  # fmt: skip
class Dict(dict[Any, Any]):
    exposed: tuple[str, ...]

    def copy(self) -> dict[Any, Any]:
        return dict(self)

    def get_many(self, keys: list[Any], default: Any = None) -> list[Any]:
        return [self.get(key, default) for key in keys]

    def incr(self, key: Any, by: Any = 1) -> Any:
        self[key] = value = self.get(key, 0) + by
        return value

    def items(self) -> Any:
        return list(super().items())

    def keys(self) -> Any:
        return list(super().keys())

    def values(self) -> Any:
        return list(super().values())


@_atomic(
    "__contains__", "__delitem__", "__getitem__", "__len__", "__setitem__", "append", "clear",
    "copy", "count", "extend", "index", "insert", "pop", "remove", "repeat", "replace",
    "reverse", "sort",
)  # fmt: skip
class List(list[Any]):
    exposed: tuple[str, ...]

    def repeat(self, times: int) -> None:
        self *= times

    def sort(self, reverse: bool = False) -> None:  # type: ignore[override]
        # All or nothing, where two items cannot be compared.
        self[:] = sorted(self, reverse=reverse)

    def replace(self, old: list[Any], new: list[Any]) -> bool:
        """Store other items, unless the list has changed."""
        if self != old:
            return False
        self[:] = new
        return True


@_atomic(
    "__contains__", "__len__", "add", "clear", "difference_update", "discard", "elements",
    "intersection_update", "pop", "remove", "symmetric_difference_update", "update",
)  # fmt: skip
class Set:
    """The elements are in the order in which they were put in; `pop` takes the last."""

    exposed: tuple[str, ...]

    def __init__(self, elements: Iterable[Any] = ()) -> None:
        self._elements = dict.fromkeys(elements)

    def __contains__(self, element: Any) -> bool:
        return element in self._elements

    def __len__(self) -> int:
        return len(self._elements)

    def add(self, element: Any) -> None:
        self._elements.setdefault(element)

    def clear(self) -> None:
        self._elements.clear()

    def discard(self, element: Any) -> None:
        self._elements.pop(element, None)

    def elements(self) -> list[Any]:
        return list(self._elements)

    def pop(self) -> Any:
        if not self._elements:
            raise KeyError("pop from an empty set")
        return self._elements.popitem()[0]

    def remove(self, element: Any) -> None:
        del self._elements[element]

    def update(self, *others: Iterable[Any]) -> None:
        for other in others:
            for element in other:
                self.add(element)

    def difference_update(self, *others: Iterable[Any]) -> None:
        self._keep(set(self._elements).difference(*others))

    def intersection_update(self, *others: Iterable[Any]) -> None:
        self._keep(set(self._elements).intersection(*others))

    def symmetric_difference_update(self, other: Iterable[Any]) -> None:
        added = dict.fromkeys(other)
        for element in [element for element in added if element in self._elements]:
            del self._elements[element], added[element]
        self._elements.update(added)

    def _keep(self, kept: set[Any]) -> None:
        self._elements = {element: None for element in self._elements if element in kept}


@_atomic("get", "incr", "set")
class Value:
    exposed: tuple[str, ...]

    def __init__(self, value: Any = None) -> None:
        self._value = value

    def get(self) -> Any:
        return self._value

    def set(self, value: Any) -> None:
        self._value = value

    def incr(self, by: Any = 1) -> Any:
        self._value += by
        return self._value


@_atomic("__getitem__", "__len__", "__setitem__")
class Array:
    """An array of fixed length."""

    exposed: tuple[str, ...]

    def __init__(self, typecode: str, sequence: Any) -> None:
        if isinstance(sequence, int):
            zeros = bytes(array(typecode).itemsize * sequence)
            self._items: array[Any] = array(typecode, zeros)
        else:
            self._items = array(typecode, sequence)

    def __getitem__(self, place: Any) -> Any:
        return self._items[place]

    def __len__(self) -> int:
        return len(self._items)

    def __setitem__(self, place: Any, value: Any) -> None:
        if isinstance(place, slice):
            value = array(self._items.typecode, value)
            if len(value) != len(self._items[place]):
                raise ValueError("an array in shared memory keeps its length")
        self._items[place] = value


@_atomic("attributes", "delete", "read", "write")
class Namespace:
    exposed: tuple[str, ...]

    def __init__(self, **attributes: Any) -> None:
        self._attributes = attributes

    def attributes(self) -> dict[str, Any]:
        return dict(self._attributes)

    def read(self, name: str) -> tuple[Any, ...]:
        """The attribute in a tuple, which is empty if there is none."""
        return (self._attributes[name],) if name in self._attributes else ()

    def write(self, name: str, value: Any) -> None:
        self._attributes[name] = value

    def delete(self, name: str) -> bool:
        return self._attributes.pop(name, self) is not self


class Lock:
    """A lock, with the error of ours."""

    exposed = "acquire", "locked", "release"

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.acquire, self.locked = self._lock.acquire, self._lock.locked

    def release(self) -> None:
        try:
            self._lock.release()
        except RuntimeError as error:
            raise NotHeld("the lock is released and nobody holds it") from error


class RLock:
    """A recursive lock that can be asked whether it is held."""

    exposed = "acquire", "locked", "release"

    def __init__(self) -> None:
        self._lock: Any = threading.RLock()

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        return bool(self._lock.acquire(blocking, timeout))

    def release(self) -> None:
        try:
            self._lock.release()
        except RuntimeError as error:
            raise NotOwner("this thread releases a lock that it does not hold") from error

    def locked(self) -> bool:
        return "unlocked" not in repr(self._lock)


class Semaphore(threading.Semaphore):
    exposed = "acquire", "get_value", "release"

    def get_value(self) -> int:
        return self._value  # type: ignore[attr-defined, no-any-return]


class BoundedSemaphore(threading.BoundedSemaphore):
    exposed = Semaphore.exposed

    def get_value(self) -> int:
        return self._value  # type: ignore[attr-defined, no-any-return]


class Condition(threading.Condition):
    """A condition, whose lock may be one that the server keeps."""

    exposed = "acquire", "notify", "notify_all", "release", "wait"

    def __init__(self, lock: Any = None) -> None:
        if lock is not None:
            # The object itself, not the proxy of it that has arrived.
            lock = lock._kept()
        super().__init__(getattr(lock, "_lock", lock))


class Barrier(threading.Barrier):
    exposed = "abort", "reset", "state", "wait"

    def state(self) -> tuple[int, int, bool]:
        return self.parties, self.n_waiting, self.broken


class Kind(NamedTuple):
    """How the server makes an object, and the methods that a proxy may call."""

    make: Callable[..., Any]
    exposed: tuple[str, ...]


def _kind(cls: Any) -> Kind:
    return Kind(cls, cls.exposed)


KINDS = {
    "Array": _kind(Array),
    "Barrier": _kind(Barrier),
    "BoundedSemaphore": _kind(BoundedSemaphore),
    "Condition": _kind(Condition),
    "Event": Kind(threading.Event, ("clear", "is_set", "set", "wait")),
    "JoinableQueue": _kind(FifoQueue),
    "Lock": _kind(Lock),
    "Namespace": _kind(Namespace),
    "PriorityQueue": _kind(LowestFirstQueue),
    "Queue": _kind(FifoQueue),
    "RLock": _kind(RLock),
    "Semaphore": _kind(Semaphore),
    "SimpleQueue": _kind(FifoQueue),
    "Value": _kind(Value),
    "dict": _kind(Dict),
    "list": _kind(List),
    "set": _kind(Set),
}
