"""The refusal of objects that `shared` cannot share, with the remedy for each."""

from __future__ import annotations

import enum
import socket
import sys
import types
from collections.abc import Iterable, Iterator
from multiprocessing.connection import Connection
from typing import Any

# In front of the names of variables that sharevar keeps for itself.
RESERVED = "sharevar:"


def require_arguments(name: object, kind: object) -> None:
    """Refuse arguments of `shared` that are in another order, or are no name or no maker."""
    if not isinstance(name, str):
        raise TypeError(
            f"the name of a shared variable is a str and comes first, as in "
            f'shared("names", list), and {name!r} is none'
        )
    if name.startswith(RESERVED):
        raise ValueError(
            f"{name!r} is no name of a variable: sharevar keeps those with {RESERVED!r} in "
            "front for itself"
        )
    if not callable(kind):
        cls = type(kind)
        example = f"as in shared({name!r}, {cls.__name__}, {kind!r})"
        if kind is None:
            example = f"as in shared({name!r}, sharevar.ValueProxy, None)"
        elif cls not in (list, dict, set):
            example = _instead(cls) or example
        raise TypeError(
            f"shared({name!r}, {kind!r}): second comes what makes the variable, and then its "
            f"arguments; {example}"
        )


def require_text(name: object) -> None:
    """Refuse a name for a manager that programs in Rust and the command look into."""
    try:
        str(name).encode()
    except UnicodeEncodeError:
        raise ValueError(
            f"{name!r} is no name of a variable: programs in Rust, and the command, read names "
            "as UTF-8, which cannot hold it"
        ) from None


def require_value(name: str, made: Any, *passed_on: type) -> None:
    """Refuse an object that could be changed where no other process would see it.

    Objects of the types in ``passed_on`` are themselves what processes share.
    """
    for part in _parts(made):
        if isinstance(part, passed_on):
            continue
        if isinstance(part, _SENT_ONCE):
            raise TypeError(
                f"shared({name!r}, ...): a {type(part).__qualname__} is sent to one process, "
                f"which takes it once, so that it cannot stay in a variable; use "
                f"shared({name!r}, sharevar.Queue), or give it to a child as an argument"
            )
        cls = type(part)
        if not _is_mutable(part, cls):
            continue
        place = "" if part is made else f" in the {type(made).__qualname__}"
        hint = _instead(cls) or (
            "put @sharevar.monitor before its class, or have a host keep it "
            "(sharevar.managers.BaseManager)"
        )
        raise TypeError(
            f"shared({name!r}, ...): every process would have a {cls.__qualname__} of its "
            f"own{place}, in which others see no change; {hint}. If it is replaced as a whole "
            f"and never changed, shared({name!r}, sharevar.ValueProxy, ...) is a box for it"
        )


def _parts(made: Any) -> Iterator[Any]:
    """An object, and what it holds if it cannot be changed itself."""
    yield made
    if isinstance(made, (tuple, frozenset)):
        held: Iterable[Any] = made
    else:
        # Of an instance of a data class, which may be a frozen one.
        fields = getattr(type(made), "__dataclass_fields__", ())
        held = (getattr(made, field) for field in fields if hasattr(made, field))
    for part in held:
        yield from _parts(part)


def _is_mutable(made: Any, cls: Any) -> bool:
    """Whether it can be told from its class that it can be changed."""
    if isinstance(made, _PASSED_ON):
        return False
    if _instead(cls) or cls.__hash__ is None or hasattr(cls, "__next__"):
        return True
    if isinstance(made, _IMMUTABLE) or cls.__setattr__ is not _SETS_ANY:
        return False
    if hasattr(made, "__dict__"):
        return True
    # Those of the standard library that have slots are values.
    is_standard = cls.__module__.partition(".")[0] in sys.stdlib_module_names
    return not is_standard and any(vars(base).get("__slots__") for base in cls.__mro__)


def _instead(cls: Any) -> str | None:
    """The remedy for an object of a library's class, but not of a program's own class."""
    for base in cls.__mro__:
        library = base.__module__.partition(".")[0]
        if base.__name__ in _INSTEAD and (
            library in sys.stdlib_module_names or library == "numpy"
        ):
            return _INSTEAD[base.__name__]
    return None


# By reference, or by name.
_PASSED_ON = (type, types.FunctionType, types.BuiltinFunctionType)
# A pickle of one of these is a descriptor that waits for one process to fetch it.
_SENT_ONCE = (Connection, socket.socket)
# A class that is derived from one of these is meant as a value.
_IMMUTABLE = (int, float, complex, str, bytes, tuple, frozenset, enum.Enum)
_SETS_ANY: Any = object.__setattr__

# By the name of a class of the standard library or of NumPy that no kind stands for: what there
# is instead of it.
_INSTEAD = {
    "Counter": "use shared(name, dict), whose incr() counts",
    "defaultdict": "use shared(name, dict), which has setdefault() and incr()",
    "deque": "use shared(name, list), or sharevar.Queue",
    "bytearray": 'use shared(name, sharevar.RawArray, "B", length)',
    "array": "use shared(name, sharevar.ArrayProxy, typecode, items)",
    "ndarray": 'use numpy.frombuffer over shared(name, sharevar.RawArray, "d", length)',
    "LifoQueue": "use shared(name, list), with append() and pop()",
    "PriorityQueue": "use shared(name, sharevar.PriorityQueue)",
    "dict": "use shared(name, dict)",
    "list": "use shared(name, list)",
    "set": "use shared(name, set)",
    "lock": "use shared(name, sharevar.Lock)",
    "SynchronizedBase": "use shared(name, sharevar.Value, ...) or sharevar.Array",
    "BaseManager": "share what it makes, as in shared(name, dict), which needs no manager",
    **{
        name: f"use shared(name, sharevar.{name})"
        for name in (
            "Barrier", "BoundedSemaphore", "Condition", "Event", "JoinableQueue", "Lock",
            "Queue", "RLock", "Semaphore", "SimpleQueue",
        )
    },
}  # fmt: skip
