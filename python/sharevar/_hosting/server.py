"""The host's side: its objects, by whatever road they are called."""

from __future__ import annotations

import threading
from collections.abc import Callable, Coroutine, Mapping
from multiprocessing.connection import Connection
from typing import Any, ClassVar

from .._family.installed import is_installed
from .._native import HostServer
from .._variables import greenlets, standard
from .._variables.dict_proxy import DictProxy
from . import (
    addresses,
    exposed,
    forks,
    identity,
    plain_wire,
    prefetch,
    socket_directory,
)
from .checkpoint import Recollection, Record, Saved
from .event_loop import EventLoop
from .restart import RESTARTS
from .restore_calls import EarlyCalls
from .security import Security

# Whose references they are that no client process answers for: the proxies in the
# host itself, and all that plain Python holds.
OWN = 0
_PLAIN = 1

# How many may be about to show that they know the key, in the standard library's way.
_STRANGERS = 64


class Server(standard.Server):  # type: ignore[misc]
    """`multiprocessing.managers.Server`, on our transport.

    What plain Python sends to the same address is served as the standard library does
    it: by a thread for each connection.
    """

    public: ClassVar[list[str]] = [*standard.Server.public, "publish"]

    def __init__(
        self,
        registry: dict[str, tuple[Any, ...]],
        address: Any,
        authkey: bytes,
        serializer: str,
        security: Security | None = None,
    ) -> None:
        if not isinstance(authkey, bytes):
            raise TypeError(f"Authkey {authkey!r} is type {type(authkey)!s}, not bytes")
        greenlets.require_threads("a manager's host")
        self.registry = registry
        self.authkey: bytes = standard.managers.process.AuthenticationString(authkey)
        self.serializer = serializer
        options = (security or Security()).of_host(address)
        text = addresses.new() if address is None else addresses.to_text(address)
        self._native = HostServer(text, bytes(authkey), self, **options)
        is_path = isinstance(address, str)
        self.address = address if is_path else addresses.from_text(self._native.address)
        self.listener = _Listening(self._native, self.address)
        self.id_to_obj: Any = _Objects(self._native)
        self.id_to_local_proxy_obj: Any = _KeptOtherwise()
        self.stop_event = threading.Event()
        self._strangers = threading.BoundedSemaphore(_STRANGERS)
        self._published: dict[str, int] = {}
        self._recollection: Recollection | None = None
        # While objects come back.
        self.early_calls: EarlyCalls | None = None
        self._loop = EventLoop()
        forks.note_server(self)

    # Serving

    def serve_forever(self) -> None:
        """Serve until somebody asks for the end."""
        try:
            super().serve_forever()
        finally:
            if self._recollection is not None and self.stop_event.is_set():
                self._recollection.note_shut_down()
            self._native.stop()
            # Who has started it may have been killed.
            socket_directory.remove(self.address)

    def accepter(self) -> None:
        """Be the first of the threads that serve."""
        self._native.work()

    def start_worker(self) -> None:
        """Start one more: all others are busy."""
        threading.Thread(
            target=self._native.work, name="sharevar host", daemon=True
        ).start()

    def serve_plainly(self, descriptor: int, greeting: bytes) -> None:
        """Serve a client that speaks the standard library's protocol."""
        connection = Connection(descriptor)
        if not self._strangers.acquire(blocking=False):
            connection.close()
            return
        threading.Thread(
            target=self._serve_plainly, args=(connection, greeting), daemon=True
        ).start()

    def _serve_plainly(self, connection: Connection, greeting: bytes) -> None:
        with connection:
            try:
                known = plain_wire.authenticate(connection, greeting, bytes(self.authkey))
            finally:
                self._strangers.release()
            if known:
                self.handle_request(plain_wire.serialized(connection, self.serializer))

    def _handle_request(self, c: Any) -> None:
        request = None
        try:
            request = c.recv()
            _, name, args, kwds = request
            assert name in self.public, f"{name!r} unrecognized"
            message = "#RETURN", getattr(self, name)(c, *args, **kwds)
        except Exception:
            message = "#TRACEBACK", standard.managers.format_exc()
        try:
            c.send(message)
        except Exception:
            try:
                c.send(("#TRACEBACK", standard.managers.format_exc()))
            except OSError:
                # Nobody waits for it any more.
                pass

    # Objects

    def make(
        self,
        session: int,
        typeid: str,
        arguments: tuple[Any, ...],
        named: Mapping[str, Any] | None,
    ) -> int:
        """A new object of a registered type, and a session's reference on it."""
        number = identity.new_number()
        named = named or {}
        recorder = None
        if self._recollection is not None:
            recorder = self._recollection.recorder(number, typeid, arguments, named)
        made = exposed.make(self.registry[typeid], arguments, named)
        self.enter(number, typeid, made, session, recorder)
        return number

    def enter(
        self,
        number: int,
        typeid: str,
        described: tuple[Any, tuple[str, ...], Any],
        session: int,
        recorder: Callable[[Any], Record] | None,
    ) -> None:
        """Put an object into the table: what `exposed.make` has made."""
        made, names, types = described
        made = self._as_served(self.registry[typeid], made)
        if exposed.is_bound_to_a_thread(made):
            names = (*names, exposed.BOUND)
        record = None
        if recorder is not None:
            record = recorder(made)
            names = (*names, RESTARTS)
        self._native.insert(number, made, typeid, names, types, session, record)

    def _as_served(self, registration: tuple[Any, ...], made: Any) -> Any:
        """What stands in the table for an object that was made."""
        return made

    def complete(self, coroutine: Coroutine[Any, Any, Any], descriptor: int) -> Any:
        """What a method gives that is a coroutine; its caller is at the descriptor."""
        return self._loop.complete(coroutine, descriptor)

    def stream(
        self, session: int, iterator: Any, always: bool, record: Record | None
    ) -> int | None:
        """Keep an iterator of which a session takes the items; None if it is sent itself.
        ``record``: that of the object which gave it, if it comes back."""
        if not (always or prefetch.stays(iterator)):
            return None
        number = identity.new_number()
        stream = prefetch.Stream(iterator, self._loop, record)
        self._native.insert(number, stream, "#STREAM", ("take",), None, session, None)
        return number

    @property
    def copies_itself(self) -> bool:
        """Whether a method that returns its object gives a copy, as the standard library
        does, which programs that do not know of sharevar expect; else it gives the proxy."""
        return is_installed()

    def fall_back(self, method: str, made: Any) -> Any:
        """What proxies ask for though nobody exposes it: value, str and repr."""
        return self.fallback_mapping[method](self, None, None, made)

    def hold(self, ident: str) -> None:
        """One reference more of the host itself."""
        number = identity.any_number(ident)
        if self._recollection is not None:
            # While objects come back they may refer to each other.
            self._recollection.restore_object(number)
            if self._recollection.is_coming(number, 1):
                return
        self._native.retain(number, OWN)

    def drop(self, ident: str) -> None:
        """One reference less of the host itself."""
        number = identity.any_number(ident)
        if self._recollection is None or not self._recollection.is_coming(number, -1):
            self._native.release(number, OWN)

    def publish(self, c: Any, name: str, ident: str) -> None:
        """Have an object found by a name, for as long as the host runs."""
        # A name that no message can carry could never be asked for.
        name.encode()
        self.hold(ident)
        replaced = self._published.get(name)
        self._published[name] = identity.any_number(ident)
        if self._recollection is not None:
            self._recollection.publish(name, self._published[name])
        if replaced is not None:
            self._native.release(replaced, OWN)

    def find(self, name: str) -> int | None:
        """The object of a name."""
        return self._published.get(name)

    # Life after death

    def recollect(self, memory: DictProxy[str, Any]) -> None:
        """Take the place of the host before this one, and leave the same to the next."""
        self._recollection = Recollection(memory, self)
        # Objects that come back may have proxies of others of this host.
        standard.managers.process.current_process()._manager_server = self
        self._native.set_recollection(self._recollection)
        self.early_calls = EarlyCalls(self)
        self._recollection.restore()
        self.early_calls = None

    def drop_unclaimed(self, session: int) -> None:
        """Drop what nobody holds of the objects that came back."""
        self._native.end_session(session)

    # What clients ask of the host itself

    def ask(self, method: str, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """Answer what came on our transport."""
        if method == "shutdown":
            self.stop_event.set()
            return None
        assert method in self.public and method != "accept_connection", method
        return getattr(self, method)(None, *arguments, **named)

    def create(self, c: Any, typeid: str, /, *args: Any, **kwds: Any) -> Any:
        """A new object, for plain Python."""
        number = self.make(_PLAIN, typeid, args, kwds)
        _, names, _, _ = self._native.get(number)
        return exposed.ident(number, names), exposed.plain_methods(names)

    def get_methods(self, c: Any, token: Any) -> tuple[str, ...]:
        """What can be called of a token's object."""
        if c is None:
            # It came on our transport.
            _, names, _, _ = self._native.get(identity.any_number(token.id))
            return exposed.methods(names)
        return tuple(self.id_to_obj[token.id][1])

    def incref(self, c: Any, ident: str) -> None:
        """One reference more of plain Python."""
        self._native.retain(identity.any_number(ident), _PLAIN)

    def decref(self, c: Any, ident: str) -> None:
        """One reference less of plain Python."""
        self._native.release(identity.any_number(ident), _PLAIN)

    def number_of_objects(self, c: Any) -> int:
        """How many objects there are."""
        return len(self._native)

    def debug_info(self, c: Any) -> str:
        """A line or two on each object."""
        lines = []
        for number, references in self._native.numbers():
            try:
                shown = str(self._native.get(number)[0])[:75]
            except KeyError:
                continue
            ident = identity.ident(number)
            lines.append(f"  {ident}:       refcount={references}\n    {shown}")
        return "\n".join(lines)


class _Objects:
    """Objects by the ids in tokens, as the standard server looks them up."""

    def __init__(self, native: HostServer) -> None:
        self._native = native

    def __getitem__(self, ident: str) -> tuple[Any, Any, Any]:
        made, names, types, record = self._native.get(identity.any_number(ident))
        if record is not None:
            made = Saved(made, record)
        return made, set(exposed.plain_methods(names)), types


class _KeptOtherwise(dict[str, Any]):
    """What the standard server keeps for good because proxies in it refer to it.

    Here such proxies have references like all others, and nothing needs to be entered.
    """

    def __contains__(self, ident: object) -> bool:
        return True


class _Listening:
    """What programs use of a server's ``listener``."""

    def __init__(self, native: HostServer, address: Any) -> None:
        self._native = native
        self.address = address

    def close(self) -> None:
        self._native.stop()
