"""Functions that hosted objects call in the process that has passed them.

That process becomes a host of its own for it, in threads, on a private socket. The
message has the place of the function, and its receiver a reference, as on any object.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import util
from typing import Any
from weakref import WeakValueDictionary

from .._family.reduction import keep_for_child
from .._native import HostClient
from .._public import public_in
from ..errors import HandleExpired, HostDied, HostUnreachable
from . import addresses, forks, identity
from .server import OWN, Server
from .wire import Reference

_CALL = "__call__"
_TYPE = "callback"
_REGISTRY = {_TYPE: (None, (_CALL,), None, None)}

# The host of this process's functions. Hosts that a fork has copied are never let go: the
# numbers of their descriptors may be other files by now.
_server: Server | None = None
_inherited: list[Server] = []
_lock = threading.Lock()

# The clients for processes whose functions are here.
_clients: WeakValueDictionary[tuple[str, bytes], HostClient] = WeakValueDictionary()


@public_in("sharevar")
class callback(Reference):
    """A function to be handed to a hosted object, which calls it here.

    It runs in a thread of this process, during the call that hands it over or after it,
    for as long as this process lives and the object keeps it.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        if not callable(function):
            raise TypeError(f"a callback must be callable, not {type(function).__name__!r}")
        self._function = function
        self._entry: tuple[Server, int] | None = None

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        return self._function(*arguments, **named)

    def __reduce__(self) -> tuple[Any, ...]:
        keep_for_child(self)
        server, number = self._enter()
        place = addresses.to_text(server.address), bytes(server.authkey), number
        return _open, (*place, _machine(), repr(self._function))

    def __repr__(self) -> str:
        return f"callback({self._function!r})"

    def _enter(self) -> tuple[Server, int]:
        server = _running_server()
        with _lock:
            # A forked child has another server.
            if self._entry is None or self._entry[0] is not server:
                number = identity.new_number()
                described = self._function, (_CALL,), None
                server.enter(number, _TYPE, described, OWN, None)
                self._keep(server, number)
            assert self._entry is not None
            return self._entry

    def _keep(self, server: Server, number: int) -> None:
        """Note that the function is in the table, with a reference for this object."""
        util.Finalize(self, server.drop, (identity.ident(number),), exitpriority=10)
        self._entry = server, number

    def __eq__(self, other: object) -> bool:
        return isinstance(other, callback) and other._function == self._function

    def __hash__(self) -> int:
        return hash(self._function)


class RemoteFunction(Reference):
    """A function of another process, which runs there."""

    def __init__(self, address: str, key: bytes, number: int, name: str) -> None:
        self._place = address, key, number
        self._name = name
        self._client = _client(address, key)
        # None once it is known that the function cannot be called any more.
        self._gone: Exception | None = None
        self._hold()
        util.register_after_fork(self, RemoteFunction._hold)

    def _hold(self) -> None:
        number = self._place[2]
        try:
            self._client.hold(number)
        except HandleExpired:
            # A holder of many functions is not to fail for one of them.
            self._gone = HandleExpired(
                f"callback({self._name}) cannot be called any more: its process has let it "
                f"go, as it does when the host that kept it dies; keep the sharevar.callback "
                f"there, or hand it over again"
            )
        except HostDied as error:
            self._gone = error
        else:
            util.Finalize(self, self._client.release, (number,), exitpriority=10)

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        if self._gone is not None:
            raise type(self._gone)(*self._gone.args)
        return self._client.call(self._place[2], _CALL, arguments, named or None)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RemoteFunction) and other._place == self._place

    def __hash__(self) -> int:
        return hash(self._place)

    def __reduce__(self) -> tuple[Any, ...]:
        keep_for_child(self)
        return _open, (*self._place, _machine(), self._name)

    def __repr__(self) -> str:
        return f"<{self._name}, at {self._place[0]}>"


def _open(address: str, key: bytes, number: int, machine: str, name: str) -> Any:
    """The function in the process that receives it, which may be the one where it runs."""
    if machine != _machine():
        raise HostUnreachable(
            f"{name} is a function of a process on another machine; callbacks reach only "
            f"as far as a Unix socket. Have that process publish an object instead"
        )
    if _server is not None and addresses.to_text(_server.address) == address:
        with suppress(KeyError):
            _server.hold(identity.ident(number))
            returned = callback(_server.id_to_obj[identity.ident(number)][0])
            returned._keep(_server, number)
            return returned
    return RemoteFunction(address, key, number, name)


def _client(address: str, key: bytes) -> HostClient:
    try:
        return _clients[address, key]
    except KeyError:
        client = HostClient(address, key)
        forks.note_client(client)
        return _clients.setdefault((address, key), client)


def _running_server() -> Server:
    global _server
    with _lock:
        if _server is None:
            address = addresses.choose()
            _server = Server(_REGISTRY, address, os.urandom(32), "pickle")
            _server.start_worker()
            # It serves for as long as the process lives; children are joined before that.
            util.Finalize(None, addresses.remove, (address,), exitpriority=-101)
            util.Finalize(None, _server._end, exitpriority=-100)
        return _server


def _machine() -> str:
    with open("/proc/sys/kernel/random/boot_id") as boot:
        return boot.read().strip()


def _after_fork_in_child() -> None:
    global _server, _lock
    _lock = threading.Lock()
    if _server is not None:
        _inherited.append(_server)
        _server = None


os.register_at_fork(after_in_child=_after_fork_in_child)
