"""The compiled half of sharevar: arenas, the variables in them, and the errors they raise.

The classes here are the proxies' bases. They are subclassed in Python with empty
``__slots__``, so that ``[]``, ``len`` and ``in`` are the native slots themselves.

The file is long because an extension module has one stub: a package of stubs would name
modules that cannot be imported.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from multiprocessing import AuthenticationError
from multiprocessing import TimeoutError as MultiprocessingTimeoutError
from multiprocessing.managers import RemoteError  # type: ignore[attr-defined]
from os import PathLike
from pickle import PicklingError
from types import GenericAlias, TracebackType
from typing import Any, Final, Generic, Protocol, SupportsIndex, TypeVar, final, overload

from typing_extensions import disjoint_base

_Key = TypeVar("_Key")
_Item = TypeVar("_Item")
_Default = TypeVar("_Default")
_AnyVariable = TypeVar("_AnyVariable", bound="Variable | Monitor")
_AnyMonitor = TypeVar("_AnyMonitor", bound="Monitor")

class SharevarError(Exception):
    """The root of every error that sharevar raises by itself."""

    happened: bool | None

class OutOfSharedMemory(SharevarError, MemoryError):
    """The arena has no room; the variable is as it was before the call."""

class HandleExpired(SharevarError, RemoteError):
    """The variable or object was freed: it had no references when this one arrived."""

class ClosedError(SharevarError, BrokenPipeError, EOFError):
    """The arena was closed for all processes (its manager was shut down)."""

class NotAnArena(SharevarError):
    """The descriptor leads to something else than an arena."""

class LayoutMismatch(SharevarError):
    """The arena was made by a version of sharevar with another layout."""

class CorruptArena(SharevarError):
    """The arena's bytes contradict themselves."""

class TransactionTooLarge(SharevarError):
    """One operation would change more than a journal holds; nothing was changed."""

class TooManyParticipants(SharevarError):
    """Every participant slot of the arena is taken by a live process."""

class CapacityTooSmall(SharevarError, ValueError):
    """An arena cannot be made with so little memory."""

class CapacityTooLarge(SharevarError, ValueError):
    """No arena can have so much memory."""

class ForeignProcess(SharevarError):
    """The object belongs to the process that this one was forked from."""

class DescriptorLost(SharevarError):
    """This process has closed its descriptor of the arena."""

class InvalidName(SharevarError, ValueError):
    """The text cannot be the name of a manager."""

class NoSuchManager(SharevarError, LookupError):
    """No process of this user has a manager of that name, and none is kept."""

class NoPlace(SharevarError):
    """There is no directory for the names of managers, and none can be made."""

class PlaceUnsafe(SharevarError):
    """Another user may have made or may change what is at a path of sharevar's."""

class NameBusy(SharevarError, TimeoutError):
    """Other processes were opening or removing the manager for ten seconds."""

class NameUnreachable(SharevarError):
    """The manager is in use, or kept, in memory that this process cannot reach."""

class NotKept(SharevarError):
    """The manager there is while_used, or none can be kept (kernel.shm_rmid_forced)."""

class NoWitness(SharevarError):
    """Other processes could not tell this one alive from dead, so it cannot take part."""

class OwnerUnknown(SharevarError):
    """Nothing can be known of the process that holds what was waited for."""

class Unsupported(SharevarError, NotImplementedError):
    """The engine that keeps the variable cannot do that; the message says which can."""

class NoEngine(SharevarError, ValueError):
    """No engine is known that the address could lead to."""

class Unavailable(SharevarError, ConnectionError):
    """The engine's server cannot be reached; nothing has changed."""

class EngineRefused(SharevarError, PermissionError):
    """The engine's server must not be used, or does not allow it; nothing has changed."""

class OutcomeUnknown(SharevarError, ConnectionError):
    """The engine's server gave no answer; the operation has taken effect or not."""

class NotReplicated(SharevarError):
    """The server has done it, and replicas that may take its place have not confirmed it."""

class LeaseLost(SharevarError):
    """The server has not heard of this process for too long: its locks are others' now."""

class Fenced(SharevarError):
    """The lock that the operation is fenced by has another holder; nothing has changed."""

class NotShareable(SharevarError, TypeError, PicklingError):
    """The value is of no native type and cannot be pickled; nothing was stored."""

class PickleRefused(SharevarError, TypeError):
    """A pickle in a named manager: its creator and each user of pickles say pickle=True."""

class ReadOnly(SharevarError, TypeError):
    """The manager was opened for reading only; nothing was changed."""

class Contended(SharevarError, TimeoutError):
    """The variable was changed whenever it was read without its lock."""

class WriterDied(SharevarError):
    """A process died while it changed the variable, which this one may only read."""

class NotADump(SharevarError, ValueError):
    """The file is no dump of a manager, or a damaged one."""

class NotDumpable(SharevarError):
    """The manager has something that cannot be in a dump."""

class WrongKind(SharevarError, TypeError):
    """The name or handle belongs to a variable of another kind."""

class NotHeld(SharevarError, ValueError, RuntimeError):
    """A lock that is not held was released."""

class NotOwner(SharevarError, AssertionError, RuntimeError):
    """A recursive lock or a condition was used by a thread that does not hold the lock."""

class BrokenBarrier(SharevarError, threading.BrokenBarrierError):
    """The barrier is broken: by abort, reset, a time-out, a failed action or a death."""

class QueueShutDown(SharevarError):
    """The queue was shut down: nothing can be put, and nothing is left to get."""

