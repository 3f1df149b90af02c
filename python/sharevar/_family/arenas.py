"""The arenas and other stores that this process has attached, by identity."""

import os
import threading
from collections.abc import Callable
from multiprocessing.context import get_spawning_popen
from typing import Any, NamedTuple, TypeVar
from weakref import WeakValueDictionary

from .._native import Arena, Store
from ..errors import (
    ArenaGone,
    ClosedError,
    DescriptorLost,
    NotAnArena,
    SharevarError,
    Unsupported,
)
from .descriptors import (
    DescriptorHolder,
    DescriptorReference,
    candidates,
    discard_duplicate,
    refer_to,
)

_attached: WeakValueDictionary[bytes, Arena] = WeakValueDictionary()
# Other stores by their addresses, too, which say the lease, the timeout and the durability.
_connected: WeakValueDictionary[tuple[bytes, str], Store] = WeakValueDictionary()
# Those that this process may only read. It may have another attachment, for writing.
_read_only: WeakValueDictionary[bytes, Arena] = WeakValueDictionary()
_holders: dict[bytes, tuple[DescriptorHolder, ...]] = {}

# The identity of the arena whose pickle this thread reads, if it is had for reading only.
_reading = threading.local()

# The most processes that a reference names when it is passed on and on.
_MAX_HOLDERS = 3


class Address(NamedTuple):
    """Where a store of another engine is connected to."""

    text: str


class NamedArenaReference(NamedTuple):
    """The way to an arena that any process of the user finds by its name."""

    name: str
    # Whether the sender stores and reads pickles there, or may only read; so it is for the
    # receiver, then.
    accepts_pickles: bool
    is_read_only: bool


class ArenaReference(NamedTuple):
    """The object that is pickled in the place of an arena or of another store."""

    identity: bytes
    # Another store is connected to by its address.
    source: DescriptorReference | NamedArenaReference | Address


_AnyStore = TypeVar("_AnyStore", bound=Store)


def remember(store: _AnyStore) -> _AnyStore:
    """Enter an arena or store, so that references to it lead to this attachment."""
    known: Any
    if not isinstance(store, Arena):
        key = (store.id, store.address or "")
        known = _connected.setdefault(key, store)
        if store.accepts_pickles and not known.accepts_pickles:
            # The other one stays as its program has asked for it.
            known = _connected[key] = store
        return known  # type: ignore[no-any-return]
    attached: Any = _read_only if store.is_read_only else _attached
    known = attached.setdefault(store.id, store)
    if store.accepts_pickles and not known.accepts_pickles:
        known.accept_pickles()
    return known  # type: ignore[no-any-return]


def open_for_one_author(name: str) -> Arena:
    """The arena of a name by which the programs of one author meet: they use pickles there.

    If another program has made it, which does not allow them, it has none.
    """
    arena = Arena.open_by_name(name, allow_pickle=True)
    if arena.allows_pickles:
        arena.accept_pickles()
    return remember(arena)


def refer_by_name(arena: Arena) -> NamedArenaReference | None:
    """The way to an arena by its name, if it has one."""
    if arena.name is None:
        return None
    return NamedArenaReference(arena.name, arena.accepts_pickles, arena.is_read_only)


def refer_to_arena(arena: Store) -> ArenaReference:
    """A reference to an arena or store, for another process."""
    remember(arena)
    identity = arena.id
    if not isinstance(arena, Arena):
        return ArenaReference(identity, Address(arena.address or ""))
    named = refer_by_name(arena)
    if named is not None:
        return ArenaReference(identity, named)
    earlier = _holders.get(identity, ())
    try:
        descriptor = arena.fileno()
    except DescriptorLost:
        if get_spawning_popen() is not None:
            # A new program has no other way to the arena.
            raise
        return ArenaReference(identity, DescriptorReference(None, earlier))
    return ArenaReference(identity, refer_to(descriptor, earlier))


def attach(reference: ArenaReference) -> Store:
    """The store that a reference names: the attached one, else a new attachment."""
    identity, source = reference
    if isinstance(source, Address):
        store = _connected.get((identity, source.text))
        return store if store is not None else _connect(identity, source.text)
    is_read_only = isinstance(source, NamedArenaReference) and source.is_read_only
    # What a pickle refers to is for reading only where the pickle is.
    is_read_only = is_read_only or getattr(_reading, "identity", None) == identity
    arena = (_read_only if is_read_only else _attached).get(identity)
    if arena is not None:
        return arena
    if isinstance(source, NamedArenaReference):
        return _attach_by_name(identity, source)
    return _attach_by_descriptor(identity, source)


def reader(identity: bytes, loads: Callable[..., Any]) -> Callable[..., Any]:
    """`loads` for the pickles of an arena that this process has for reading only."""

    def read(*arguments: Any, **named: Any) -> Any:
        before = getattr(_reading, "identity", None)
        _reading.identity = identity
        try:
            return loads(*arguments, **named)
        finally:
            _reading.identity = before

    return read


def attach_arena(reference: ArenaReference) -> Arena:
    """The same for an arena, of which alone a family can be."""
    arena = attach(reference)
    if not isinstance(arena, Arena):
        raise NotAnArena(f"a family is in shared memory, and not in {arena.engine}")
    return arena


def _connect(identity: bytes, address: str) -> Store:
    store = Store.connect(address)
    if store.id != identity:
        if store.engine == "memory":
            raise Unsupported(
                f"{address!r} does not lead to the variable from this process: it is kept in "
                "the memory of another one; use a manager of shared memory"
            )
        raise ClosedError(
            f"the variables at {address!r} are others than those to which the reference was "
            "made: its manager was closed, or the server has lost its data"
        )
    return remember(store)


def _attach_by_name(identity: bytes, reference: NamedArenaReference) -> Arena:
    arena = Arena.attach_by_name(reference.name, reference.is_read_only)
    if arena.id != identity:
        gone = ArenaGone(
            f"the manager {reference.name!r} was removed and made anew since the reference "
            "was sent; open it by its name"
        )
        gone.is_removed = True
        raise gone
    if reference.accepts_pickles:
        arena.accept_pickles()
    return remember(arena)


def _attach_by_descriptor(identity: bytes, descriptor_reference: DescriptorReference) -> Arena:
    failure: Exception | None = None
    refused: Exception | None = None
    for descriptor in candidates(descriptor_reference, os.O_RDWR):
        try:
            arena = Arena.attach(descriptor)
        except ClosedError:
            # An OSError, too.
            raise
        except NotAnArena as error:
            # The number leads to another file by now.
            failure = error
            continue
        except (SharevarError, OSError) as error:
            # An arena that cannot be had in this process: there is no room, or no place.
            refused = failure = error
            continue
        finally:
            os.close(descriptor)
        if arena.id == identity:
            _holders[identity] = descriptor_reference.holders[:_MAX_HOLDERS]
            discard_duplicate(descriptor_reference)
            return remember(arena)
    if refused is not None:
        raise refused
    raise ArenaGone(
        f"arena {identity.hex()} is not attached here, and no descriptor of it was "
        f"found at {_places(descriptor_reference)}: the process that sent the "
        "reference may have ended, or runs as another user. Hand the variable to "
        "the process when it is started."
    ) from failure


def _places(reference: DescriptorReference) -> str:
    return ", ".join(
        f"/proc/{holder.process}/fd/{holder.descriptor}" for holder in reference.holders
    )
