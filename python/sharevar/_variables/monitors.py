"""Monitors: objects whose attributes are shared and whose methods run here."""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from .. import _native
from .._family import family, module_level
from .._family.arenas import refer_to_arena
from .._family.reduction import (
    arena_of,
    handle_of,
    keep_for_child,
    open_variable,
)
from .._public import public_in
from . import started_threads

_Class = TypeVar("_Class", bound=type)


@public_in("sharevar")
def monitor(cls: _Class) -> _Class:
    """Make monitors of a class's objects.

    Their attributes are shared, in memory or on a server. Their methods run in the process
    that calls them, one at a time for each object. The changes of a method are
    stored in one step when it returns; if it raises, or its process is killed, nothing
    is changed. Objects are passed on by reference, as arguments or inside other values.
    """
    if not isinstance(cls, type):
        raise TypeError(f"@sharevar.monitor is for classes, and {cls!r} is none")
    if issubclass(cls, Monitor):
        return cls
    started_threads.arrange()
    members = _members(cls)
    body: dict[str, Any] = {
        "__module__": cls.__module__,
        "__qualname__": cls.__qualname__,
        "__doc__": cls.__doc__,
        "__dict__": _ATTRIBUTES,
        "__reduce_ex__": Monitor.__reduce_ex__,
        **members,
        **{name: vars(cls)[name] for name in _OF_GENERIC if name in vars(cls)},
    }
    metaclass: Any = type(cls)
    return metaclass(cls.__name__, (cls, Monitor), body)  # type: ignore[no-any-return]


def make(cls: Any, arena: _native.Store, /, *arguments: Any, **named: Any) -> Any:
    """A monitor in an arena other than the family's."""
    if not (isinstance(cls, type) and issubclass(cls, Monitor)):
        raise TypeError(f"{cls!r} is no monitor's class; put @sharevar.monitor before it")
    return _native.make_monitor(cls, arena, *arguments, **named)


def _attributes(monitor: _native.Monitor) -> Mapping[str, Any]:
    """A copy of the attributes, which cannot be taken for the attributes themselves."""
    return types.MappingProxyType(_native.monitor_attributes(monitor))


_ATTRIBUTES = property(_attributes)


class Monitor(_native.Monitor):
    """The root of all monitors' classes; a class derived from one is a monitor's, too."""

    def __new__(cls, /, *arguments: Any, **named: Any) -> Any:
        site = module_level.call_site(cls)
        known = module_level.found(site)
        if type(known) is cls:
            _found.add(id(known))
            return known
        return module_level.note(site, _native.Monitor.__new__(cls, family.home()))

    def __init__(self) -> None:
        # Refuses what the root of all classes would here ignore: too many arguments.
        pass

    def __init_subclass__(cls, **named: Any) -> None:
        super().__init_subclass__(**named)
        for name, member in _members(cls).items():
            setattr(cls, name, member)

    def __reduce_ex__(self, protocol: object) -> tuple[Any, ...]:
        """By reference, whatever the class says of its contents."""
        state = _native.monitor_state(self)
        keep_for_child(self)
        reference = refer_to_arena(arena_of(state))
        return open_variable, (type(self), reference, handle_of(state))

    __dict__ = _ATTRIBUTES  # type: ignore[assignment]

    def __dir__(self) -> list[str]:
        return sorted({*dir(type(self)), *_native.monitor_attributes(self)})


# The members that make a class generic.
_OF_GENERIC = ("__orig_bases__", "__type_params__")

# A flag that the interpreter's own types do not have.
_MADE_BY_CLASS_STATEMENT = 1 << 9

# Members that run without an object's lock, or take it already.
_LEFT_AS_THEY_ARE = (
    staticmethod,
    classmethod,
    types.ClassMethodDescriptorType,
    _native.Method,
)


