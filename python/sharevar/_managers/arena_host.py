"""The host of an arena: a process for objects that cannot live in it.

It is a manager's host process, and it is started when something first needs it. It
belongs to the arena and not to the manager: a proxy may outlive the manager's object,
and be asked for a token then.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from multiprocessing import ProcessError, process, util
from typing import Any
from weakref import WeakKeyDictionary, ref

from .._hosting.base_manager import BaseManager
from .._hosting.launch import HostSource
from .._hosting.register import needs_restart
from .._hosting.security import Security
from .._native import Arena, Store
from .._variables import standard
from ..errors import Unsupported

_hosts: WeakKeyDictionary[Store, Host] = WeakKeyDictionary()

# The name, in the arena's root, of the box with the address of the host.
_ADDRESS = "sharevar:host"

# The name of the host's checkpoint there.
_MEMORY = "sharevar:checkpoint"


def address(arena: Arena) -> Any:
    """The address of the arena's host; it is started if there is none."""
    host = _hosts.get(arena)
    if host is None or not (host.started or host.is_the_managers):
        recorded = _recorded_address(arena).get()
        if recorded is not None:
            return recorded
    if host is None:
        host = Host(arena, "sharevar", standard.REGISTRY, (None, None, "pickle"), None)
    return host.start().address


def authkey(arena: Arena) -> bytes | None:
    """The key of the arena's host, if this process would start it."""
    host = _hosts.get(arena)
    return None if host is None else host.authkey


def _recorded_address(arena: Arena) -> Any:
    from .._variables.value_proxy import ValueProxy

    return arena.named(_ADDRESS, ValueProxy)


class Host:
    """An arena's host process, there or not there yet."""

    def __init__(
        self,
        arena: Store,
        name: str,
        registry: dict[str, Any],
        options: tuple[Any, ...],
        shutdown_timeout: float | None,
        *,
        security: Security | None = None,
        of_manager: bool = False,
    ) -> None:
        # The arena keeps its host, not the other way round.
        self._arena = ref(arena)
        self.name = name
        self._registry = registry
        self._options = options
        self._shutdown_timeout = shutdown_timeout
        self._security = security
        # A child inherits a manager's host, but one that the child starts is its own.
        self._managers_process = os.getpid() if of_manager else None
        self._manager: Any = None
        self._closed = False
        self._starting: Any = util.ForkAwareThreadLock()  # type: ignore[attr-defined]
        _hosts[arena] = self

    @property
    def started(self) -> bool:
        return self._manager is not None

    @property
    def is_the_managers(self) -> bool:
        """Whether this is the host whose address is entered in the arena."""
        return self._managers_process == os.getpid()

    @property
    def closed(self) -> bool:
        return self._closed

    @property
    def authkey(self) -> bytes | None:
        key: bytes | None = self._options[1]
        return key

    @property
    def address(self) -> Any:
        """The address: the one it has, else the one it was to have."""
        return self._options[0] if self._manager is None else self._manager.address

    @property
    def process(self) -> Any:
        """The process, if it was started."""
        return None if self._manager is None else self._manager._process

    def start(
        self,
        initializer: Callable[..., Any] | None = None,
        initargs: Iterable[Any] = (),
    ) -> Any:
        """The manager whose process the host is."""
        with self._starting:
            arena = self._arena()
            if self._manager is None:
                if self._closed or arena is None:
                    raise ProcessError("Manager has shut down")
                self._manager = self._start(arena, initializer, initargs)
            return self._manager

    def _start(self, arena: Store, initializer: Any, initargs: Any) -> Any:
        manager: Any = _HostManager(*self._options)
        if self._shutdown_timeout is not None:
            manager._shutdown_timeout = self._shutdown_timeout
        if self._security is not None:
            manager._security = self._security
        source = _ArenaSource(self._registry, ref(arena))
        manager._source = lambda: source
        manager._registry = source.served(arena)
        # A daemonic worker may use its manager, too, though it may have no children.
        config = process.current_process()._config  # type: ignore[attr-defined]
        daemon = config.pop("daemon", None)
        try:
            manager.start(initializer, initargs)
        except EOFError:
            # The process ends by itself, and prints why.
            manager._process.join()
            raise
        finally:
            if daemon is not None:
                config["daemon"] = daemon
            # It refers to the arena, which refers to this object.
            del manager._registry
        manager._process.name = self.name
        # Processes on several machines, and of several programs, may have another engine's.
        if self.is_the_managers and isinstance(arena, Arena):
            _recorded_address(arena).set(manager.address)
        return manager

    def shutdown(self) -> None:
        """End the process, and start none any more."""
        self._closed = True
        if self._manager is not None:
            self._manager.shutdown()


class HostProcess:
    """A manager's ``_process``. Asking for its pid starts it; asking whether the manager
    lives does not."""

    daemon = False

    def __init__(self, host: Host) -> None:
        self._host = host

    @property
    def name(self) -> str:
        return self._host.name

    @property
    def pid(self) -> int | None:
        return self._started("pid")  # type: ignore[no-any-return]

    @property
    def ident(self) -> int | None:
        return self._started("ident")  # type: ignore[no-any-return]

    @property
    def sentinel(self) -> int | None:
        return self._started("sentinel")  # type: ignore[no-any-return]

    def _started(self, name: str) -> Any:
        if not self._host.closed:
            self._host.start()
        running = self._host.process
        return None if running is None else getattr(running, name)

    @property
    def exitcode(self) -> int | None:
        if self._host.process is not None:
            return self._host.process.exitcode  # type: ignore[no-any-return]
        return 0 if self._host.closed else None

    def is_alive(self) -> bool:
        if self._host.process is not None:
            return bool(self._host.process.is_alive())
        return not self._host.closed

    def join(self, timeout: float | None = None) -> None:
        if self._host.process is not None:
            self._host.process.join(timeout)

    def terminate(self) -> None:
        """End the hosted objects; the variables in shared memory stay."""
        if self._host.process is not None:
            self._host.process.terminate()

    def kill(self) -> None:
        """End the hosted objects; the variables in shared memory stay."""
        if self._host.process is not None:
            self._host.process.kill()

    def __repr__(self) -> str:
        state = "started" if self.is_alive() else "stopped"
        return f"<HostProcess name={self.name!r} {state}>"


class _ArenaSource:
    """The types and memory that a host is made from, as long as there is the arena."""

    def __init__(self, registry: dict[str, Any], arena: ref[Store]) -> None:
        self._registry = registry
        self._arena = arena

    def served(self, arena: Store) -> dict[str, Any]:
        from .arena_host_server import served_registry

        return served_registry(self._registry, arena)

    def __call__(self) -> HostSource | None:
        from .._variables.dict_proxy import DictProxy

        arena = self._arena()
        if arena is None:
            return None
        memory = None
        if needs_restart(self._registry):
            if not isinstance(arena, Arena):
                raise Unsupported(
                    f"{arena.engine} keeps no checkpoints of a host that is started again; use "
                    "a manager of shared memory"
                )
            memory = arena.named(_MEMORY, DictProxy)
        return HostSource(self.served(arena), memory)


class _HostManager(BaseManager, standard.SyncManager):
    """A manager whose host serves an arena's variables, too."""

    @classmethod
    def _run_server(cls, *arguments: Any, **named: Any) -> None:
        from .arena_host_server import ArenaHostServer

        cls._Server = ArenaHostServer
        super()._run_server(*arguments, **named)