class TooManyReleases(SharevarError, ValueError):
    """A semaphore was released more often than acquired; nothing was changed."""

class HostDied(SharevarError, EOFError, BrokenPipeError, ConnectionResetError):
    """The host is gone; `started` says whether it may have begun the call."""

    started: bool

class HostUnreachable(HostDied, ConnectionRefusedError, FileNotFoundError):
    """No host can be reached there, so that no call has begun."""

class AccessRefused(SharevarError, AuthenticationError):
    """One side of a connection does not know the key, or may not come in."""

class PlaintextRefused(SharevarError, ValueError):
    """The connection would leave the machine in plain text, or without a key."""

class NotAHost(SharevarError, ConnectionError):
    """The server at the address is no host of sharevar."""

class CallTimedOut(SharevarError, TimeoutError, MultiprocessingTimeoutError):
    """The call had not ended in time; it was cancelled."""

class CallRefused(SharevarError, RemoteError):
    """The host could not read the call's arguments, or could not send its result."""

class NotExposed(SharevarError, RemoteError, AttributeError):
    """The name is none of those that can be called of the hosted object."""

class NotRegistered(SharevarError, RemoteError, RuntimeError):
    """The host knows no such type: it was registered too late, or not at all."""

class HostedPanic(SharevarError, RemoteError):
    """A method of a Rust object panicked; the host lives on."""

__version__: str
FAMILY: str

@disjoint_base
class Store:
    """A home of variables: an arena, or what another engine keeps."""

    @staticmethod
    def connect(address: str) -> Store:
        """Connect to variables that another engine than shared memory keeps."""
    @property
    def address(self) -> str | None:
        """The address by which a process connects to the same home, without secrets."""
    @property
    def accepts_pickles(self) -> bool:
        """Whether this process stores and reads pickles here."""
    def expect_pickles(self) -> None:
        """`PickleRefused` unless this process stores and reads pickles here."""
    @property
    def engine(self) -> str:
        """The engine's name."""
    @property
    def name(self) -> str | None:
        """The name by which any process of the user finds the arena, if it has one."""
    @property
    def id(self) -> bytes:
        """The home's identity: 16 bytes that no other home has."""
    @property
    def is_read_only(self) -> bool:
        """Whether this process may only read it."""
    @property
    def closed(self) -> bool:
        """Whether the home was closed for all processes."""
    def close(self) -> None:
        """Close for all processes: later operations raise `ClosedError`, sleepers wake."""
    def leave(self) -> None:
        """End this process's use of what is connected to."""
    def named(self, name: str, cls: type[_AnyVariable], *args: Any) -> _AnyVariable:
        """The variable of that name.

        If there is none it is made now, as ``cls(store, *args)``.
        """
    def enter(self, name: str, variable: _AnyVariable) -> _AnyVariable:
        """The variable of that name: this one, if there was none."""
    def find(self, name: str) -> Variable | None:
        """The variable of that name, if there is one."""
    def names(self) -> list[str]:
        """The names in use, in the order in which they were made."""
    def open(self, cls: type[_AnyVariable], number: int, generation: int) -> _AnyVariable:
        """The variable that a handle leads to."""

@final
class FakeServer:
    """A server of variables in this process."""

    LEASE: Final[float]
    def __new__(cls) -> FakeServer: ...
    @property
    def address(self) -> str:
        """The address by which this process connects to it."""
    def client(self) -> FakeClient:
        """Connect another client."""
    def advance(self, seconds: float, /) -> None:
        """Let so many seconds pass."""

@final
class FakeClient:
    """A client of such a server."""

    def store(self) -> Store:
        """Its variables."""
    def fail(self, name: str, /) -> None:
        """All requests fail like that: `Fault.value`."""
    def fail_after(self, requests: int, name: str, /) -> None:
        """The request fails that comes after so many others."""
    def recover(self) -> None:
        """Requests are answered again."""
    @property
    def requests(self) -> int:
        """How many requests it has made."""
    def expire(self) -> None:
        """End its lease."""
    def kill(self) -> None:
        """End it as a death does."""

@final
class Arena(Store):
    """One shared mapping, and this process's attachment to it."""

    def __new__(cls, capacity: int | None = None) -> Arena: ...
    @staticmethod
    def attach(fd: int) -> Arena:
        """Attach to the arena behind a descriptor, by a duplicate of it."""
    @staticmethod
    def open_by_name(
        name: str,
        capacity: int | None = None,
        is_kept: bool = False,
        allow_pickle: bool = False,
        load: str | PathLike[str] | None = None,
    ) -> Arena:
        """Open the arena of that name on this machine, or make it.

        One that is made may have pickles if ``allow_pickle`` says so, and begins with the
        variables of the dump in the file ``load``.
        """
    @staticmethod
    def attach_by_name(name: str, read_only: bool = False) -> Arena:
        """Attach to the arena of that name on this machine, perhaps for reading only."""
    def dump(self, path: str | PathLike[str]) -> None:
        """Write all variables that have names into a file."""
    @property
    def allows_pickles(self) -> bool:
        """Whether the arena may have pickles."""
    def accept_pickles(self) -> None:
        """Have this process store and read pickles; `PickleRefused` if there may be none."""
    @property
    def capacity(self) -> int:
        """The most bytes that the arena may come to hold."""
    @property
    def used(self) -> int:
        """The bytes that are in use now."""
    @property
    def references(self) -> int:
        """How many variables this process holds a reference to."""
    def fileno(self) -> int:
        """This process's descriptor of the arena."""
    def _become_family(self) -> None:
        """Let this be the arena of what is made without a manager."""
    def sweep(self) -> int:
        """Recover what dead participants left, and count what was found."""
    def check(self) -> list[str]:
        """Examine the whole arena; each string is one contradiction."""