def _members(cls: type) -> dict[str, Any]:
    """The members that replace those which a monitor's class has from plain classes."""
    found: dict[str, Any] = {}
    for base in cls.__mro__[:-1]:
        is_plain = base is cls or not issubclass(base, _native.Monitor)
        if is_plain:
            _require_attributes(cls, base)
        for name, member in vars(base).items():
            found.setdefault(name, (base, is_plain, member))
    replaced = {}
    for name, (base, is_plain, member) in found.items():
        if is_plain and name not in _LEFT:
            replacement = _member(base, name, member)
            if replacement is not member:
                replaced[name] = replacement
    return replaced


def _require_attributes(cls: type, base: type) -> None:
    """Refuse classes that keep an object's state elsewhere than in attributes."""
    if not base.__flags__ & _MADE_BY_CLASS_STATEMENT:
        raise TypeError(
            f"{cls.__qualname__} is derived from {base.__qualname__}, whose contents are "
            "not in attributes; keep one of those in an attribute instead"
        )
    if vars(base).get("__slots__"):
        raise TypeError(
            f"{base.__qualname__} has __slots__, which keep attributes in this process; "
            "take them out: the attributes of a monitor are shared"
        )
    parameters = vars(base).get("__dataclass_params__")
    if parameters is not None and parameters.frozen:
        raise TypeError(
            f"{base.__qualname__} is a frozen dataclass, whose attributes cannot be set; "
            "a value that never changes needs no monitor"
        )


# Members that every class has, or that a monitor's class has itself.
_LEFT = frozenset(
    ("__dict__", "__weakref__", "__reduce_ex__", "__annotate__", "__annotate_func__")
)


def _member(cls: type, name: str, member: Any) -> Any:
    where = f"{cls.__qualname__}.{name}"
    if name in ("__getattribute__", "__del__"):
        raise TypeError(f"{where}: {_REFUSED[name]}")
    if isinstance(member, _LEFT_AS_THEY_ARE):
        return member
    if isinstance(member, types.FunctionType):
        if name == "__init__" and module_level.is_importing():
            member = _unless_found(member)
        return _method(where, member)
    if type(member) is property:
        functions = (member.fget, member.fset, member.fdel)
        fget, fset, fdel = (function and _method(where, function) for function in functions)
        return property(fget, fset, fdel, member.__doc__)
    if type(member) is functools.partialmethod:
        function = _method(where, member.func)
        return functools.partialmethod(function, *member.args, **member.keywords)
    if hasattr(type(member), "__get__") or hasattr(type(member), "__set__"):
        raise TypeError(
            f"{where} is a {type(member).__qualname__}, whose code would run without the "
            "monitor's lock; write a method or a property"
        )
    return member


# The monitors, by id, which a module has just made anew, and their parent has made before.
_found: set[int] = set()


def _unless_found(init: Callable[..., None]) -> Callable[..., None]:
    """An ``__init__`` that does nothing for a monitor which the parent has initialized."""

    @functools.wraps(init)
    def initialize(self: Any, /, *arguments: Any, **named: Any) -> None:
        if id(self) in _found:
            _found.remove(id(self))
        else:
            init(self, *arguments, **named)

    return initialize


_REFUSED = {
    "__getattribute__": "a monitor finds its attributes itself; __getattr__ is asked for "
    "those that it does not have",
    "__del__": "an object is only a process's way to the monitor; that one ends says "
    "nothing of the monitor's end",
}


def _method(where: str, function: Callable[..., Any]) -> Any:
    inner: Any = inspect.unwrap(function)
    code = getattr(inner, "__code__", None)
    if code is not None and code.co_flags & _SUSPENDS:
        raise TypeError(
            f"{where} is a generator or asynchronous: it would run when the monitor's lock is "
            "given back; return a list, or await outside of the monitor"
        )
    return functools.update_wrapper(_native.Method(function), function)


_SUSPENDS = (
    inspect.CO_GENERATOR
    | inspect.CO_COROUTINE
    | inspect.CO_ITERABLE_COROUTINE
    | inspect.CO_ASYNC_GENERATOR
)
