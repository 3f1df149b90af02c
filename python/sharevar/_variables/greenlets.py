"""Greenlets of gevent and eventlet: which one runs, and how it waits.

Several of them take turns in one thread. Each holds locks for itself, as threads do, and
where a thread would sleep a greenlet lets the others go on.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

from .. import _native

_FRAMEWORKS = ("gevent", "eventlet")


def arrange() -> None:
    """Prepare for greenlets once a program imports one of the frameworks, not before."""
    if any(name in sys.modules for name in _FRAMEWORKS):
        _begin()
    else:
        sys.meta_path.insert(0, _Import)


class _Import:
    """Finds no module. It is asked first, and so notices the import of a framework."""

    @classmethod
    def find_spec(cls, name: str, path: Any = None, target: Any = None) -> None:
        if name in _FRAMEWORKS:
            sys.meta_path.remove(cls)
            _begin()


def _begin() -> None:
    try:
        greenlet: Any = import_module("greenlet")
    except ImportError:
        # Then they cannot be imported either.
        return
    _native.set_greenlets(greenlet.getcurrent, _sleeper)


def require_threads(purpose: str) -> None:
    """Raise where a framework has put greenlets in the place of threads."""
    for name, module, asked, part in _REPLACED:
        if name in sys.modules and getattr(import_module(module), asked)(part):
            raise RuntimeError(
                f"{purpose} needs threads, and {name} has put greenlets in their place, which "
                f"would wait for each other for ever; start it from a process without "
                f"{name}'s monkey patches (a program of its own, or under spawn), or leave "
                f"threads out of them"
            )


_REPLACED = (
    ("gevent", "gevent.monkey", "is_module_patched", "threading"),
    ("eventlet", "eventlet.patcher", "is_monkey_patched", "thread"),
)


def _sleeper() -> Callable[[float], Any] | None:
    """The function by which the running greenlet sleeps; None in a thread without others."""
    if "gevent" in sys.modules:
        local: Any = import_module("gevent._hub_local")
        if local.get_hub_if_exists() is not None:
            return import_module("gevent").sleep  # type: ignore[no-any-return]
    if "eventlet" in sys.modules:
        hubs: Any = import_module("eventlet.hubs")
        if getattr(hubs._threadlocal, "hub", None) is not None:
            return import_module("eventlet").sleep  # type: ignore[no-any-return]
    return None