@disjoint_base
class Variable:
    """A reference to one shared variable."""

    @property
    def store(self) -> Store:
        """The store that holds the variable."""
    @property
    def arena(self) -> Store:
        """The same, by the name that it has in shared memory."""
    @property
    def handle(self) -> tuple[int, int]:
        """The variable's name inside of its store: a number and a generation."""
    @property
    def kind(self) -> str:
        """``'dict'``, ``'list'``, ``'lock'``, and so on: what the variable is."""

@disjoint_base
class Dict(Variable, Generic[_Key, _Item]):
    """A shared dict: keys as in Python, in insertion order. Each method is atomic."""

    def __new__(cls, arena: Store) -> Dict[Any, Any]: ...
    def __class_getitem__(cls, item: Any) -> GenericAlias: ...
    def __getitem__(self, key: _Key, /) -> _Item: ...
    def __setitem__(self, key: _Key, value: _Item, /) -> None: ...
    def __delitem__(self, key: _Key, /) -> None: ...
    def __len__(self) -> int: ...
    def __contains__(self, key: object, /) -> bool: ...
    @overload
    def get(self, key: _Key, default: None = None, /) -> _Item | None: ...
    @overload
    def get(self, key: _Key, default: _Default, /) -> _Item | _Default: ...
    @overload
    def get_many(self, keys: Iterable[_Key], default: None = None, /) -> list[_Item | None]: ...
    @overload
    def get_many(self, keys: Iterable[_Key], default: _Default, /) -> list[_Item | _Default]:
        """A list of the values of keys, the default where one is not there."""
    @overload
    def pop(self, key: _Key, /) -> _Item: ...
    @overload
    def pop(self, key: _Key, default: _Default, /) -> _Item | _Default: ...
    def popitem(self) -> tuple[_Key, _Item]: ...
    def setdefault(self, key: _Key, default: Any = None, /) -> _Item: ...
    def clear(self) -> None: ...
    def update_items(self, pairs: dict[_Key, _Item], /) -> None:
        """Store all pairs in one step: others see none of them or all."""
    def key_iterator(self, kind: str, /) -> Iterator[_Key] | None:
        """Over the keys of this moment, if they are in shared memory."""
    def page_of_keys(self, after: int | None, /) -> tuple[list[_Key], int | None, int]:
        """The keys behind a place, the last place if there are more, and the number of all."""
    def keys(self) -> list[_Key]: ...
    def values(self) -> list[_Item]: ...
    def items(self) -> list[tuple[_Key, _Item]]: ...
    def copy(self) -> dict[_Key, _Item]: ...
    def incr(self, key: _Key, by: int | float = 1) -> Any:
        """Add to an entry (0 where there is none) in one step; gives the new value."""
    def view(self, key: _Key, /, *, writable: bool = False) -> Any:
        """A view of a value in shared memory: a memoryview of bytes, an array of an array."""

@disjoint_base
class List(Variable, Generic[_Item]):
    """A shared list. Each method is atomic."""

    def __new__(cls, arena: Store) -> List[Any]: ...
    def __class_getitem__(cls, item: Any) -> GenericAlias: ...
    @overload
    def __getitem__(self, index: SupportsIndex, /) -> _Item: ...
    @overload
    def __getitem__(self, index: slice, /) -> list[_Item]: ...
    def __setitem__(self, index: SupportsIndex | slice, value: Any, /) -> None: ...
    def _iterate(self) -> Iterator[_Item]: ...
    def view(self, index: SupportsIndex, /, *, writable: bool = False) -> Any:
        """A view of an item in shared memory: a memoryview of bytes, an array of an array."""
    def __delitem__(self, index: SupportsIndex | slice, /) -> None: ...
    def __len__(self) -> int: ...
    def __contains__(self, item: object, /) -> bool: ...
    def append(self, item: _Item, /) -> None: ...
    def extend(self, items: list[_Item], /) -> None: ...
    def insert(self, index: int, item: _Item, /) -> None: ...
    def pop(self, index: int = -1, /) -> _Item: ...
    def reverse(self) -> None: ...
    def clear(self) -> None: ...
    def copy(self) -> list[_Item]: ...
    def remove(self, value: Any, /) -> None:
        """Delete the first occurrence of a value."""
    def index(self, value: Any, start: SupportsIndex = 0, stop: SupportsIndex = ..., /) -> int:
        """The first place of a value."""
    def count(self, value: Any, /) -> int:
        """How often a value occurs."""
    def sort(
        self, *, key: Callable[[_Item], Any] | None = None, reverse: object = False
    ) -> None:
        """Sort in place."""
    def repeat(self, times: int, /) -> None:
        """Make the list hold its items so many times over, in one step."""

@disjoint_base
class Value(Variable, Generic[_Item]):
    """One shared value of any shareable type."""

    def __new__(cls, arena: Store, initial: Any = None) -> Value[Any]: ...
    def __class_getitem__(cls, item: Any) -> GenericAlias: ...
    value: _Item
    def get(self) -> _Item: ...
    def set(self, value: _Item, /) -> None: ...
    def incr(self, by: int | float = 1) -> Any:
        """Add in one step; gives the new value."""

