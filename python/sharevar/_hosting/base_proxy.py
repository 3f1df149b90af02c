"""`multiprocessing.managers.BaseProxy`, on our transport.

It takes the standard class's place below all classes of proxies. Objects of a plain
server, and those that must be called by one thread, are called as ever.
"""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from multiprocessing import process, util
from multiprocessing.managers import State, Token  # type: ignore[attr-defined]
from typing import Any, TypeVar

from .._family.reduction import keep_for_child
from .._native import CallOptions, HostClient, HostedReference
from .._public import public_in
from .._variables import standard
from . import (
    async_calls,
    clients,
    exposed,
    forks,
    identity,
    launch,
    proxy_types,
)
from .batch import Batch
from .plain_connection import PlainConnection
from .security import Security
from .streams import RemoteIterator

_Proxy = TypeVar("_Proxy", bound="BaseProxy")
_NOTHING: Mapping[str, Any] = types.MappingProxyType({})


class BaseProxy(standard.BaseProxy):
    """A base for proxies of hosted objects."""

    # The host and the object's number there, once they are known; None if the object is
    # called on the standard library's wire.
    _hosted: tuple[HostClient, int] | None
    _authkey: bytes
    _id: str
    _manager: Any
    _owned_by_manager: bool
    _serializer: str
    _tls: Any
    _token: Any
    # The options of its calls; None for the usual ones.
    _options: CallOptions | None = None

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        proxy_types.add_async(cls, cls.__dict__.get("_exposed_") or ())

    def _callmethod(
        self,
        methodname: str,
        args: Sequence[Any] = (),
        kwds: Mapping[str, Any] = _NOTHING,
    ) -> Any:
        """Call a method of the object; the result, or a proxy of it."""
        attributes = self.__dict__
        hosted = attributes.get("_hosted") or self._find_host()
        options = attributes.get("_options")
        if hosted is None:
            if options is not None:
                self._require_host()
            return super()._callmethod(methodname, args, dict(kwds))  # type: ignore[arg-type]
        host, number = hosted
        result = host.call(number, methodname, args, dict(kwds) if kwds else None, options)
        if type(result) is HostedReference:
            return self._proxy_of(host, result)
        return result

    def _connect(self) -> None:
        super()._connect()  # type: ignore[misc]
        threads = self._tls
        threads.connection = PlainConnection(
            threads.connection, lambda: threads.__dict__.pop("connection", None)
        )

    async def _callmethod_async(
        self,
        methodname: str,
        args: Sequence[Any] = (),
        kwds: Mapping[str, Any] = _NOTHING,
    ) -> Any:
        """The same, while the event loop goes on. The calls of one proxy in one loop are
        made one after the other, in order; those of a copy of it (`copy.copy`) beside them.
        """
        host, number = self._require_host()
        pending = host.begin(
            number, methodname, args, dict(kwds) if kwds else None, self._options
        )
        result = await async_calls.complete(pending, self._turns())
        if type(result) is HostedReference:
            return self._proxy_of(host, result)
        return result

    def _within(self: _Proxy, seconds: float | None = None, **options: Any) -> _Proxy:
        """This proxy, but each call is given up after so many seconds: it raises
        `CallTimedOut` and is cancelled at the host.

        ``idempotent=True``: a call whose host dies meanwhile is made once more, at the host
        that takes its place.
        """
        self._require_host()
        self._turns()
        limited = object.__new__(type(self))
        # The original, which is kept, has the reference.
        chosen = CallOptions(seconds, **options)
        limited.__dict__.update(self.__dict__, _options=chosen, _original=self)
        return limited

    def _batch(self) -> Batch:
        """Calls that are made with one message when the block of a ``with`` ends::

            with proxy._batch() as batch:
                first, second = batch.add(1), batch.get()
            print(first.result(), second.result())
        """
        return Batch(self)

    def _turns(self) -> async_calls.Turns:
        turns: async_calls.Turns | None = self.__dict__.get("_turns_taken")
        if turns is None:
            turns = self.__dict__.setdefault("_turns_taken", async_calls.Turns())
        return turns

    def _require_host(self) -> tuple[HostClient, int]:
        hosted = self._find_host()
        if hosted is None:
            raise TypeError(
                f"{type(self).__name__} is called as the standard library calls: its object "
                f"belongs to a thread, or to a standard server; it has plain calls only"
            )
        return hosted

    def __copy__(self: _Proxy) -> _Proxy:
        made: Any = type(self)
        copied: _Proxy = made(
            self._token, self._serializer, manager=self._manager, authkey=self._authkey
        )
        for name in ("_isauto", "_options"):
            if name in self.__dict__:
                copied.__dict__[name] = self.__dict__[name]
        return copied

    def _find_host(self) -> tuple[HostClient, int] | None:
        attributes = self.__dict__
        if "_hosted" not in attributes:
            number = identity.number(self._id)
            if self._owned_by_manager:
                early = _own_server().restore_calls
                if early is not None and number is not None:
                    return early, number
            host = None
            if number is not None and self._serializer == "pickle":
                host = clients.client(
                    self._token.address,
                    self._authkey,
                    restarts=identity.is_lasting(self._id),
                )
            attributes["_hosted"] = (
                None if host is None or number is None else (host, number)
            )
        found: tuple[HostClient, int] | None = attributes["_hosted"]
        return found

    def _proxy_of(self, host: HostClient, reference: HostedReference) -> Any:
        if reference.object is None:
            # A method that returned its object.
            return self
        if reference.typeid is None:
            return RemoteIterator(host, reference, self._options)
        manager = self._manager
        # Without its manager, in another process, the class of the proxy is not known.
        registry = standard.REGISTRY if manager is None else manager._registry
        registration = registry.get(reference.typeid, (standard.managers.AutoProxy,))
        with new_token(host, reference, self._token.address) as token:
            return registration[-1](
                token,
                self._serializer,
                manager=manager,
                authkey=self._authkey,
                exposed=exposed.methods(reference.exposed),
            )

    def _incref(self) -> None:
        if self._owned_by_manager:
            server = _own_server()
            server.hold(self._id)
            self._close = util.Finalize(
                self, server.drop, args=(self._id,), exitpriority=10
            )
            return
        if launch.is_to_be_host(self._token.address):
            # The proxy is inherited, and not used there.
            return
        hosted = self._find_host()
        if hosted is None:
            super()._incref()  # type: ignore[misc]
            return
        hosted[0].hold(hosted[1])
        state = self._manager and self._manager._state
        self._close = util.Finalize(
            self, _release, args=(*hosted, state), exitpriority=10
        )

    def __reduce__(self) -> tuple[Any, ...]:
        keep_for_child(self)
        rebuild, (kind, token, serializer, named) = super().__reduce__()  # type: ignore[misc]
        if not self._authkey:
            # None is needed there, and that is no secret.
            named = {**named, "authkey": b""}
        reduced = rebuild, (kind, token, serializer, named)
        security = clients.security(token.address, self._authkey)
        if security == Security():
            return reduced
        return _rebuild_secured, (security, *reduced)


