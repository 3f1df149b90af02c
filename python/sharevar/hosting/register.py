"""``register``, of a manager's class and of a manager."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import standard
from ..errors import NotRegistered

_register: Any = standard.BaseManager.__dict__["register"].__func__


class Register:
    """The class method of the standard library, except for a manager that has started:
    its host process has the types that there were then, and gets no more."""

    def __get__(self, manager: Any, cls: type[Any]) -> Callable[..., None]:
        if manager is not None and manager._served is not None:
            return _too_late
        bound: Callable[..., None] = _register.__get__(cls)
        return bound


def _too_late(typeid: str, *arguments: Any, **named: Any) -> None:
    raise NotRegistered(
        f"{typeid!r} cannot be registered any more: the manager has started, and its host "
        f"would not learn of it; register before start(), on the class or the manager"
    )
