"""Module-level variables that are one for the whole process family."""

from __future__ import annotations

import types
from collections.abc import Callable
from multiprocessing import managers
from multiprocessing.context import BaseContext
from typing import Any, TypeVar, overload

from .. import _native
from .._family import applications, engines, family, separate_family
from .._family.reduction import arena_of
from .._public import public_in
from ..errors import ReadOnly, WrongKind
from . import refusal, sharedctypes
from .append_file import AppendFile
from .append_text_file import AppendTextFile
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
_OUR_NAMES = "sharevar:"
_FILLED = _OUR_NAMES + "filled"
_FILLING = _OUR_NAMES + "filling"


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
    if arena.is_read_only:
        return _found_for_reading(arena, name, kind)
    if kind is Lock or kind is RLock:
        return arena.named(name, kind)  # type: ignore[type-var]
    filled = arena.named(_FILLED, DictProxy)
    entry = filled.get(name)
    if entry is None:
        # A process that is killed in here leaves no entry, and the next one fills in again.
        # Recursive, as a factory may ask for shared variables itself.
        with arena.named(_FILLING, RLock):
            entry = filled.get(name)
            if entry is None:
                made, filled[name] = _make(arena, name, kind, arguments, named)
                return made
    return _found(arena, name, kind, entry)


def find(arena: _native.Store, name: str) -> Any:
    """The variable of that name in an arena; `KeyError` if there is none."""
    entry = _entry(arena, name)
    # A lock has no entry, nor has a variable that a Rust program has made.
    found = arena.find(name) if entry is None else _found(arena, name, None, entry)
    if found is None:
        raise KeyError(name)
    return found


def _entry(arena: _native.Store, name: str) -> Any:
    """The entry of a variable that was made here, if it has one."""
    filled: Any = arena.find(_FILLED)
    return None if filled is None else filled.get(name)


def _found_for_reading(arena: _native.Store, name: str, kind: Any) -> Any:
    """The variable of a name where none can be made."""
    entry = _entry(arena, name)
    if entry is not None:
        return _found(arena, name, kind, entry)
    found = arena.find(name)
    if found is None:
        raise ReadOnly(
            f"there is no variable {name!r}, and this process cannot make it: it has the "
            f"manager {arena.name!r} for reading only"
        )
    cls = kind if isinstance(kind, type) and issubclass(kind, Proxy) else type(found)
    return arena.named(name, _CONTAINERS.get(kind, cls))


def names(arena: _native.Store) -> list[str]:
    """The names of the variables in an arena, in the order in which they were made."""
    return [name for name in arena.names() if not name.startswith(_OUR_NAMES)]


def _make(
    arena: _native.Store,
    name: str,
    kind: Any,
    arguments: tuple[Any, ...],
    named: dict[str, Any],
) -> tuple[Any, Any]:
    """A new variable, and its entry: the name of its class, or the variable itself."""
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
            return initial, initial
        return arena.enter(name, initial), _name_of(type(initial))
    if sharedctypes.is_shared(initial) or isinstance(initial, (AppendFile, AppendTextFile)):
        return initial, initial
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
    proxy: Any = arena.enter(name, made)
    # One step each, and none where a Rust program was first.
    if isinstance(proxy, ListProxy):
        if not len(proxy):
            proxy.extend(initial)
    elif isinstance(proxy, (DictProxy, SetProxy)):
        if not len(proxy):
            proxy.update(initial)
    elif cls is NamespaceProxy:
        if not proxy._attributes():
            for attribute, value in vars(initial).items():
                proxy._set(attribute, value)
    elif proxy.get() is None:
        proxy.set(initial)
    return proxy, _name_of(cls)


def _found(arena: _native.Store, name: str, kind: Any, entry: Any) -> Any:
    """The variable of a name that has been made."""
    cls: Any = None
    if isinstance(kind, type):
        cls = kind if issubclass(kind, Proxy) else _CONTAINERS.get(kind, ValueProxy)
    if not isinstance(entry, str):
        if cls is not None and not isinstance(entry, (cls, kind)):
            raise WrongKind(
                f"the shared variable {name!r} is a {type(entry).__name__}, and not a "
                f"{cls.__name__}"
            )
        return entry
    if kind in _OF_CTYPES:
        raise WrongKind(f"the shared variable {name!r} is a {entry}, and no {kind.__name__}")
    if cls is None:
        cls = _BY_NAME[entry]
    elif _name_of(cls) != entry:
        raise WrongKind(f"the shared variable {name!r} is a {entry}, and not a {_name_of(cls)}")
    return arena.named(name, cls)


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
    made.__name__: made
    for made in (*_WITHOUT_MANAGER, *_OF_CTYPES)
}
