"""`SyncManager`, whose variables are in shared memory.

It is a real subclass of the standard one: ``isinstance`` says what programs expect.
Whatever it does not make in shared memory (pools, registered classes) is kept by a host
process that is started for it, and called as the objects of a `BaseManager` are.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from multiprocessing import ProcessError
from multiprocessing.managers import State  # type: ignore[attr-defined]
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from .._family import module_level
from .._family.arenas import remember
from .._family.engines import store_of_environment
from .._hosting.base_manager import BaseManager
from .._hosting.security import TLS
from .._native import Arena, Store
from .._public import public_in
from .._variables import pickling, standard
from .._variables.proxy import Proxy
from .._variables.variable_methods import VariableMethods
from ..errors import NotCreated, SharevarError
from .arena_host import Host, HostProcess

if TYPE_CHECKING:
    from .manager_info import ManagerInfo

_AnyProxy = TypeVar("_AnyProxy", bound=Proxy)
_Object = TypeVar("_Object")
_Arguments = ParamSpec("_Arguments")


@public_in("sharevar.managers")
class SyncManager(VariableMethods, BaseManager, standard.SyncManager):  # type: ignore[misc]
    """`multiprocessing.managers.SyncManager`, its variables in shared memory, or on the engine
    that the environment names (``SHAREVAR_ENGINE``).

    A host process is started by what needs one: a pool or registered class, an
    ``address``, an initializer, another serializer, ``_process.pid``, a proxy's token.
    Plain clients of the standard library reach the variables at its address.
    """

    def __init__(
        self,
        address: Any = None,
        authkey: bytes | None = None,
        serializer: str = "pickle",
        ctx: Any = None,
        *,
        shutdown_timeout: float = 1.0,
        plaintext: bool = False,
        tls: TLS | None = None,
        capacity: int | str | None = None,
    ) -> None:
        self._arena: Store | None = None
        self._host: Host | None = None
        super().__init__(
            address,
            authkey,
            serializer,
            ctx,
            shutdown_timeout=shutdown_timeout,
            plaintext=plaintext,
            tls=tls,
        )
        self._given_timeout = shutdown_timeout
        if capacity is not None:
            from .capacity import bytes_of

            capacity = bytes_of(capacity)
        self._capacity = capacity
        # None of one that another process has started, and this one has joined.
        self._creator: int | None = os.getpid()

    # Life and death

    def start(
        self, initializer: Callable[..., Any] | None = None, initargs: Iterable[Any] = ()
    ) -> None:
        """Begin. An initializer runs in the host process, and so starts it."""
        self._require_initial()
        if initializer is not None and not callable(initializer):
            raise TypeError("initializer must be a callable")
        here = module_level.call_site(type(self))
        arena = module_level.found(here)
        if arena is not None:
            self._join(arena)
            return
        module_level.refuse(self._ctx)
        arena = self._new_arena()
        host = Host(
            arena,
            type(self).__name__,
            self._registry,
            (self._given_address, self._authkey, self._serializer, self._ctx),
            self._given_timeout,
            security=self._security,
            of_manager=True,
        )
        needs_host = (
            initializer is not None
            or self._given_address is not None
            or self._serializer != "pickle"
        )
        if needs_host:
            host.start(initializer, initargs)
        self._arena, self._host = arena, host
        self._state.value = State.STARTED
        module_level.note(here, arena)

    def _join(self, arena: Store) -> None:
        """Use the arena of the process that has started this one, which shuts it down."""
        options = None, self._authkey, self._serializer, self._ctx
        self._arena, self._creator = arena, None
        self._host = Host(arena, type(self).__name__, self._registry, options, None)
        self._state.value = State.STARTED

    def get_server(self) -> Any:
        """A server with ``serve_forever()``, to be run by this process."""
        from .arena_host_server import ArenaHostServer, served_registry

        self._require_initial()
        registry = served_registry(self._registry, self._new_arena())
        return ArenaHostServer(
            registry,
            self._given_address,
            self._authkey,
            self._serializer,
            self._security,
        )

    @property
    def shutdown(self) -> Callable[[], None]:  # type: ignore[override]
        """Close the arena for all processes; does nothing in a forked child.

        Another engine's variables are left to the programs that have them by their names.
        As in the standard library the name is there once the manager has started.
        """
        if self._host is None:
            raise AttributeError(f"{type(self).__name__!r} object was not started")
        return self._shut_down

    def _shut_down(self) -> None:
        if self._state.value != State.STARTED or self._creator != os.getpid():
            return
        self._state.value = State.SHUTDOWN
        if self._arena is not None and self._host is not None:
            if isinstance(self._arena, Arena):
                self._arena.close()
            else:
                self._arena.leave()
            self._host.shutdown()

    def join(self, timeout: float | None = None) -> None:
        """Wait for the host process, if there is one."""
        self._process.join(timeout)

    def __reduce__(self) -> Any:
        raise TypeError("a manager cannot be pickled; hand its variables to other processes")

    # The host process

    @property
    def address(self) -> Any:
        """The address of the host process, which is started for the question."""
        return self._address

    @property
    def _address(self) -> Any:
        if self._host is None:
            return self._given_address
        if self._state.value == State.STARTED:
            return self._host.start().address
        return self._host.address

    @_address.setter
    def _address(self, address: Any) -> None:
        self._given_address = address

    @property
    def _process(self) -> HostProcess:
        if self._host is None:
            raise AttributeError(f"{type(self).__name__!r} object was not started")
        return HostProcess(self._host)

    def _create(self, typeid: str, /, *args: Any, **kwds: Any) -> Any:
        from .._variables.kinds import BY_TYPEID

        self._require_started()
        if self._host is not None:
            return self._host.start()._create(typeid, *args, **kwds)
        if typeid in BY_TYPEID:
            # A variable of another process's, which has an id of its own.
            return self._create_plainly(typeid, *args, **kwds)
        return super()._create(typeid, *args, **kwds)

    @property
    def _served(self) -> frozenset[str] | None:  # type: ignore[override]
        if self._host is None or not self._host.started:
            return None
        served: frozenset[str] = self._host.start()._served
        return served

    def _debug_info(self) -> str:
        if self._host is None or self._arena is None:
            return super()._debug_info()  # type: ignore[misc, no-any-return]
        arena = self._arena
        lines = [f"  {arena.engine} {arena.id.hex()}"]
        if isinstance(arena, Arena):
            lines = [
                f"  arena {arena.id.hex()}: {arena.references} variables held here, "
                f"{arena.used} of {arena.capacity} bytes"
            ]
        if self._host.started:
            lines.append(self._host.start()._debug_info())
        return "\n".join(lines)

    def _number_of_objects(self) -> int:
        if self._host is None or self._arena is None:
            return super()._number_of_objects()  # type: ignore[misc, no-any-return]
        hosted = self._host.start()._number_of_objects() if self._host.started else 0
        held: int = self._arena.references if isinstance(self._arena, Arena) else 0
        return held + hosted

    # Variables in shared memory

    @property
    def arena(self) -> Store:
        """The memory that this manager's variables live in, or another engine's store."""
        self._require_started()
        if self._arena is None:
            raise ProcessError("the variables of this manager are another process's")
        return self._arena

    def info(self) -> ManagerInfo:
        """Its capacity, the memory in use by size of blocks, and the processes that have it.

        `ClosedError` after it was shut down or removed.
        """
        from .manager_info import manager_info

        return manager_info(self.arena)

    def monitor(
        self,
        cls: Callable[_Arguments, _Object],
        /,
        *arguments: _Arguments.args,
        **named: _Arguments.kwargs,
    ) -> _Object:
        """``cls(*arguments, **named)`` in this manager's memory; see `sharevar.monitor`."""
        from .._variables import monitors

        made: _Object = module_level.found_or_made(
            monitors.make, cls, self.arena, *arguments, **named
        )
        return made

    def _make(self, cls: type[_AnyProxy], /, *arguments: Any, **named: Any) -> _AnyProxy:
        self._require_started()
        proxy: _AnyProxy
        if self._arena is None:
            # Another process's, which plays the same methods.
            proxy = standard.create(self, cls._typeid_, *arguments, **named)
        else:
            here = module_level.call_site(cls)
            known: _AnyProxy | None = module_level.found(here)
            if known is not None:
                return known
            try:
                proxy = cls.create(self._arena, *arguments, **named)
            except (TypeError, ValueError) as error:
                if isinstance(error, SharevarError) or pickling.was_raised_in(error):
                    raise
                raise NotCreated(str(error)) from error
            module_level.note(here, proxy)
        return proxy

    # State

    def _new_arena(self) -> Store:
        named = None if self._capacity is not None else store_of_environment()
        if named is not None:
            return named
        return remember(Arena() if self._capacity is None else Arena(self._capacity))

    def _require_started(self) -> None:
        if self._state.value != State.STARTED:
            # The standard library has an assert statement here.
            raise AssertionError("server not yet started")
