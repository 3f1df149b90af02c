"""Types whose objects come back when their host has died and is started again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Among the names of an object that comes back; no method is named so.
RESTARTS = "#RESTARTS"

# What a class defines that says how its objects are saved.
_OF_STATE = ("__getstate__", "__setstate__", "__reduce__", "__reduce_ex__")


class Restarting(tuple[Any, ...]):
    """A registration of such a type: otherwise the tuple that every registration is."""

    __slots__ = ()


def is_asked_for(registry: Mapping[str, tuple[Any, ...]]) -> bool:
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
