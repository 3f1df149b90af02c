"""Managers without a manager process: the names of `multiprocessing.managers`."""

from __future__ import annotations

import builtins
import os
from collections.abc import Callable, Iterable
from multiprocessing import ProcessError
from types import TracebackType
from typing import Any, ClassVar

from . import fallback
from ._native import Arena
from .arenas import remember
from .array_proxy import ArrayProxy
from .dict_proxy import DictProxy, plain_dict
from .list_proxy import ListProxy, plain_list
from .lock import Lock
from .value_proxy import ValueProxy

__all__ = [
    "ArrayProxy",
    "DictProxy",
    "ListProxy",
    "Lock",
    "Manager",
    "SyncManager",
    "ValueProxy",
]

_INITIAL, _STARTED, _SHUTDOWN = range(3)


def Manager(*, capacity: int | None = None, ctx: Any = None) -> SyncManager:
    """A started manager with an arena of its own; ``capacity`` is its limit in bytes.

    Its variables live in memory that the processes map, and no server is started.
    """
    manager = SyncManager(ctx=ctx, capacity=capacity)
    manager.start()
    return manager


class NoServerProcess:
    """Stands where a standard manager has its server process."""

    name = "no server process"
    pid = None
    daemon = True

    def __init__(self) -> None:
        self.exitcode: int | None = None

    def is_alive(self) -> bool:
        return self.exitcode is None

    def join(self, timeout: float | None = None) -> None:
        return None


