"""Proxies from pickles that have the standard library's names, as hosts send them.

A process that has only imported sharevar imports what proxies need with the first of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._variables import standard
from .._variables.standard import Token


def RebuildProxy(func: Any, token: Token, serializer: str, kwds: Mapping[str, Any]) -> Any:
    """The proxy that a pickle names: of the variable itself where the arena is in reach."""
    from . import variable_ids

    return variable_ids.rebuild_proxy(func, token, serializer, kwds)


# Pickles for plain Python, and from it, have the name of the standard function.
RebuildProxy.__module__ = standard.managers.__name__


def take_the_standard_place() -> None:
    """Have those pickles lead here."""
    standard.managers.RebuildProxy = RebuildProxy
