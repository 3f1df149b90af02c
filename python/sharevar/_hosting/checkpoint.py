"""What a host leaves in shared memory for the one that takes its place.

It is a shared dict, which no death leaves half changed: for each object how it was made
and what it was after the last call that was answered, which names were published, and
which processes hold something.
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
from .client_watch import Holders, describe_process
from .restart import Restarting, keeps_state

_OBJECT, _STATE, _NAME, _HOLDER = "object ", "state ", "name ", "holder "
_SERVED, _SHUT_DOWN = "served", "shut down"

# Whose references those are on objects that came back, until all who may hold them have
# said so or are gone.
RESTORED = 2


class _Entry(NamedTuple):
    """A value as it is entered."""

    pickled: bytes
    # Variables in it, which the memory keeps.
    variables: list[Proxy]
    # The other proxies in it, which somebody else must keep.
    named: list[Any]


class Recollection:
    """The host's side of it."""

    def __init__(self, memory: DictProxy[str, Any], server: Any) -> None:
        self._memory = memory
        self._server = server
        # A forked child has no part in it.
        self._process = os.getpid()
        self._served = False
        self._noted: set[int] = set()
        # Objects that are to come back still, in the order in which they were made.
        self._missing: dict[int, None] = {}
        # Those that are about to, and the references on them that there are by then: of
        # objects that refer to each other one comes first.
        self._coming: dict[int, int] = {}
        self._holders: Holders | None = None

    # While the host serves

    def recorder(
        self,
        number: int,
        typeid: str,
        arguments: tuple[Any, ...],
        named: Mapping[str, Any],
    ) -> Callable[[Any], Record] | None:
        """What enters a new object, if its type is one that comes back."""
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
        """Enter what an object is now; the proxies to keep for as long as it is entered."""
        entry = self._entry(made)
        self._memory[_STATE + identity.ident(number)] = entry.pickled, entry.variables
        return entry.named

    def forget(self, number: int) -> None:
        """Nobody holds the object any more."""
        # With a manager that has ended everything is forgotten.
        if os.getpid() == self._process:
            with suppress(SharevarError):
                self._memory.pop(_OBJECT + identity.ident(number), None)
                self._memory.pop(_STATE + identity.ident(number), None)

    def note_served(self) -> None:
        """The host is good for something: it does not die of its start."""
        if not self._served:
            self._served = True
            self._memory[_SERVED] = self._process

    def note_shut_down(self) -> None:
        """The host ends in order, and wants no next one."""
        with suppress(SharevarError):
            self._memory[_SHUT_DOWN] = self._process

    def publish(self, name: str, number: int) -> None:
        """An object was published."""
        self._memory[_NAME + name] = identity.ident(number)

    def note_holder(self, session: int, process: int | None) -> None:
        """A client process holds an object that comes back."""
        if session not in self._noted:
            self._noted.add(session)
            self._memory[f"{_HOLDER}{session:x}"] = describe_process(process)

    def session_ended(self, session: int) -> None:
        """A client process is gone."""
        if session in self._noted:
            self._noted.discard(session)
            with suppress(SharevarError):
                self._memory.pop(f"{_HOLDER}{session:x}", None)
        self.session_came(session)

    def session_came(self, session: int) -> None:
        """A client has told this host all that it holds, or is gone."""
        if self._holders is not None:
            self._holders.settle(session)

    # At the host's start

    def restore(self) -> None:
        """Have everything back that the host before this one had."""
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
            self._holders = Holders(holders, self.session_ended, self._nobody_else_comes)
            self._holders.start()

    def restore_object(self, number: int) -> bool:
        """Have one object back, if it is missing; one that another refers to comes first."""
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
            # Before the object comes to be, which may let go of some.
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
            # The others come back all the same; who calls this one gets `HandleExpired`.
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

    def _nobody_else_comes(self) -> None:
        """Those who hold something have said so. What nobody holds goes."""
        self._holders = None
        self._server.drop_unclaimed(RESTORED)


class Record:
    """An object's entry. It goes with the object from the host's table."""

    def __init__(self, recollection: Recollection, number: int, made: Any) -> None:
        self._recollection = recollection
        self._number = number
        self._made = made if keeps_state(made) else None
        self._saving = threading.Lock()
        # What is entered leads to these objects, though the object itself may have let go
        # of them since: without them it could not come back.
        self._kept: list[Any] = []

    def save(self) -> bool:
        """Enter what the object is, before the answer that says so goes out; whether it is
        saved at all."""
        if self._made is None:
            return False
        # Of two who save, the later one saves what both have done.
        with self._saving:
            before, self._kept = self._kept, self._recollection.save(self._number, self._made)
        # Outside the lock: with them other objects may go.
        del before
        return True

    def keep(self, proxies: list[Any]) -> None:
        """Hold what the entry leads to that is not of the memory."""
        self._kept = proxies

    def served(self, raised: BaseException | None = None) -> None:
        """A call of the object has ended, and its answer will go out. If that is an
        exception, it is told what could not be saved; else `NotSaved` takes its place."""
        try:
            self.save()
            self._recollection.note_served()
        except Exception as failed:
            told = (
                f"what it has changed could not be saved, and if the host dies the object "
                f"comes back without: {type(failed).__name__}: {failed}"
            )
            if raised is None:
                raise NotSaved(f"the method has run, but {told}") from failed
            _add_note(raised, told)

    def __del__(self) -> None:
        self._recollection.forget(self._number)


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
        # What is sent is the object itself, to whom knows nothing of this class.
        return next, (iter((object.__getattribute__(self, "_made"),)),)


def has_served(memory: DictProxy[str, Any], process: int) -> bool:
    """Whether the host that was this process has ended a call."""
    return bool(memory.get(_SERVED) == process)


def was_shut_down(memory: DictProxy[str, Any], process: int) -> bool:
    """Whether the host that was this process was asked to end. Its exit code does not tell:
    whatever runs in it can end it with any."""
    return bool(memory.get(_SHUT_DOWN) == process)


def _add_note(error: BaseException, note: str) -> None:
    """`BaseException.add_note`, which is not there before Python 3.11; whoever prints the
    exception on a newer one sees the note all the same."""
    with suppress(Exception):
        error.__notes__ = [*getattr(error, "__notes__", ()), note]  # type: ignore[attr-defined]