@disjoint_base
class Array(Variable):
    """A fixed number of machine numbers; every process sees the same bytes."""

    def __new__(
        cls, arena: Store, item_format: str | None = None, item_count: int | None = None
    ) -> Array: ...
    @overload
    def __getitem__(self, index: SupportsIndex, /) -> Any: ...
    @overload
    def __getitem__(self, index: slice, /) -> Any: ...
    def __setitem__(self, index: SupportsIndex | slice, value: Any, /) -> None: ...
    @property
    def _typecode(self) -> str: ...
    def _items(self, place: slice, /) -> Any: ...
    def _octets(self, place: slice, /) -> bytes: ...
    def __len__(self) -> int: ...
    def __buffer__(self, flags: int, /) -> memoryview: ...

@disjoint_base
class PriorityQueue(Variable, Generic[_Item]):
    """A shared queue, lowest item first. Each method but the two for many items is atomic."""

    def __new__(cls, arena: Store, maxsize: int = 0) -> PriorityQueue[Any]: ...
    def put(self, item: _Item, block: object = True, timeout: float | None = None) -> None:
        """Put an item into the queue; `queue.Full` if there is no room, or not in time."""
    def put_nowait(self, item: _Item) -> None: ...
    def get(self, block: object = True, timeout: float | None = None) -> _Item:
        """Take the lowest item; `queue.Empty` if there is none, or none in time."""
    def get_nowait(self) -> _Item: ...
    def peek(self) -> _Item:
        """The lowest item, which stays in the queue; `queue.Empty` if there is none."""
    def put_many(self, items: Iterable[_Item], /) -> None:
        """Put all items, some dozens in one step, waiting for room where there is none."""
    def get_many(
        self, most: int, block: object = True, timeout: float | None = None
    ) -> list[_Item]:
        """Take up to ``most`` items, at least one, for which it waits as ``get`` does. The
        error of an item that cannot be read has the others as its attribute ``others``."""
    def fileno(self) -> int:
        """A descriptor that is readable while there are items: for `select`, `selectors`
        and event loops. It lives as long as this object; nothing is to be read from it."""
    def qsize(self) -> int:
        """The number of items."""
    def empty(self) -> bool: ...
    def full(self) -> bool: ...
    def task_done(self) -> None:
        """Say that an item that was got is dealt with."""
    def join(self) -> None:
        """Wait until every item that was put is dealt with."""
    def shutdown(self, immediate: object = False) -> None:
        """Refuse to put from now on, and to get once it is empty; ``immediate`` empties it."""
    @property
    def maxsize(self) -> int:
        """The most items at a time; 0 is no limit."""
    @classmethod
    def __class_getitem__(cls, item: Any) -> GenericAlias: ...

@disjoint_base
class Queue(Variable, Generic[_Item]):
    """A shared queue. Each method but the two for many items is atomic."""

    def __new__(cls, arena: Store, maxsize: int = 0, form: str = "queue") -> Queue[Any]: ...
    def put(self, obj: _Item, block: object = True, timeout: float | None = None) -> None:
        """Put an item into the queue; `queue.Full` if there is no room, or not in time."""
    def put_nowait(self, obj: _Item) -> None: ...
    def get(self, block: object = True, timeout: float | None = None) -> _Item:
        """Take the first item; `queue.Empty` if there is none, or none in time."""
    def get_nowait(self) -> _Item: ...
    def put_many(self, items: Iterable[_Item], /) -> None:
        """Put all items, some thousands in one step, waiting for room where there is none."""
    def get_many(
        self, most: int, block: object = True, timeout: float | None = None
    ) -> list[_Item]:
        """Take up to ``most`` items, at least one, for which it waits as ``get`` does. The
        error of an item that cannot be read has the others as its attribute ``others``."""
    def fileno(self) -> int:
        """A descriptor that is readable while there are items: for `select`, `selectors`
        and event loops. It lives as long as this object; nothing is to be read from it."""
    def _writer_fileno(self) -> int:
        """The other end, which is always writable."""
    def _poll(self, timeout: float | None = 0.0) -> bool:
        """Wait until a get would come back at once; false if not in time."""
    def qsize(self) -> int:
        """The number of items."""
    def empty(self) -> bool: ...
    def full(self) -> bool: ...
    def task_done(self) -> None:
        """Say that an item that was got is dealt with."""
    def join(self) -> None:
        """Wait until every item that was put is dealt with."""
    def shutdown(self, immediate: object = False) -> None:
        """Refuse to put from now on, and to get once it is empty; ``immediate`` empties it."""
    def close(self) -> None:
        """Use it no more in this process."""
    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
    @property
    def maxsize(self) -> int:
        """The most items at a time; 0 is no limit."""
    def set_maxsize(self, maxsize: int, /) -> None:
        """Set the most items at a time; those that are too many already stay."""
    @classmethod
    def __class_getitem__(cls, item: Any) -> GenericAlias: ...

