"""``register``, of a manager's class and of a manager, and types that it restarts.

The objects of such a type come back when their host has died and is started again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from .._variables import standard
from ..errors import NotRegistered

_register: Any = standard.BaseManager.__dict__["register"].__func__


class Register:
    """The class method of the standard library, except for a manager that has started:
    its host process has the types that there were then, and gets no more.

    With ``restart=True`` a host that dies is started again, with the objects of the type.
    """

    def __get__(self, manager: Any, cls: type[Any]) -> Callable[..., None]:
        if manager is not None and manager._served is not None:
            return _too_late
        return partial(_register_type, cls)


def _register_type(
    cls: Any, /, typeid: str, *arguments: Any, restart: bool = False, **named: Any
) -> None:
    _register(cls, typeid, *arguments, **named)
    if restart:
        cls._registry[typeid] = Restarting(cls._registry[typeid])


def _too_late(typeid: str, *arguments: Any, **named: Any) -> None:
    raise NotRegistered(
        f"{typeid!r} cannot be registered any more: the manager has started, and its host "
        f"would not learn of it; register before start(), on the class or the manager"
    )


# Among the names of an object that comes back; no method is named so.
RESTARTS = "#RESTARTS"

# A class that defines one of these says how its objects are saved.
_OF_STATE = ("__getstate__", "__setstate__", "__reduce__", "__reduce_ex__")


class Restarting(tuple[Any, ...]):
    """A registration of such a type: otherwise the tuple that every registration is."""

    __slots__ = ()


def needs_restart(registry: Mapping[str, tuple[Any, ...]]) -> bool:
    """Whether a host with these types must be started again."""
    return any(isinstance(registration, Restarting) for registration in registry.values())


def keeps_state(made: Any) -> bool:
    """Whether an object is saved after each call. Others are made again as at first."""
    if isinstance(made, (dict, list)):
        return True
    cls = type(made)
    return any(
        getattr(cls, name, None) is not getattr(object, name, None) for name in _OF_STATE
    )
