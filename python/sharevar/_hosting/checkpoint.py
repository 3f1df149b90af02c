"""The checkpoint of a host: what the host that replaces it needs, in shared memory.

It is a shared dict, which no death leaves half changed. It has for each object how it was
made and its state after the last call that was answered, the names that were published,
and the processes that hold objects.
"""

from __future__ import annotations

import os
import pickle
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from .._family.reduction import arena_of
from .._variables.dict_proxy import DictProxy
from .._variables.proxy import Proxy
from ..errors import NotSaved, SharevarError
from . import exposed, identity, wire
from .client_watch import ClientWatch, describe_process
from .register import Restarting, keeps_state

_OBJECT, _STATE, _NAME, _HOLDER = "object ", "state ", "name ", "holder "
_SERVED, _SHUT_DOWN = "served", "shut down"

# The session that has references on objects that came back, until all clients that may
# hold them have declared it or are gone.
RESTORED = 2


class _Entry(NamedTuple):
    """A value as it stands in the checkpoint."""

    pickled: bytes
    # Variables in it, which the memory keeps.
    variables: list[Proxy]
    # The other proxies in it, which the record must keep.
    named: list[Any]


class Checkpoint:
    """The checkpoint, as the host writes and reads it."""

    def __init__(self, memory: DictProxy[str, Any], server: Any) -> None:
        self._memory = memory
        self._server = server
        # A forked child must not write it.
        self._process = os.getpid()
        self._served = False
        self._noted: set[int] = set()
        # Objects that are to come back still, in the order in which they were made.
        self._missing: dict[int, None] = {}
        # Objects under way, and the references on them that exist by then: of objects that
        # refer to each other one comes first.
        self._coming: dict[int, int] = {}
        self._client_watch: ClientWatch | None = None

    # While the host serves

    def recorder(
        self,
        number: int,
        typeid: str,
        arguments: tuple[Any, ...],
        named: Mapping[str, Any],
    ) -> Callable[[Any], Record] | None:
        """A function that enters a new object, if objects of its type come back."""
        if not isinstance(self._server.registry[typeid], Restarting):
            return None
        # As they are now: the object may change them.
        entry = self._entry((arguments, dict(named)))

        def record(made: Any) -> Record:
            recorded = Record(self, number, made)
            if not recorded.save():
                recorded.keep(entry.named)
            entered = typeid, entry.pickled, entry.variables
            self._memory[_OBJECT + identity.ident(number)] = entered
            return recorded

        return record

    def _entry(self, value: Any) -> _Entry:
        pickled, proxies = wire.dumps(value)
        arena = arena_of(self._memory).id
        variables: list[Proxy] = []
        named: list[Any] = []
        for proxy in proxies:
            if isinstance(proxy, Proxy) and arena_of(proxy).id == arena:
                variables.append(proxy)
            else:
                named.append(proxy)
        return _Entry(pickled, variables, named)

    def save(self, number: int, made: Any) -> list[Any]:
        """Enter an object's state; the proxies to keep for as long as that is entered."""
        entry = self._entry(made)
        self._memory[_STATE + identity.ident(number)] = entry.pickled, entry.variables
        return entry.named

    def forget(self, number: int) -> None:
        """Remove an object that has no references any more."""
        # After the manager has ended the memory is closed, and nothing is left to remove.
        if os.getpid() == self._process:
            with suppress(SharevarError):
                self._memory.pop(_OBJECT + identity.ident(number), None)
                self._memory.pop(_STATE + identity.ident(number), None)

    def note_served(self) -> None:
        """Note that the host has answered a call, and so does not die of its start."""
        if not self._served:
            self._served = True
            self._memory[_SERVED] = self._process

    def note_shut_down(self) -> None:
        """Note that the host ends in order, and is not to be replaced."""
        with suppress(SharevarError):
            self._memory[_SHUT_DOWN] = self._process

    def publish(self, name: str, number: int) -> None:
        """Note that an object was published."""
        self._memory[_NAME + name] = identity.ident(number)

    def note_holder(self, session: int, process: int | None) -> None:
        """Note that a client process holds an object that comes back."""
        if session not in self._noted:
            self._noted.add(session)
            self._memory[f"{_HOLDER}{session:x}"] = describe_process(process)

    def session_ended(self, session: int) -> None:
        """Note that a client process is gone."""
        if session in self._noted:
            self._noted.discard(session)
            with suppress(SharevarError):
                self._memory.pop(f"{_HOLDER}{session:x}", None)
        self.session_declared(session)

    def session_declared(self, session: int) -> None:
        """Note that a client has declared to this host all that it holds, or is gone."""
        if self._client_watch is not None:
            self._client_watch.settle(session)

    # At the host's start

    def restore(self) -> None:
        """Restore all that the host before this one had."""
        entries = self._memory.copy()
        objects = [key for key in entries if key.startswith(_OBJECT)]
        self._missing = {
            identity.any_number(key.removeprefix(_OBJECT)): None for key in objects
        }
        for number in list(self._missing):
            self.restore_object(number)
        holders = {}
        for key, entry in entries.items():
            if key.startswith(_NAME):
                self._restore_name(key.removeprefix(_NAME), entry)
            elif key.startswith(_HOLDER):
                session = int(key.removeprefix(_HOLDER), 16)
                self._noted.add(session)
                holders[session] = entry
        if objects:
            self._client_watch = ClientWatch(
                holders, self.session_ended, self._drop_unclaimed
            )
            self._client_watch.start()

    def restore_object(self, number: int) -> bool:
        """Restore an object, if it is missing; one that another refers to comes first."""
        if number not in self._missing:
            return False
        del self._missing[number]
        self._coming[number] = 0
        ident = identity.ident(number)
        try:
            typeid, arguments, _ = self._memory[_OBJECT + ident]
            kept = self._memory.get(_STATE + ident)
            registration = self._server.registry[typeid]
            entered = pickle.loads(arguments if kept is None else kept[0])
            # Before the object is made, which may let go of some.
            proxies = self._entry(entered).named
            if kept is None:
                positional, named = entered
            else:
                registration = (lambda: entered, *registration[1:])
                positional, named = (), {}

            def record(made: Any) -> Record:
                recorded = Record(self, number, made)
                recorded.keep(proxies)
                return recorded

            described = exposed.make(registration, positional, named)
            self._server.enter(number, typeid, described, RESTORED, record)
            for _ in range(self._coming.pop(number)):
                self._server.hold(ident)
        except Exception:
            self._coming.pop(number, None)
            # The others come back all the same; a caller of this one gets `HandleExpired`.
            print(f"sharevar: object {ident} did not come back:", file=sys.stderr)
            traceback.print_exc()
            self.forget(number)
            return False
        return True

    def is_coming(self, number: int, references: int) -> bool:
        """Whether an object is about to come back; if it is, so many more references on it
        are noted, or fewer."""
        if number not in self._coming:
            return False
        self._coming[number] += references
        return True

    def _restore_name(self, name: str, ident: str) -> None:
        try:
            self._server.publish(None, name, ident)
        except KeyError:
            del self._memory[_NAME + name]

    def _drop_unclaimed(self) -> None:
        """Drop objects without references: all clients that may hold some have said so."""
        self._client_watch = None
        self._server.drop_unclaimed(RESTORED)


