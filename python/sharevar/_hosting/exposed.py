"""The names of an object that can be called through its proxies."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from .._variables import standard
from . import attributes, identity
from .register import RESTARTS

# Among the names of an object that must be called by one thread; no method is named so.
BOUND = "#THREAD"

_OF_A_THREAD = (type(threading.RLock()), threading._RLock, threading.Condition)  # type: ignore[attr-defined]


def make(
    registration: tuple[Any, ...], arguments: tuple[Any, ...], named: Mapping[str, Any]
) -> tuple[Any, tuple[str, ...], dict[str, str] | None]:
    """An object, the names that can be called, and the types of results."""
    callable, exposed, types, _ = registration
    if callable is None:
        if named or len(arguments) != 1:
            raise ValueError("Without callable, must have one non-keyword argument")
        made = arguments[0]
    else:
        made = callable(*arguments, **named)
    if exposed is None:
        names = _by_default(made)
    else:
        names = attributes.mark(made, exposed)
    if types is None:
        return made, tuple(names), None
    if not isinstance(types, dict):
        raise TypeError(f"Method_to_typeid {types!r}: type {type(types)!s}, not dict")
    return made, (*names, *types), types


# How objects are used in statements: ``with``, ``for`` and their asynchronous kin.
_STATEMENTS = (
    ("__enter__", "__exit__"),
    ("__iter__",),
    ("__next__",),
    ("__aenter__", "__aexit__"),
)


def _by_default(made: Any) -> list[str]:
    """The public methods, as in the standard library, and those of statements.

    Attributes are not among them: programs keep some of their own in proxies.
    """
    names = list(standard.managers.public_methods(made))
    for methods in _STATEMENTS:
        if all(hasattr(type(made), method) for method in methods):
            names.extend(methods)
    return names


def is_bound_to_a_thread(made: Any) -> bool:
    """Whether an object must be used by one thread of the host for one of the client.

    Those are called on the standard library's wire, where each thread of a client has
    a thread of the host to itself.
    """
    return isinstance(made, _OF_A_THREAD)


def methods(names: tuple[str, ...]) -> tuple[str, ...]:
    """The names without the marks that go with them."""
    return tuple(name for name in names if not name.startswith("#"))


def plain_methods(names: tuple[str, ...]) -> tuple[str, ...]:
    """Those that plain Python can call: it knows of no attributes."""
    return tuple(name for name in methods(names) if name[:1] != attributes.ATTRIBUTE)


def ident(number: int, names: tuple[str, ...]) -> str:
    """The id for the token of an object with these names and marks."""
    return identity.ident(number, bound=BOUND in names, lasting=RESTARTS in names)
