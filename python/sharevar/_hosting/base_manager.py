"""`multiprocessing.managers.BaseManager`, on our transport."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from multiprocessing import ProcessError, connection, process, util
from multiprocessing.managers import State  # type: ignore[attr-defined]
from typing import TYPE_CHECKING, Any, ClassVar

from .._family import family, module_level
from .._native import Monitor, Variable
from .._public import public_in
from .._variables import standard
from ..errors import NotRegistered
from .register import Register, needs_restart
from .security import TLS, Security

if TYPE_CHECKING:
    from .._variables.dict_proxy import DictProxy
    from .launch import HostSource, Launch
    from .server import Server

# Untyped: the stubs of the standard library lack most of it.
_Standard: Any = standard.BaseManager


class _DefaultServer:
    """`Server`, which is imported by a process that becomes a host."""

    def __get__(self, manager: Any, cls: type[Any]) -> type[Server]:
        from .server import Server

        return Server


def _connect(address: Any, authkey: bytes) -> Any:
    """A manager's ``_Client``; see `host_connection`."""
    from . import host_connection

    return host_connection.connect(address, authkey)


@public_in("sharevar.managers")
class BaseManager(standard.BaseManager):
    """A process that keeps objects, and what is needed to make and to call them.

    ``address`` is the path of a Unix socket, (host, port), or None for a socket in a
    private directory; or a place at a server, to which the host and its clients connect:
    ``redis://server/0?namespace=shop&host=name``. TCP to other machines is refused without
    ``tls``, unless ``plaintext`` allows it.
    """

    _Server: ClassVar[Any] = _DefaultServer()
    _registry: ClassVar[dict[str, tuple[Any, ...]]]
    _address: Any
    _authkey: bytes
    _Client: Any
    _ctx: Any
    _process: Any
    _serializer: str
    _shutdown_timeout: float
    _state: Any
    _security = Security()
    # The types that the host process was started with.
    _served: frozenset[str] | None = None

    register = Register()

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
    ) -> None:
        options: dict[str, Any] = {}
        if sys.version_info >= (3, 11):
            options["shutdown_timeout"] = shutdown_timeout
        if isinstance(address, str) and "://" in address:
            from . import addresses

            address = addresses.without_secrets(address)
        super().__init__(address, authkey, serializer, ctx, **options)
        self._security = Security(plaintext, tls)
        if serializer == "pickle":
            self._Client = _connect

    def get_server(self) -> Any:
        """A server with ``serve_forever()``, to be run by this process."""
        self._require_initial()
        self._security.warn(self._address)
        return self._Server(
            self._registry,
            self._address,
            self._authkey,
            self._serializer,
            *self._server_options(),
        )

    def _server_options(self) -> tuple[Security, ...]:
        # A server class of a user's takes the standard arguments only.
        return () if self._security == Security() else (self._security,)

    def connect(self) -> None:
        """Use a host that was started elsewhere."""
        from . import clients

        clients.secure(self._address, self._authkey, self._security)
        with closing(self._Client(self._address, authkey=self._authkey)) as host:
            standard.managers.dispatch(host, None, "dummy")
        self._state.value = State.STARTED

    def start(
        self, initializer: Callable[..., Any] | None = None, initargs: Iterable[Any] = ()
    ) -> None:
        """Start the host process, in which ``initializer(*initargs)`` is called first."""
        from . import addresses
        from .launch import Launch

        self._require_initial()
        if initializer is not None and not callable(initializer):
            raise TypeError("initializer must be a callable")
        module_level.refuse(self._ctx)
        self._security.warn(self._address)
        launch = Launch(
            self._ctx,
            type(self)._run_server,
            self._source(),
            self._authkey,
            self._serializer,
            (initializer, initargs, *self._server_options()),
        )
        address = addresses.choose() if self._address is None else self._address
        try:
            self._start_at(address, launch)
        except BaseException:
            addresses.remove(address)
            raise

    def _start_at(self, address: Any, launch: Launch) -> None:
        from . import clients

        self._process, (reader, writer) = launch.process(address)
        numbers = ":".join(str(number) for number in self._process._identity)
        self._process.name = f"{type(self).__name__}-{numbers}"
        self._process.start()
        writer.close()
        with reader:
            address = reader.recv()
        if isinstance(address, Exception):
            self._process.join()
            raise address
        self._address = address
        if needs_restart(self._registry):
            from .supervised import SupervisedProcess

            self._process = SupervisedProcess(launch, self._process, address)
        clients.secure(self._address, self._authkey, self._security)
        self._served = frozenset(self._registry)
        self._state.value = State.STARTED
        timeout = (self._shutdown_timeout,) if sys.version_info >= (3, 11) else ()
        self.shutdown = util.Finalize(
            self,
            type(self)._finalize_manager,
            args=(
                self._process,
                self._address,
                self._authkey,
                self._state,
                self._Client,
                *timeout,
            ),
            exitpriority=0,
        )

    def _source(self) -> Callable[[], HostSource | None]:
        """A function for the types and memory of the host process, now and after its death."""
        from .._variables.dict_proxy import DictProxy
        from .launch import HostSource

        memory = None
        if needs_restart(self._registry):
            memory = DictProxy.create(family.arena())
        source = HostSource(self._registry, memory)
        return lambda: source

    @classmethod
    def _run_server(
        cls,
        registry: dict[str, tuple[Any, ...]],
        address: Any,
        authkey: bytes,
        serializer: str,
        writer: Any,
        initializer: Callable[..., Any] | None = None,
        initargs: Iterable[Any] = (),
        *options: Any,
        memory: DictProxy[str, Any] | None = None,
    ) -> None:
        """Run the server, in the host process."""
        import signal

        _raise_limit_of_descriptors()
        threading.Thread(target=_end_with_parent, daemon=True).start()
        # An interrupt at the terminal is for the programs that use the objects.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if initializer is not None:
            initializer(*initargs)
        try:
            server = cls._Server(registry, address, authkey, serializer, *options)
            if memory is not None:
                server.restore_from(memory)
        except Exception as error:
            writer.send(error)
            sys.exit(1)
        writer.send(server.address)
        writer.close()
        util.info("manager serving at %r", server.address)
        server.serve_forever()

    @staticmethod
    def _finalize_manager(process: Any, address: Any, *arguments: Any) -> None:
        from . import addresses, clients
        from .supervised import SupervisedProcess

        if isinstance(process, SupervisedProcess):
            process.end()
            clients.expect_no_next(address)
        _Standard._finalize_manager(process, address, *arguments)
        clients.forget(address)
        addresses.remove(address)

    def publish(self, name: str, proxy: Any) -> None:
        """Have an object found by a name, with `sharevar.connect`, for as long as the host
        runs. It is kept until then, or until something else is published by the name."""
        if issubclass(type(proxy), (Variable, Monitor)):
            raise TypeError(
                f"{name!r} cannot be published: a {type(proxy).__name__} is in shared memory "
                "and in no host. In this process family it has a name by sharevar.shared; "
                "other programs of the same user open what pickle.dumps gives of it"
            )
        if not isinstance(proxy, standard.BaseProxy):
            raise TypeError(
                f"{name!r} cannot be published: {proxy!r} is no proxy of a host's object, as "
                "the methods that register() makes return it"
            )
        token: Any = proxy._token  # type: ignore[attr-defined]
        with closing(self._Client(token.address, authkey=self._authkey)) as host:
            standard.managers.dispatch(host, None, "publish", (name, token.id))

    def _create(self, typeid: str, /, *args: Any, **kwds: Any) -> Any:
        """An object's token, and what can be called of it."""
        from . import clients, exposed
        from .base_proxy import new_token

        assert self._state.value == State.STARTED, "server not yet started"
        if self._served is not None and typeid not in self._served:
            raise NotRegistered(
                f"{typeid!r} was registered after this manager was started, and its host "
                f"does not know it; register it before start()"
            )
        host = None
        if self._serializer == "pickle":
            host = clients.client(self._address, self._authkey)
        if host is None:
            return self._create_plainly(typeid, *args, **kwds)
        made = host.create(typeid, args, kwds)
        # The caller gives it back when it has a proxy.
        token = new_token(host, made, self._address).token
        return token, exposed.methods(made.exposed)

    def _create_plainly(self, typeid: str, /, *args: Any, **kwds: Any) -> Any:
        """As a client that has no sharevar."""
        return _Standard._create(self, typeid, *args, **kwds)

    def _require_initial(self) -> None:
        if self._state.value == State.STARTED:
            raise ProcessError("Already started server")
        if self._state.value == State.SHUTDOWN:
            raise ProcessError("Manager has shut down")


def _end_with_parent() -> None:
    """End the host when its parent ends, which may have been killed."""
    parent = process.parent_process()
    if parent is None:
        return
    # The pipe that tells of its end stays open while other children of it have it.
    with suppress(ProcessLookupError):
        connection.wait([parent.sentinel, os.pidfd_open(parent.pid)])  # type: ignore[arg-type]
    server = getattr(process.current_process(), "_manager_server", None)
    if server is None:
        os._exit(1)
    server.stop_event.set()


def _raise_limit_of_descriptors() -> None:
    """Allow as many descriptors as possible: each connection needs one."""
    import resource

    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def patch_standard_managers() -> None:
    """Derive the manager of shared memory blocks from ours; its server stays its own."""
    standard.managers.SharedMemoryManager.__bases__ = (BaseManager,)