@disjoint_base
class Lock(Variable):
    """A lock that outlives its holder: when that dies, the next one gets it."""

    def __new__(cls, arena: Store, owned: bool | None = None) -> Lock: ...
    def acquire(
        self,
        block: bool = True,
        timeout: float | None = None,
        *,
        blocking: bool = True,
    ) -> bool: ...
    def release(self) -> None: ...
    def locked(self) -> bool: ...
    @property
    def owner_died(self) -> bool:
        """Whether an earlier holder died, and `mark_consistent` was not called since."""
    def mark_consistent(self) -> None:
        """Say that what the lock protects is in order again."""
    @property
    def token(self) -> int | None:
        """The number of this process's hold; None without one, and in shared memory."""
    @property
    def lost(self) -> bool:
        """Whether this process, which took the lock, has lost it to another holder."""
    def fence(self, variable: _AnyVariable, /) -> _AnyVariable:
        """The same variable; it raises `Fenced` once this lock has another holder."""
    def _is_owned(self) -> bool:
        """Whether this process holds the lock: what a condition asks before it waits."""
    def _release_save(self) -> None:
        """Give the lock back entirely; what is given back is for `_acquire_restore`."""
    def _acquire_restore(self, _state: None, /) -> None:
        """Take the lock again, however long it takes and whatever a handler raises."""
    def __enter__(self) -> bool: ...
    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...

@disjoint_base
class RLock(Variable):
    """A lock that its thread may take again. When its holder ends, the next gets it."""

    def __new__(cls, arena: Store) -> RLock: ...
    def acquire(
        self,
        block: bool = True,
        timeout: float | None = None,
        *,
        blocking: bool = True,
    ) -> bool: ...
    def release(self) -> None: ...
    def locked(self) -> bool: ...
    @property
    def owner_died(self) -> bool:
        """Whether an earlier holder died, and `mark_consistent` was not called since."""
    def mark_consistent(self) -> None:
        """Say that what the lock protects is in order again."""
    @property
    def token(self) -> int | None:
        """The number of this thread's hold; None without one, and in shared memory."""
    @property
    def lost(self) -> bool:
        """Whether this thread, which took the lock, has lost it to another holder."""
    def fence(self, variable: _AnyVariable, /) -> _AnyVariable:
        """The same variable; it raises `Fenced` once this lock has another holder."""
    def _is_owned(self) -> bool:
        """Whether this thread holds the lock: what a condition asks before it waits."""
    def _recursion_count(self) -> int:
        """How many times this thread holds the lock."""
    def _holder(self) -> str:
        """``'none'``, ``'this thread'``, ``'another thread'`` or ``'another process'``."""
    def _release_save(self) -> int:
        """Give the lock back entirely; what is given back is for `_acquire_restore`."""
    def _acquire_restore(self, state: int, /) -> None:
        """Take the lock again, as often as before, and whatever a handler raises."""
    def __enter__(self) -> bool: ...
    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...

@disjoint_base
class Semaphore(Variable):
    """Units to take and give back; those of a holder who dies are given back."""

    def __new__(
        cls,
        arena: Store,
        value: int = 1,
        bounded: bool = False,
        owned: bool | None = None,
    ) -> Semaphore: ...
    def acquire(
        self,
        block: bool = True,
        timeout: float | None = None,
        *,
        blocking: bool = True,
    ) -> bool: ...
    def release(self, n: int = 1) -> None: ...
    def get_value(self) -> int: ...
    def locked(self) -> bool: ...
    @property
    def maxvalue(self) -> int:
        """The most units that may be free."""
    @property
    def held(self) -> int | None:
        """How many units this process holds; none of a signal, which keeps no holders."""
    def __enter__(self) -> bool: ...
    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...

@disjoint_base
class Condition(Variable):
    """A condition: where those wait who hold its lock, until they are notified."""

    def __new__(cls, arena: Store, lock: Variable | None = None) -> Condition: ...
    @property
    def _lock(self) -> Any:
        """The lock that belongs to it."""
    def _counts(self) -> tuple[int, int]:
        """How many wait, and how many are notified and have not gone on yet."""
    def acquire(self, block: bool = True, timeout: float | None = None) -> bool:
        """Take the lock, with its arguments."""
    def release(self) -> None:
        """Give the lock back."""
    def wait(self, timeout: float | None = None) -> bool:
        """Wait until notified, without the lock; false if that does not happen in time."""
    def notify(self, n: int = 1) -> None:
        """Notify those who have waited longest, ``n`` at most."""
    def notify_all(self) -> None:
        """Notify all who wait."""
    def __enter__(self) -> bool: ...
    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...

@disjoint_base
class Event(Variable):
    """A flag that processes and threads wait for."""

    def __new__(cls, arena: Store) -> Event: ...
    def set(self) -> None: ...
    def clear(self) -> None: ...
    def is_set(self) -> bool: ...
    def wait(self, timeout: float | None = None) -> bool: ...

@disjoint_base
class Barrier(Variable):
    """A barrier: where so many wait until all of them are there."""

    def __new__(
        cls,
        arena: Store,
        parties: int = 1,
        action: Callable[[], object] | None = None,
        timeout: float | None = None,
    ) -> Barrier: ...
    def wait(self, timeout: float | None = None) -> int:
        """Wait for the others; the number of this one, from 0 to ``parties - 1``."""
    def abort(self) -> None:
        """Break the barrier: all waits raise `BrokenBarrierError`, until it is reset."""
    def reset(self) -> None:
        """Make the barrier as good as new. Those who wait get `BrokenBarrierError`."""
    @property
    def parties(self) -> int:
        """How many must arrive."""
    @property
    def n_waiting(self) -> int:
        """How many are there."""
    @property
    def broken(self) -> bool:
        """Whether it is broken."""
    @property
    def _action(self) -> Callable[[], object] | None:
        """The action, if this process has the object."""
    def _set_action(self, action: Callable[[], object]) -> None:
        """Let this process know the object of the action."""

