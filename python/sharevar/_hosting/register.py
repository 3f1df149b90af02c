"""``register``, of a manager's class and of a manager."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from .._variables import standard
from ..errors import NotRegistered
from .restart import Restarting

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
