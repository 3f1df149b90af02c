"""Module-level variables that are one for the whole process family."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from multiprocessing import managers
from multiprocessing.context import BaseContext
from typing import Any, NamedTuple, TypeVar, overload

from .. import _native
from .._family import applications, engines, family, separate_family
from .._family.reduction import arena_of, handle_of
from .._public import public_in
from ..errors import (
    ArenaGone,
    ClosedError,
    HandleExpired,
    NoSuchManager,
    ReadOnly,
    WrongKind,
)
from . import files, kinds, refusal, sharedctypes
from .append_file import AppendFile
from .append_text_file import AppendTextFile
from .array_proxy import ArrayProxy
from .barrier import Barrier
from .condition import Condition
from .dict_proxy import DictProxy
from .event import Event
from .kinds import BY_STANDARD, BY_TYPEID, PROCESS_QUEUES
from .list_proxy import ListProxy
from .lock import Lock
from .namespace import NamespaceProxy
from .proxy import Proxy
from .recursive_lock import RLock
from .semaphore import BoundedSemaphore, Semaphore
from .set_proxy import SetProxy
from .value_proxy import ValueProxy

_Key = TypeVar("_Key")
_Item = TypeVar("_Item")
_Variable = TypeVar("_Variable", bound=Proxy)

# Names in the family's arena, beside the user's own (by which Rust finds them, too).
_FILLED = _native.ENTRIES
_FILLING = refusal.RESERVED + "filling"
# How often a name is looked for that others take away.
_ATTEMPTS = 100


class _Request(NamedTuple):
    """The maker of a variable that is asked for by its name, and the arguments of the maker."""

    kind: Any
    arguments: tuple[Any, ...] = ()
    named: Mapping[str, Any] = types.MappingProxyType({})


@overload
def shared(
    name: str, kind: type[list[_Item]], /, *arguments: Any, app: str | None = None
) -> ListProxy[_Item]: ...
@overload
def shared(
    name: str,
    kind: type[dict[_Key, _Item]],
    /,
    *arguments: Any,
    app: str | None = None,
    **named: Any,
) -> DictProxy[_Key, _Item]: ...
@overload
def shared(
    name: str, kind: type[set[_Item]], /, *arguments: Any, app: str | None = None
) -> SetProxy[_Item]: ...
@overload
def shared(
    name: str, kind: type[_Variable], /, *arguments: Any, app: str | None = None, **named: Any
) -> _Variable: ...
@overload
def shared(
    name: str,
    kind: Callable[..., _Item],
    /,
    *arguments: Any,
    app: str | None = None,
    **named: Any,
) -> ValueProxy[_Item]: ...


@public_in("sharevar")
def shared(
    name: str,
    kind: Callable[..., Any],
    /,
    *arguments: Any,
    app: str | None = None,
    **named: Any,
) -> Any:
    """The variable of that name in this process family or application, made at first use.

    Called at module level it gives a global that parent and children share, under
    fork, spawn and forkserver alike. ``kind(*arguments)`` is called once, by the first
    process:

    - ``list``, ``dict``, ``set`` and whatever returns one give a `ListProxy`, `DictProxy`,
      `SetProxy`;
    - `sharevar.Queue`, ``JoinableQueue``, ``SimpleQueue``, ``Lock``, ``RLock``,
      ``Event``, ``Semaphore``, ``BoundedSemaphore``, ``Condition``, ``Barrier``,
      ``Value``, ``Array``, ``open``, `NamespaceProxy`, and what returns one of them, give
      themselves; so do those of `threading`, `queue` and `multiprocessing`, as ours;
    - what cannot be changed (a number, a str, a tuple, a date ...) is the contents of a
      box (`ValueProxy`, with ``.value`` and ``.incr()``), as is a monitor;
    - what could be changed in one process without others seeing it (a ``Counter``, a
      ``deque``, an array of NumPy, an object with attributes, a tuple that holds a list)
      is refused, with what to use instead. The kind `ValueProxy` makes a box of it all the
      same: ``shared("parts", sharevar.ValueProxy, bytearray(3))``. Then ``.value`` is a copy.

    The family of a process are the processes that descend from the one which imported
    sharevar first, and that process itself: it must be imported where the others are
    started from. Under ``python -m sharevar`` every program that descends from it belongs
    to its family, however it was started.

    With ``app``, or with the environment variable ``SHAREVAR_APP`` where there is none, the
    variable is in the manager of that name, which every process of the user finds: the
    workers of a server, a shell, a Rust program. (``app`` is no argument of ``kind``, so
    that an initial dict with this key is given as a dict.)

    Where the environment names an engine (``SHAREVAR_ENGINE=redis://host/0?namespace=shop``),
    all of this is on that server: in the namespace of its address, or of the ``app``.
    """
    refusal.require_arguments(name, kind)
    if app is None:
        app = applications.app_of_environment()
    store = engines.store_of_environment(app)
    if store is not None:
        return get_or_make(store, name, kind, arguments, named)
    if app is not None:
        refusal.require_text(name)
        return get_or_make(applications.arena_of_app(app), name, kind, arguments, named)
    arena = family.arena_of_names()
    separate_family.warn(name)
    return get_or_make(arena, name, kind, arguments, named)


def get_or_make(
    arena: _native.Store,
    name: str,
    kind: Callable[..., Any],
    arguments: tuple[Any, ...],
    named: dict[str, Any],
) -> Any:
    """The variable of that name in an arena, which is made now if there is none."""
    refusal.require_arguments(name, kind)
    kind = _ours(kind)
    request = _Request(kind, arguments, named)
    if arena.is_read_only:
        return _found_for_reading(arena, name, request)
    if (kind is Lock or kind is RLock) and arena.find(name) is not None:
        return arena.named(name, kind)  # type: ignore[type-var]
    filled = arena.named(_FILLED, DictProxy)
    for _ in range(_ATTEMPTS):
        entry = _entry(arena, filled, name)
        if entry is None:
            # A process that is killed in here leaves no entry, and the next one fills in
            # again. Recursive, as a factory may ask for shared variables itself.
            with arena.named(_FILLING, RLock):
                entry = _entry(arena, filled, name)
                if entry is None:
                    made, filled[name] = _make(arena, name, request)
                    return made
        found = _found(arena, name, entry, request)
        if found is not None:
            return found
    raise RuntimeError(f"the name {name!r} was taken away at each of {_ATTEMPTS} attempts")


def find(arena: _native.Store, name: str) -> Any:
    """The variable of that name in an arena; `KeyError` if there is none."""
    if isinstance(name, str) and name.startswith(refusal.RESERVED):
        raise KeyError(name)
    entry = _entry(arena, arena.find(_FILLED), name)
    # A lock may have no entry, and a variable that a Rust program has made has none.
    found = arena.find(name) if entry is None else _found(arena, name, entry, _Request(None))
    if found is None:
        raise KeyError(name)
    return found


def _entry(arena: _native.Store, filled: Any, name: str) -> Any:
    """The entry of a variable that was made here, if it has one that counts."""
    try:
        entry = None if filled is None else filled.get(name)
    except (ClosedError, HandleExpired, NoSuchManager):
        # An object that is elsewhere, and is gone.
        return None
    except ArenaGone as error:
        if error.is_removed:
            return None
        # Others may have it. A new one beside it would be another variable of this name.
        raise ArenaGone(
            f"the shared variable {name!r} is elsewhere: {error} `sharevar del` takes the name "
            "away, so that the variable is made anew"
        ) from error
    if isinstance(entry, str):
        found: Any = arena.find(name)
        if found is None:
            return None
        if entry not in _BY_NAME:
            raise WrongKind(
                f"the class of the shared variable {name!r} is {entry}, which this version of "
                "sharevar does not know"
            )
        # Rust programs and the command may have given the name to another variable since.
        is_its = _native_class(_BY_NAME[entry]) in type(found).__mro__
        return entry if is_its else None
    if entry is not None and sharedctypes.is_shared(entry):
        memory = sharedctypes.memory_of(entry)
        if arena_of(memory).id == arena.id:
            found = arena.find(name)
            is_its = found is not None and handle_of(found) == handle_of(memory)
            return entry if is_its else None
    return entry


def _native_class(cls: type[Any]) -> type[Any]:
    """The class of the native module that a class of variables derives from."""
    found: type[Any] = next(
        base for base in cls.__mro__ if vars(_native).get(base.__name__) is base
    )
    return found


def _found_for_reading(arena: _native.Store, name: str, request: _Request) -> Any:
    """The variable of a name where none can be made."""
    entry = _entry(arena, arena.find(_FILLED), name)
    if entry is not None:
        return _found(arena, name, entry, request)
    kind = request.kind
    found: Any = arena.find(name)
    if found is None:
        raise ReadOnly(
            f"there is no variable {name!r}, and this process cannot make it: it has the "
            f"manager {arena.name!r} for reading only"
        )
    if kind in _OF_CTYPES:
        if isinstance(found, ArrayProxy):
            raise sharedctypes.not_for_reading(arena)
        expected = str(sharedctypes.form_to_be(kind))
        raise _wrong_kind(name, kinds.name_of(type(found)), expected)
    if kind is files.open:
        raise _wrong_kind(name, kinds.name_of(type(found)), "file")
    if not isinstance(kind, type):
        # The kind of what a function would make is not known.
        return found
    is_ours = issubclass(kind, Proxy)
    return arena.named(name, kind if is_ours else _CONTAINERS.get(kind, ValueProxy))


def names(arena: _native.Store) -> list[str]:
    """The names of the variables in an arena, in the order in which they were made; then
    those of files and of other managers' variables, which are not in it."""
    found = [name for name in arena.names() if not name.startswith(refusal.RESERVED)]
    filled: Any = arena.find(_FILLED)
    if filled is None:
        return found
    others = dict.fromkeys(filled.keys())
    for name in found:
        others.pop(name, None)
    return found + [name for name in others if _is_elsewhere(arena, filled, name)]


def _is_elsewhere(arena: _native.Store, filled: Any, name: str) -> bool:
    """Whether a name that no variable of the arena has is that of an object elsewhere."""
    try:
        return _entry(arena, filled, name) is not None
    except Exception:
        # It cannot be reached from here, is not to be read, or is of another program's class.
        return True


def has(arena: _native.Store, name: object) -> bool:
    """Whether a variable in an arena, or an object that is elsewhere, has that name."""
    if not isinstance(name, str) or name.startswith(refusal.RESERVED):
        return False
    if arena.find(name) is not None:
        return True
    filled: Any = arena.find(_FILLED)
    return filled is not None and name in filled and _is_elsewhere(arena, filled, name)


def _make(arena: _native.Store, name: str, request: _Request) -> tuple[Any, Any]:
    """A new variable, and its entry: the name of its class, or the variable itself."""
    kind, arguments, named = request
    if isinstance(kind, type) and issubclass(kind, Proxy):
        if kind is ValueProxy:
            arguments = (None, *arguments)
        initial = kind.create(arena, *arguments, **named)
    elif isinstance(kind, type) and issubclass(kind, _native.Monitor):
        # Where the box is that refers to it.
        initial = _native.make_monitor(kind, arena, *arguments, **named)
    else:
        with family.making_in(arena):
            initial = kind(*arguments, **named)
    if issubclass(type(initial), Proxy):
        if arena_of(initial) is not arena:
            # A manager's.
            if kind is Condition:
                _require_lasting(arena, name, initial)
            return _outside(arena, name, initial, kinds.name_of(type(initial)))
        return arena.enter(name, initial), _name_of(type(initial))
    if sharedctypes.is_shared(initial):
        return _enter_ctypes(arena, name, initial, request)
    if isinstance(initial, (AppendFile, AppendTextFile)):
        return _outside(arena, name, initial, "file")
    cls: type[Any] = _CONTAINERS.get(type(initial), ValueProxy)
    if cls is ValueProxy:
        refusal.require_value(name, initial, _native.Monitor)
    # Filled before it has the name: a value that cannot be stored leaves nothing.
    if cls is ValueProxy:
        made = cls.create(arena, None, initial)
    elif cls is NamespaceProxy:
        made = cls.create(arena, **vars(initial))
    else:
        made = cls.create(arena, initial)
    # That of a Rust program, if it was first.
    return arena.enter(name, made), _name_of(cls)


def _enter_ctypes(
    arena: _native.Store, name: str, initial: Any, request: _Request
) -> tuple[Any, Any]:
    """An object of ctypes, and its entry. Its memory has the name, too, as an array, for
    programs in Rust and the command."""
    sharedctypes.require_no_address(name, initial)
    lock = request.named.get("lock")
    if request.kind in _OF_CTYPES and isinstance(lock, Proxy):
        _require_lasting(arena, name, lock)
    # One that cannot be an entry leaves nothing.
    ListProxy.create(arena, [initial])
    form, memory = str(sharedctypes.form(initial)), sharedctypes.memory_of(initial)
    if arena_of(memory).id != arena.id:
        return _outside(arena, name, initial, form)
    found: Any = arena.enter(name, memory)
    if handle_of(found) != handle_of(memory):
        # That of a Rust program, or of a process that was killed before it had an entry.
        initial = sharedctypes.moved(initial, found)
        if initial is None:
            raise _wrong_kind(name, sharedctypes.described(found), form)
    if request.kind in _OF_CTYPES and (lock is None or isinstance(lock, bool)):
        # All objects over the memory have one lock, also if a process is killed in here.
        initial = sharedctypes.locked_by(initial, arena, _native.LOCK_OF + name)
    return initial, initial


def _require_lasting(arena: _native.Store, name: str, lock: Any) -> None:
    """Refuse a lock that goes with the process which has made it, and the variable with it, for
    a variable that any program finds."""
    if arena.name is not None and arena_of(lock).name is None:
        raise ValueError(
            f"the lock of the shared variable {name!r} is in no manager with a name, and other "
            "programs lose it with this process; give it a name, too: "
            f"sharevar.shared({name + ' lock'!r}, sharevar.Lock, app={arena.name!r})"
        )


def _outside(arena: _native.Store, name: str, initial: Any, kind: str) -> tuple[Any, Any]:
    """An object that is not in the arena, and its entry, which is the object."""
    found: Any = arena.find(name)
    if found is not None:
        raise _wrong_kind(name, kinds.name_of(type(found)), kind)
    return initial, initial


def _found(arena: _native.Store, name: str, entry: Any, request: _Request) -> Any:
    """The variable of that name and entry; None if the name was taken away meanwhile."""
    kind, arguments, named = request
    cls: Any = None
    if isinstance(kind, type):
        cls = kind if issubclass(kind, Proxy) else _CONTAINERS.get(kind, ValueProxy)
    if kind in _OF_CTYPES:
        expected = sharedctypes.form_to_be(kind, *arguments, **named)
        if not (sharedctypes.is_shared(entry) and expected.includes(sharedctypes.form(entry))):
            raise _wrong_kind(name, _kind_of(entry), str(expected))
    elif kind is files.open and _kind_of(entry) != "file":
        raise _wrong_kind(name, _kind_of(entry), "file")
    if not isinstance(entry, str):
        if cls is not None and not isinstance(entry, (cls, kind)):
            raise _wrong_kind(name, _kind_of(entry), kinds.name_of(cls))
        return entry
    if cls is not None and _name_of(cls) != entry:
        raise _wrong_kind(name, _kind_of(entry), kinds.name_of(cls))
    found = arena.find(name)
    if found is None:
        return None
    return arena.open(_BY_NAME[entry] if cls is None else cls, *handle_of(found))


def _kind_of(entry: Any) -> str:
    """The kind of the variable that has this entry."""
    if isinstance(entry, str):
        return kinds.name_of(_BY_NAME[entry])
    if isinstance(entry, Proxy):
        return kinds.name_of(type(entry))
    return str(sharedctypes.form(entry)) if sharedctypes.is_shared(entry) else "file"


def _wrong_kind(name: str, found: str, expected: str) -> WrongKind:
    return WrongKind(f"the kind of the shared variable {name!r} is {found}, not {expected}")


def _name_of(cls: type[Any]) -> str:
    """The name of a class of variables; a class derived by users is not known elsewhere."""
    return next(base.__name__ for base in cls.__mro__ if base in _OWN)


def _ours(kind: Any) -> Any:
    """The class of ours for a class or function of the standard library that makes objects
    of the same behaviour."""
    if isinstance(getattr(kind, "__self__", None), BaseContext):
        # multiprocessing's top-level names are methods of a context.
        return _OF_CONTEXTS.get(kind.__name__, kind)
    try:
        return BY_STANDARD.get(kind, kind)
    except TypeError:
        # Unhashable.
        return kind


# The classes that multiprocessing has, too, outside of managers.
_WITHOUT_MANAGER: tuple[Any, ...] = (
    Barrier, BoundedSemaphore, Condition, Event, Lock, RLock, Semaphore, *PROCESS_QUEUES,
)  # fmt: skip

_CONTAINERS: dict[Any, type[Any]] = {
    list: ListProxy,
    dict: DictProxy,
    set: SetProxy,
    managers.Namespace: NamespaceProxy,  # type: ignore[attr-defined]
    types.SimpleNamespace: NamespaceProxy,
}
# What these make is no proxy, and its own entry.
_OF_CTYPES: tuple[Any, ...] = (
    sharedctypes.Array, sharedctypes.RawArray, sharedctypes.RawValue, sharedctypes.Value,
)  # fmt: skip
_OWN = frozenset((*BY_TYPEID.values(), *PROCESS_QUEUES))
_BY_NAME = {cls.__name__: cls for cls in _OWN}
_OF_CONTEXTS: dict[str, Any] = {
    made.__name__: made for made in (*_WITHOUT_MANAGER, *_OF_CTYPES)
}