@disjoint_base
class Namespace(Variable):
    """Attributes by name, which processes share."""

    def __new__(cls, arena: Store) -> Namespace: ...
    def __getattribute__(self, name: str, /) -> Any: ...
    def __setattr__(self, name: str, value: Any, /) -> None: ...
    def __delattr__(self, name: str, /) -> None: ...
    def _get(self, name: str, /) -> Any:
        """The shared attribute of any name."""
    def _set(self, name: str, value: Any, /) -> None:
        """Set the shared attribute of any name."""
    def _delete(self, name: str, /) -> None:
        """Delete the shared attribute of any name."""
    def _attributes(self) -> dict[str, Any]:
        """All shared attributes."""

@final
class MonitorState(Variable):
    """The variable that all objects of one monitor refer to, whatever their class."""

    def __new__(cls, arena: Store) -> MonitorState: ...

@disjoint_base
class Monitor:
    """The root of the classes that are monitors."""

    def __new__(cls, argument: Store | MonitorState, /) -> Any: ...
    def __getattribute__(self, name: str, /) -> Any: ...
    def __setattr__(self, name: str, value: Any, /) -> None: ...
    def __delattr__(self, name: str, /) -> None: ...

@final
class Method:
    """A function that is called under the lock of its first argument."""

    def __new__(cls, function: Callable[..., Any], /) -> Method: ...
    def __get__(self, instance: object, owner: type | None = None, /) -> Any: ...
    def __call__(self, *arguments: Any, **named: Any) -> Any: ...

@disjoint_base
class Set(Variable, Generic[_Item]):
    """A shared set: elements are equal as in Python, in the order of their coming."""

    MAX_CHANGE: int
    def __new__(cls, arena: Store) -> Set[Any]: ...
    def __class_getitem__(cls, item: Any) -> GenericAlias: ...
    def __len__(self) -> int: ...
    def __contains__(self, element: object, /) -> bool: ...
    def add(self, element: _Item, /) -> None: ...
    def discard(self, element: Any, /) -> None: ...
    def remove(self, element: Any, /) -> None: ...
    def pop(self) -> _Item: ...
    def clear(self) -> None: ...
    def elements(self) -> list[_Item]:
        """The elements in order."""
    def key_iterator(self, kind: str, /) -> Iterator[_Item] | None:
        """Over the elements of this moment, if they are in shared memory."""
    def page_of_keys(self, after: int | None, /) -> tuple[list[_Item], int | None, int]:
        """The elements behind a place, the last place if there are more, and their number."""
    def add_all(self, elements: list[_Item], /) -> None:
        """Put all the elements in, in one step."""
    def change_by(
        self,
        compute: Callable[[list[_Item]], tuple[list[Any], list[Any], list[Any] | None]],
        /,
    ) -> None:
        """Change the set in one step to what ``compute`` makes of its elements."""

@final
class RecordWriter:
    """What processes share of a file that they append to, in Rust and in Python."""

    def __new__(cls, store: Store, descriptor: int) -> RecordWriter: ...
    @property
    def lock(self) -> Any: ...
    def append(self, descriptor: int, record: bytes) -> None: ...

@final
class RestartPolicy:
    """The starts of a supervised host so far, and the pause before the next."""

    def __new__(cls) -> RestartPolicy: ...
    def next_pause(self, has_served: bool) -> float | None: ...
    @staticmethod
    def give_up(address: str, last: str) -> str:
        """Let callers that wait for a next host learn that there is none; the report of it.

        ``last`` is how the last host ended.
        """

@final
class HostClient:
    """A host, this process's connections to it, and its references on the host's objects."""

    def __new__(
        cls,
        address: str,
        key: bytes,
        *,
        plaintext: bool = False,
        tls: tuple[str | PathLike[str], str | None] | None = None,
    ) -> HostClient: ...
    @property
    def address(self) -> str:
        """The address of the host."""
    def connect(self) -> None:
        """Connect, if there is no connection yet; it raises if that cannot be done."""
    def call(
        self,
        object: int,
        method: str,
        args: Iterable[Any],
        kwds: dict[str, Any] | None = None,
        options: CallOptions | None = None,
    ) -> Any:
        """Call a method of an object; 0 is the host itself.

        An argument that cannot be sent raises before anything is sent. When the time is over,
        or a signal's handler raises, the connection is closed, which tells the host.
        """
    def batch(
        self,
        calls: list[tuple[int, str, tuple[Any, ...], dict[str, Any]]],
        options: CallOptions | None = None,
    ) -> list[tuple[bool, Any]]:
        """Make many calls with one message.

        For each, whether it returned, and the result or the exception.
        """
    def begin(
        self,
        object: int,
        method: str,
        args: Iterable[Any],
        kwds: dict[str, Any] | None = None,
        options: CallOptions | None = None,
    ) -> PendingCall:
        """A call that is not sent yet; an event loop waits for its reply."""
    def begin_batch(
        self,
        calls: list[tuple[int, str, tuple[Any, ...], dict[str, Any]]],
        options: CallOptions | None = None,
    ) -> PendingCall:
        """The same, of many calls with one message."""
    def create(
        self,
        typeid: str,
        args: Iterable[Any],
        kwds: dict[str, Any] | None = None,
    ) -> HostedReference:
        """Have the host make an object."""
    def find(self, name: str) -> HostedReference:
        """The object that the host has published under a name."""
    def hold(self, object: int) -> None:
        """Add a proxy of an object. If there is none, the host is asked for a reference."""
    def receive(self, object: int, incarnation: int) -> None:
        """Add a proxy of an object in a reply, with the reference that this incarnation of the
        host has counted."""
    def hold_all(self) -> list[int]:
        """Add a proxy of each object that has some; their numbers."""
    def release(self, object: int) -> None:
        """Remove a proxy. With the last one the reference is released, by the next message at
        the latest."""
    def held(self) -> list[int]:
        """The objects that have proxies here."""
    def forget(self) -> None:
        """Begin anew in a forked child: the connections and the references are the parent's."""
    def expect_next(self, expected: bool) -> None:
        """Whether the host is started again when it dies, and is waited for then."""
    def close(self) -> None:
        """Close the connections that are not in use. The next call opens new ones."""

