"""The server in a host: its objects, and the two protocols by which they are called."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable, Coroutine, Mapping
from multiprocessing.connection import Connection
from typing import Any, ClassVar

from .._family.installed import is_installed
from .._native import HostedObject, HostServer, Prefetch, unused_address
from .._public import public_in
from .._variables import greenlets, standard
from .._variables.dict_proxy import DictProxy
from . import (
    addresses,
    exposed,
    forks,
    identity,
    plain_wire,
)
from .checkpoint import Checkpoint, Record, Saved
from .event_loop import EventLoop
from .prefetch import prefetch, stays_at_host
from .register import RESTARTS
from .restore_calls import RestoreCalls
from .security import Security

# Sessions for references that no client process holds: those of proxies in the host
# itself, and of all clients that are plain Python.
OWN = 0
_PLAIN = 1

# The most connections in the handshake of the standard library's protocol.
_MAX_HALF_OPEN = 64
# Seconds for which a process that ends waits for what it serves.
_LONGEST_END = 1.0


@public_in("sharevar.managers")
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
        text = unused_address() if address is None else addresses.to_text(address)
        self._native = HostServer(text, bytes(authkey), self, **options)
        is_path = isinstance(address, str)
        self.address = address if is_path else addresses.from_text(self._native.address)
        self.listener = _Listening(self._native, self.address)
        self.id_to_obj: Any = _Objects(self._native)
        self.id_to_local_proxy_obj: Any = _LocalProxyObjects()
        self.stop_event = threading.Event()
        # The thread that has yet to answer the request for the end.
        self._ending: threading.Thread | None = None
        self._half_open = threading.BoundedSemaphore(_MAX_HALF_OPEN)
        self._checkpoint: Checkpoint | None = None
        # Only while objects come back.
        self.restore_calls: RestoreCalls | None = None
        self._loop = EventLoop()
        self._workers: weakref.WeakSet[threading.Thread] = weakref.WeakSet()
        # Workers are started one after the other, and none after the end.
        self._starting = threading.Lock()
        self._is_ending = False

    # Serving

    def serve_forever(self) -> None:
        """Serve until a client asks for the end."""
        try:
            super().serve_forever()
        finally:
            if self._checkpoint is not None and self.stop_event.is_set():
                self._checkpoint.note_shut_down()
            self._native.stop()
            if self._ending is not None:
                self._ending.join(_LONGEST_END)

    def accepter(self) -> None:
        """Be the first of the threads that serve."""
        self._native.work()

    def start_worker(self) -> None:
        """Start one more thread that serves: all others are busy."""
        worker = threading.Thread(target=self._native.work, name="sharevar host", daemon=True)
        with self._starting:
            if not self._is_ending:
                self._workers.add(worker)
                worker.start()

    def _end(self) -> None:
        """Stop serving before the interpreter ends: a thread that enters it later may be the
        end of the process. One that is in a user's function is waited for in vain."""
        self._native.stop()
        until = time.monotonic() + _LONGEST_END
        with self._starting:
            self._is_ending = True
            workers = tuple(self._workers)
        for worker in workers:
            worker.join(max(0.0, until - time.monotonic()))

    def serve_plainly(self, descriptor: int, greeting: bytes) -> None:
        """Serve a client that speaks the standard library's protocol."""
        connection = Connection(descriptor)
        forks.note_connection(connection)
        if not self._half_open.acquire(blocking=False):
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
                self._half_open.release()
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
                # The client is gone.
                pass

    # Objects

    def make(
        self,
        number: int,
        typeid: str,
        arguments: tuple[Any, ...],
        named: Mapping[str, Any] | None,
        holder: tuple[int, int | None] | None = None,
    ) -> HostedObject:
        """Make an object of a registered type, which is put into the table by this number.
        ``holder`` is the session and the process of the client for which it is made."""
        named = named or {}
        recorder = None
        if self._checkpoint is not None:
            recorder = self._checkpoint.recorder(number, typeid, arguments, named)
        made = exposed.make(self.registry[typeid], arguments, named)
        hosted = self._described(typeid, made, recorder)
        if self._checkpoint is not None and hosted.record is not None and holder is not None:
            self._checkpoint.note_holder(*holder)
        return hosted

    def enter(
        self,
        number: int,
        typeid: str,
        described: tuple[Any, tuple[str, ...], Any],
        session: int,
        recorder: Callable[[Any], Record] | None,
    ) -> None:
        """Put an object that `exposed.make` has made into the table."""
        self._native.insert(number, self._described(typeid, described, recorder), session)

    def _described(
        self,
        typeid: str,
        described: tuple[Any, tuple[str, ...], Any],
        recorder: Callable[[Any], Record] | None,
    ) -> HostedObject:
        made, names, types = described
        made = self._as_served(self.registry[typeid], made)
        if exposed.is_bound_to_a_thread(made):
            names = (*names, exposed.BOUND)
        record = None
        if recorder is not None:
            record = recorder(made)
            names = (*names, RESTARTS)
        return HostedObject(made, typeid, names, types, record)

    def _as_served(self, registration: tuple[Any, ...], made: Any) -> Any:
        """The object that stands in the table for one that was made."""
        return made

    def run_coroutine(self, coroutine: Coroutine[Any, Any, Any], descriptor: int) -> Any:
        """The result of a coroutine that a method returned; its caller is at the descriptor."""
        return self._loop.run_coroutine(coroutine, descriptor)

    def stream(self, iterator: Any, always: bool, record: Record | None) -> Prefetch | None:
        """The items of an iterator that a method has given; None if the iterator itself is
        sent. ``record`` is that of the object which gave it, if it comes back."""
        if not (always or stays_at_host(iterator)):
            return None
        return prefetch(iterator, self._loop, record)

    @property
    def copies_itself(self) -> bool:
        """Whether a method that returns its object gives a copy, as the standard library
        does, which programs that do not know of sharevar expect; else it gives the proxy."""
        return is_installed()

    def fall_back(self, method: str, made: Any) -> Any:
        """Call one of the methods that proxies use without exposing them: value, str, repr."""
        return self.fallback_mapping[method](self, None, None, made)

    def hold(self, ident: str) -> None:
        """Add a reference of the host itself."""
        number = identity.any_number(ident)
        if self._checkpoint is not None:
            # While objects come back they may refer to each other.
            self._checkpoint.restore_object(number)
            if self._checkpoint.is_coming(number, 1):
                return
        self._native.retain(number, OWN)

    def drop(self, ident: str) -> None:
        """Remove a reference of the host itself."""
        number = identity.any_number(ident)
        if self._checkpoint is None or not self._checkpoint.is_coming(number, -1):
            self._native.release(number, OWN)

    def publish(self, c: Any, name: str, ident: str) -> None:
        """Publish an object under a name, for as long as the host runs."""
        # A name that no message can carry could never be asked for.
        name.encode()
        number = identity.any_number(ident)
        self._native.publish(name, number)
        if self._checkpoint is not None:
            self._checkpoint.publish(name, number)

    # Restarts

    def restore_from(self, memory: DictProxy[str, Any]) -> None:
        """Restore the objects of the host before this one, and save them from now on."""
        self._checkpoint = Checkpoint(memory, self)
        # Objects that come back may have proxies of others of this host.
        standard.managers.process.current_process()._manager_server = self
        self._native.set_checkpoint(self._checkpoint)
        self.restore_calls = RestoreCalls(self)
        self._checkpoint.restore()
        self.restore_calls = None

    def drop_unclaimed(self, session: int) -> None:
        """Drop the objects that came back and that no client holds."""
        self._native.end_session(session)

    # Requests to the host itself

    def call_host(self, method: str, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """Answer a request to the host itself that came on our transport."""
        if method == "shutdown":
            self._ending = threading.current_thread()
            self.stop_event.set()
            return None
        assert method in self.public and method != "accept_connection", method
        return getattr(self, method)(None, *arguments, **named)

    def create(self, c: Any, typeid: str, /, *args: Any, **kwds: Any) -> Any:
        """A new object, for plain Python."""
        number = identity.new_number()
        made = self.make(number, typeid, args, kwds)
        self._native.insert(number, made, _PLAIN)
        return exposed.ident(number, made.exposed), exposed.plain_methods(made.exposed)

    def get_methods(self, c: Any, token: Any) -> tuple[str, ...]:
        """The names that can be called of a token's object."""
        if c is None:
            # It came on our transport.
            return exposed.methods(self._native.get(identity.any_number(token.id)).exposed)
        return tuple(self.id_to_obj[token.id][1])

    def incref(self, c: Any, ident: str) -> None:
        """Add a reference of plain Python."""
        self._native.retain(identity.any_number(ident), _PLAIN)

    def decref(self, c: Any, ident: str) -> None:
        """Remove a reference of plain Python."""
        self._native.release(identity.any_number(ident), _PLAIN)

    def number_of_objects(self, c: Any) -> int:
        """How many objects there are."""
        return len(self._native)

    def debug_info(self, c: Any) -> str:
        """A line or two on each object."""
        lines = []
        for number, references in self._native.numbers():
            try:
                shown = str(self._native.get(number).object)[:75]
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
        found = self._native.get(identity.any_number(ident))
        made = found.object if found.record is None else Saved(found.object, found.record)
        return made, set(exposed.plain_methods(found.exposed)), found.types


class _LocalProxyObjects(dict[str, Any]):
    """Stands for the objects that the standard server keeps for proxies in it, for good.

    Here such proxies have references like all others, and nothing needs to be entered.
    """

    def __contains__(self, ident: object) -> bool:
        return True


class _Listening:
    """As much of a server's ``listener`` as programs use."""

    def __init__(self, native: HostServer, address: Any) -> None:
        self._native = native
        self.address = address

    def close(self) -> None:
        self._native.stop()
