"""Public names: where each is, and the import of it when it is first used.

`import sharevar` imports what the first variable of a manager needs, and no more: a module
imports anything else in the function that needs it, and a public module finds its names
with `export`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from types import ModuleType
from typing import Any, TypeVar

from ._edition import place_of

_Public = TypeVar("_Public", bound=Callable[..., Any])


def public_in(module: str) -> Callable[[_Public], _Public]:
    """Decorates a class or function of a private module that is public in another: it bears
    that one's name, in pickles and wherever it is shown."""

    def show(made: _Public) -> _Public:
        made.__module__ = module
        return made

    return show


def export(
    module: str, places: Mapping[str, str], standard: ModuleType | None = None
) -> Callable[[str], Any]:
    """The ``__getattr__`` of a module whose public names are in other modules.

    ``places`` has the module of each name, relative to the package; ``.name`` is that module
    itself. All other names are those of a ``standard`` module, if there is one.
    """
    package = __name__.rpartition(".")[0]

    def find(name: str) -> Any:
        place = places.get(name)
        if place is None:
            if standard is not None and hasattr(standard, name):
                return getattr(standard, name)
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        place = place_of(name, place)
        found = import_module(place, package)
        if place != f".{name}":
            found = getattr(found, name)
        setattr(sys.modules[module], name, found)
        return found

    return find


def listing(module: str, *submodules: str) -> Callable[[], list[str]]:
    """The ``__dir__`` of a module, for completion: its public names, and no others."""

    def list_names() -> list[str]:
        names = vars(sys.modules[module])
        dunders = (name for name in names if name.startswith("__"))
        return sorted({*names["__all__"], *submodules, *dunders})

    return list_names