@final
class CallOptions:
    """The options of a call. `timeout` is the longest wait for the reply, in seconds;
    `idempotent`: it may be carried out twice if its host dies."""

    def __new__(
        cls, timeout: float | None = None, *, idempotent: bool = False
    ) -> CallOptions: ...
    def for_items(self) -> CallOptions:
        """The options of requests for the items of a stream."""

@final
class PendingCall:
    """A request that was not sent yet, or whose reply has not come.

    Nothing here waits but `send_waiting`, which is for a thread.
    """

    def send(self) -> bool:
        """Send the request on a connection that is free; False if that may wait."""
    def send_waiting(self) -> bool:
        """Send the request, however long that takes, on a new connection if none is free.

        Connecting cannot be interrupted, so the wait for a slow host ends after a while: False,
        and it is to be called again.
        """
    def retry_pause(self) -> float | None:
        """The seconds after which the request that has failed may be sent again, if it may."""
    @property
    def timeout(self) -> float | None:
        """The longest wait for the reply, in seconds; None for as long as the host lives."""
    def fileno(self) -> int:
        """The descriptor that becomes readable when something has come."""
    def arrived(self) -> bool:
        """Whether the reply is there, after spinning for some microseconds.

        As long as it is not, the descriptor becomes readable with whatever comes.
        """
    def result(self) -> Any:
        """The result in the reply. The connection is free for other calls then."""
    def close(self) -> None:
        """Give the call up, which tells the host; nothing is done if it has ended."""

@final
class HostedReference:
    """An object of a host, as a reply names it.

    The caller's session holds one reference with it, unless it is the object that was asked.
    """

    @property
    def object(self) -> int | None:
        """Its number; None for the object that was asked itself."""
    @property
    def typeid(self) -> str | None:
        """The name that its type is registered by; None for the items of an iterator."""
    @property
    def incarnation(self) -> int:
        """The incarnation of the host, which has counted the reference."""
    @property
    def exposed(self) -> tuple[str, ...]:
        """The names that can be called."""

@final
class HostedObject:
    """An object that a host keeps, the names that can be called, and its record if any."""

    def __new__(
        cls,
        object: Any,
        typeid: str,
        exposed: tuple[str, ...],
        types: dict[str, str] | None = None,
        record: _Record | None = None,
    ) -> HostedObject: ...
    @property
    def object(self) -> Any:
        """The object itself."""
    @property
    def exposed(self) -> tuple[str, ...]:
        """The names that can be called."""
    @property
    def types(self) -> dict[str, str] | None:
        """The methods whose results stay at the host, and their types."""
    @property
    def record(self) -> Any:
        """The object's entry in the checkpoint; None if the object does not come back."""

@final
class Prefetch:
    """The items that an iterator has produced ahead of demand.

    `start` is called with this object when the first item is asked for: it starts a thread or
    a task that produces the items. Items are encoded at once, since an iterator may give one
    list again and again, each time with other contents.
    """

    def __new__(cls, start: Callable[[Prefetch], None]) -> Prefetch: ...
    @property
    def closed(self) -> bool:
        """Whether the client has stopped taking items."""
    def has_room(self) -> bool:
        """Whether another item should be produced now."""
    def put(self, item: Any) -> bool:
        """Add an item, and tell whether another should be produced now.

        It raises what pickle does if the item cannot be sent.
        """
    def wait_for_room(self) -> None:
        """Wait until another item should be produced, or until the client takes no more."""
    def on_change(self, callback: Callable[[], None] | None) -> None:
        """Call a function when there may be room, and when the client takes no more."""
    def end(self, error: BaseException) -> None:
        """Add the exception by which the iterator has ended."""

# The objects of `sharevar._hosting` whose methods the extension calls.

class _Record(Protocol):
    def served(self, raised: BaseException | None, /) -> None: ...

class _Checkpoint(Protocol):
    def note_holder(self, session: int, process: int | None, /) -> None: ...
    def session_declared(self, session: int, /) -> None: ...
    def session_ended(self, session: int, /) -> None: ...

class _Host(Protocol):
    @property
    def registry(self) -> Mapping[str, tuple[Any, ...]]: ...
    @property
    def copies_itself(self) -> bool: ...
    def make(
        self,
        number: int,
        typeid: str,
        arguments: tuple[Any, ...],
        named: dict[str, Any] | None,
        holder: tuple[int, int | None] | None,
        /,
    ) -> HostedObject: ...
    def call_host(
        self, method: str, arguments: tuple[Any, ...], named: dict[str, Any], /
    ) -> Any: ...
    def fall_back(self, method: str, made: Any, /) -> Any: ...
    def run_coroutine(self, coroutine: Any, descriptor: int, /) -> Any: ...
    def stream(self, iterator: Any, always: bool, record: Any, /) -> Prefetch | None: ...
    def start_worker(self) -> None: ...
    def serve_plainly(self, descriptor: int, greeting: bytes, /) -> None: ...