def _own_server() -> Any:
    """The server in this process."""
    return process.current_process()._manager_server  # type: ignore[attr-defined]


def _rebuild_secured(security: Security, rebuild: Any, arguments: tuple[Any, ...]) -> Any:
    _, token, _, named = arguments
    authkey = named.get("authkey") or process.current_process().authkey
    clients.secure(token.address, authkey, security)
    return rebuild(*arguments)


class new_token:
    """The token of an object that a reply has named, and its reference while in here."""

    def __init__(
        self, host: HostClient, reference: HostedReference, address: Any
    ) -> None:
        assert reference.object is not None
        self._host, self._number = host, reference.object
        ident = exposed.ident(self._number, reference.exposed)
        self.token = Token(reference.typeid, address, ident)
        host.receive(self._number, reference.incarnation)

    def __enter__(self) -> Any:
        return self.token

    def __exit__(self, *error: object) -> None:
        self._host.release(self._number)


def _release(host: HostClient, number: int, state: Any) -> None:
    """Release the reference of a dropped proxy, unless its manager or host has ended."""
    if state is None or state.value == State.STARTED:
        try:
            host.release(number)
            forks.settle()
        except Exception as error:
            util.debug("... release failed: %s", error)


@public_in("sharevar.managers")
def MakeProxyType(name: str, exposed: Sequence[str]) -> Any:
    """A class of proxies with these methods and attributes."""
    return proxy_types.make(name, exposed, BaseProxy)


def _take_the_standard_place() -> None:
    """Derive all classes of proxies from ours, those that exist and those to come."""
    for cls in standard.BaseProxy.__subclasses__():
        if cls is not BaseProxy:
            try:
                cls.__bases__ = tuple(
                    BaseProxy if base is standard.BaseProxy else base
                    for base in cls.__bases__
                )
            except TypeError:
                # One whose bases cannot be exchanged stays on the standard wire.
                continue
            _add_async(cls)
    # Pickles for plain Python must have the standard name.
    BaseProxy.__module__ = standard.managers.__name__
    standard.managers.BaseProxy = BaseProxy
    standard.managers.MakeProxyType = MakeProxyType


def _add_async(cls: type[Any]) -> None:
    proxy_types.add_async(cls, getattr(cls, "_exposed_", None) or ())
    for derived in cls.__subclasses__():
        _add_async(derived)


_take_the_standard_place()