class Record:
    """An object's entry. It is dropped with the object from the host's table."""

    def __init__(self, checkpoint: Checkpoint, number: int, made: Any) -> None:
        self._checkpoint = checkpoint
        self._number = number
        self._made = made if keeps_state(made) else None
        self._saving = threading.Lock()
        # Objects that the entry refers to. The object itself may have let go of them since,
        # but without them it could not come back.
        self._kept: list[Any] = []

    def save(self) -> bool:
        """Enter the object's state, before the answer goes out; whether it is saved at all."""
        if self._made is None:
            return False
        # If two threads save, the later one saves the changes of both.
        with self._saving:
            before, self._kept = self._kept, self._checkpoint.save(self._number, self._made)
        # Outside the lock: with them other objects may go.
        del before
        return True

    def keep(self, proxies: list[Any]) -> None:
        """Hold the objects that the entry refers to outside of the memory."""
        self._kept = proxies

    def served(self, raised: BaseException | None = None) -> None:
        """Note that a call of the object has ended, and save it. If saving fails, an exception
        that the call has raised gets a note of it; else `NotSaved` is raised."""
        try:
            self.save()
            self._checkpoint.note_served()
        except Exception as failed:
            told = (
                f"what it has changed could not be saved, and if the host dies the object "
                f"comes back without: {type(failed).__name__}: {failed}"
            )
            if raised is None:
                raise NotSaved(f"the method has run, but {told}") from failed
            _add_note(raised, told)

    def __del__(self) -> None:
        self._checkpoint.forget(self._number)


class Saved:
    """An object whose methods, called as a standard server calls them, are saved too."""

    __slots__ = ("_made", "_record")

    def __init__(self, made: Any, record: Record) -> None:
        self._made = made
        self._record = record

    def __getattribute__(self, name: str) -> Any:
        made = object.__getattribute__(self, "_made")
        record = object.__getattribute__(self, "_record")
        method = getattr(made, name)

        def call(*arguments: Any, **named: Any) -> Any:
            try:
                result = method(*arguments, **named)
            except BaseException as raised:
                record.served(raised)
                raise
            record.served()
            return result

        return call

    def __str__(self) -> str:
        return str(object.__getattribute__(self, "_made"))

    def __repr__(self) -> str:
        return repr(object.__getattribute__(self, "_made"))

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        # The object itself is sent: the receiver does not know this class.
        return next, (iter((object.__getattribute__(self, "_made"),)),)


def has_served(memory: DictProxy[str, Any], process: int) -> bool:
    """Whether the host that was this process has ended a call."""
    return bool(memory.get(_SERVED) == process)


def was_shut_down(memory: DictProxy[str, Any], process: int) -> bool:
    """Whether the host that was this process was asked to end. Its exit code does not tell:
    code that runs in it can end it with any."""
    return bool(memory.get(_SHUT_DOWN) == process)


def _add_note(error: BaseException, note: str) -> None:
    """`BaseException.add_note`, which is not there before Python 3.11; a newer Python
    that prints the exception shows the note all the same."""
    with suppress(Exception):
        error.__notes__ = [*getattr(error, "__notes__", ()), note]  # type: ignore[attr-defined]