@final
class HostServer:
    """Listens at an address and has threads serve calls of the objects in its table."""

    def __new__(
        cls,
        address: str,
        key: bytes,
        host: _Host,
        *,
        plaintext: bool = False,
        tls: tuple[str | PathLike[str], str | PathLike[str]] | None = None,
    ) -> HostServer: ...
    @property
    def address(self) -> str:
        """The address where it listens."""
    @property
    def connections(self) -> int:
        """The number of connections."""
    @property
    def sessions(self) -> int:
        """The number of client processes that are connected."""
    def work(self) -> None:
        """Serve, on this thread among others, until `stop`."""
    def stop(self) -> None:
        """End serving. Calls that are under way are finished."""
    def insert(self, number: int, object: HostedObject, session: int) -> None:
        """Put an object into the table; `session` has the first reference on it."""
    def get(self, number: int) -> HostedObject:
        """An object of the table."""
    def retain(self, number: int, session: int) -> None:
        """Add a reference."""
    def release(self, number: int, session: int) -> None:
        """Release a reference."""
    def publish(self, name: str, number: int) -> None:
        """Publish an object by a name, which keeps it in the place of the one before."""
    def end_session(self, session: int) -> None:
        """Release all references of a session."""
    def set_checkpoint(self, checkpoint: _Checkpoint) -> None:
        """Set the checkpoint, which notes the clients that hold objects that come back."""
    def numbers(self) -> list[tuple[int, int]]:
        """The numbers of the objects, and of the references on each."""
    def __len__(self) -> int: ...

def caller_descriptor() -> int | None:
    """The descriptor of the connection whose call this thread serves.

    Until the call ends it can be polled for the disconnection of the caller, and for nothing
    else.
    """

ENTRIES: Final[str]
LOCK_OF: Final[str]

def address_of_host(name: str) -> str:
    """The address of the host of a name, which a process of the same user has started."""

def unused_address() -> str:
    """An address that no host has yet, for one that this process starts or is."""

def relayed_address(address: str, /) -> str:
    """The address of a place at a server without its password, which this process remembers."""

def end_relayed_connections() -> None:
    """End the connections of this process that go through servers, and its places there."""

def remove_socket(path: str) -> None:
    """Remove the socket of a host that has ended, and with the last one the user's directory
    of them."""

def set_greenlets(
    current: Callable[[], Any], sleeper: Callable[[], Callable[[float], Any] | None]
) -> None:
    """Say that there may be greenlets, which one runs, and what it sleeps with."""

def monitors_inside() -> list[tuple[list[int], int, int, int]]:
    """The monitors that this thread is in methods of, for a child that it starts."""

def note_started_inside(monitors: list[tuple[list[int], int, int, int]]) -> None:
    """Note which monitors the process that started this one was in methods of."""

def note_thread_started_inside(thread: object, /) -> None:
    """Note in a thread that is about to be started inside of which methods that is."""

def set_pickler(
    dumps: Callable[..., bytes],
    loads: Callable[..., Any],
    reader: Callable[[bytes, Callable[..., Any]], Callable[..., Any]],
) -> None:
    """Set what encodes and decodes the values that are of no native type."""

def set_queue_class(form: str, cls: type[Queue[Any]]) -> None:
    """Set the class of the queues of a form that reading a container gives."""

def set_class_loader(load: Callable[[], None]) -> None:
    """Set the function that sets the classes of all kinds, when one is first found."""

def set_proxy_class(kind: str, cls: type[Variable]) -> None:
    """Set the class of the proxies that reading a container gives."""

def make_monitor(
    cls: type[_AnyMonitor], arena: Store, /, *arguments: Any, **named: Any
) -> _AnyMonitor:
    """A new monitor in an arena, made as its class says."""

def monitor_attributes(monitor: Monitor, /) -> dict[str, Any]:
    """A copy of all attributes: in a method as the method has left them."""

def monitor_state(monitor: Monitor, /) -> MonitorState:
    """The variable that an object of a monitor refers to, by which it is found in its arena."""

def depart() -> None:
    """Tell every arena that this process ends in order: what it holds becomes a signal."""

def known_passwords() -> list[tuple[str, str]]:
    """The passwords that this process was told in addresses of engines."""

def add_passwords(passwords: list[tuple[str, str]], /) -> None:
    """Add passwords that the process knows which started this one."""

def family_of_environment() -> str | None:
    """The name of the arena of this process's family, if the environment names one."""

def new_family() -> str:
    """The text by which the environment is to name a family that there is not yet."""

def command() -> int:
    """Run the command ``sharevar`` that ``sys.argv`` names; its exit code."""

def remove_manager(name: str) -> None:
    """End the manager of that name for all processes."""

def manager_info(
    store: Store
) -> tuple[str, int, int, list[int], int, list[tuple[int, int, int]]]:
    """The sizes of an arena and the processes that take part."""

def variable_info(
    variable: object
) -> tuple[
    str,
    int | None,
    int | None,
    int | None,
    tuple[list[tuple[int | None, int | None, int, bool]], bool, float | None, bool, list[int]]
    | None,
]:
    """Kind, length, changes and bytes of a variable or a monitor, and its lock."""

def manager_names() -> list[str]:
    """The names of the managers that processes of this user have, or that are kept."""