class SyncManager:
    """`multiprocessing.managers.SyncManager`, its variables in shared memory.

    What is not there yet (and everything, for a manager with an ``address`` that
    others connect to) lives in a standard manager process, started when first needed.
    """

    _registrations: ClassVar[builtins.dict[str, tuple[Any, ...]]] = {}

    def __init__(
        self,
        address: Any = None,
        authkey: bytes | None = None,
        serializer: str = "pickle",
        ctx: Any = None,
        *,
        shutdown_timeout: float = 1.0,
        capacity: int | None = None,
    ) -> None:
        self._server_options = (address, authkey, serializer, ctx, shutdown_timeout)
        # Strangers find the data through the server, so it has to be there.
        self._all_served = address is not None or serializer != "pickle"
        self._state = _INITIAL
        self._capacity = capacity
        self._creator = os.getpid()
        self._arena: Arena | None = None
        self._server: Any = None
        self._process: Any = None

    # Life and death

    def start(
        self, initializer: Callable[..., Any] | None = None, initargs: Iterable[Any] = ()
    ) -> None:
        """Begin. An initializer is meant for a server process, so it starts one."""
        self._require_initial()
        if initializer is not None and not callable(initializer):
            raise TypeError("initializer must be a callable")
        if self._all_served or initializer is not None:
            what = "a manager with an address, a serializer or an initializer"
            fallback.announce(what)
            self._server = self._make_server()
            self._server.start(initializer, initargs)
        self._open_arena()

    def connect(self) -> None:
        """Use the server that somebody else runs at the address."""
        self._all_served = True
        self._server = self._make_server()
        self._server.connect()
        self._state = _STARTED

    def get_server(self) -> Any:
        """A standard server with ``serve_forever()``."""
        self._require_initial()
        return self._make_server().get_server()

    def shutdown(self) -> None:
        """Close the arena for everybody; does nothing in a forked child."""
        if self._state != _STARTED or self._creator != os.getpid():
            return
        self._state = _SHUTDOWN
        if self._arena is not None:
            self._arena.close()
        if self._server is not None and hasattr(self._server, "shutdown"):
            self._server.shutdown()
        if isinstance(self._process, NoServerProcess):
            self._process.exitcode = 0

    def join(self, timeout: float | None = None) -> None:
        """Wait for the server process, if there is one."""
        if self._server is not None:
            self._server.join(timeout)

    def __enter__(self) -> SyncManager:
        if self._state == _INITIAL:
            self.start()
        if self._state == _SHUTDOWN:
            raise ProcessError("Manager has shut down")
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.shutdown()

    @property
    def address(self) -> Any:
        """The address of the server process, which is started for the question."""
        if self._state == _INITIAL:
            return self._server_options[0]
        fallback.announce("a manager's address")
        return self._require_server().address

    @property
    def arena(self) -> Arena:
        """The memory that this manager's variables live in."""
        self._require_started()
        if self._arena is None:
            raise ProcessError("everything of this manager is on its server")
        return self._arena

    def __reduce__(self) -> Any:
        raise TypeError(
            "a manager cannot be pickled; hand its variables to other processes"
        )

    # Variables in shared memory

    def list(self, *arguments: Any) -> Any:
        """A shared list with the contents that ``list(*arguments)`` has."""
        if self._is_served():
            return self._serve("list", arguments, {})
        initial = plain_list(*arguments)
        proxy: ListProxy[Any] = ListProxy(self.arena)
        if initial:
            proxy.extend(initial)
        return proxy

    def dict(self, *arguments: Any, **named: Any) -> Any:
        """A shared dict with the contents that ``dict(*arguments, **named)`` has."""
        if self._is_served():
            return self._serve("dict", arguments, named)
        initial = plain_dict(*arguments, **named)
        proxy: DictProxy[Any, Any] = DictProxy(self.arena)
        if initial:
            proxy.update(initial)
        return proxy

    def Value(self, typecode: Any, value: Any, lock: Any = True) -> Any:
        """A box for one value of any type; the type code is only shown."""
        if self._is_served():
            return self._serve("Value", (typecode, value, lock), {})
        return ValueProxy.create(self.arena, typecode, value)

    def Array(self, typecode: str, sequence: Any, lock: Any = True) -> Any:
        """An ``array.array`` of fixed length."""
        if self._is_served():
            return self._serve("Array", (typecode, sequence, lock), {})
        return ArrayProxy.create(self.arena, typecode, sequence)

    def Lock(self) -> Any:
        """A lock that outlives its holder."""
        if self._is_served():
            return self._serve("Lock", (), {})
        return Lock(self.arena)

    # On the server process until they are in shared memory

    Barrier = fallback.served_method("Barrier")
    BoundedSemaphore = fallback.served_method("BoundedSemaphore")
    Condition = fallback.served_method("Condition")
    Event = fallback.served_method("Event")
    JoinableQueue = fallback.served_method("JoinableQueue")
    Namespace = fallback.served_method("Namespace")
    Pool = fallback.served_method("Pool")
    Queue = fallback.served_method("Queue")
    RLock = fallback.served_method("RLock")
    Semaphore = fallback.served_method("Semaphore")

    # What the server process does

    @classmethod
    def register(
        cls,
        typeid: str,
        callable: Callable[..., Any] | None = None,
        proxytype: Any = None,
        exposed: Any = None,
        method_to_typeid: Any = None,
        create_method: bool = True,
    ) -> None:
        """Register a type; its objects live in a standard manager process."""
        registration = (callable, proxytype, exposed, method_to_typeid, create_method)
        cls._registrations = {**cls._registrations, typeid: registration}
        if create_method:
            setattr(cls, typeid, fallback.served_method(typeid))

    def _is_served(self) -> bool:
        self._require_started()
        return self._all_served

    def _serve(self, typeid: str, arguments: Any, named: Any) -> Any:
        self._require_started()
        if not self._all_served:
            fallback.announce(f"Manager().{typeid}")
        return getattr(self._require_server(), typeid)(*arguments, **named)

    def _require_server(self) -> Any:
        if self._server is None:
            self._server = self._make_server()
            self._server.start()
            self._process = self._server._process
        return self._server

    def _make_server(self) -> Any:
        address, authkey, serializer, context, timeout = self._server_options
        return fallback.make_server(
            self._registrations, address, authkey, serializer, context, timeout
        )

    def _debug_info(self) -> str:
        return "" if self._server is None else str(self._server._debug_info())

    def _number_of_objects(self) -> int:
        count = 0 if self._arena is None else self._arena.references
        if self._server is not None:
            count += self._server._number_of_objects()
        return count

    # State

    def _open_arena(self) -> None:
        if not self._all_served:
            self._arena = remember(
                Arena() if self._capacity is None else Arena(self._capacity)
            )
        self._process = (
            NoServerProcess() if self._server is None else self._server._process
        )
        self._state = _STARTED

    def _require_initial(self) -> None:
        if self._state == _STARTED:
            raise ProcessError("Already started server")
        if self._state == _SHUTDOWN:
            raise ProcessError("Manager has shut down")

    def _require_started(self) -> None:
        if self._state != _STARTED:
            # The standard library has an assert statement here.
            raise AssertionError("server not yet started")
