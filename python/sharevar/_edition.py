"""The two editions of the package, which have the same names.

On Linux variables are in shared memory, which the extension module maps. Where there is none
(macOS, Windows), or where ``SHAREVAR_PURE`` is set, a server process of the family keeps them.
"""

from __future__ import annotations

import os
from importlib import import_module

_SWITCH = "SHAREVAR_PURE"
_NATIVE = f"{__name__.rpartition('.')[0]}._native"


def _has_native() -> bool:
    if os.environ.get(_SWITCH, "0") != "0":
        return False
    try:
        import_module(_NATIVE)
    except ModuleNotFoundError:
        return False
    return True


IS_NATIVE = _has_native()

# By module, the public names that are found there in the pure edition. All others are missing.
_PURE = {
    "._elsewhere.containers": (
        "ArrayProxy", "DictProxy", "ListProxy", "NamespaceProxy", "SetProxy", "ValueProxy",
    ),
    "._elsewhere.locks": (
        "Barrier", "BoundedSemaphore", "Condition", "Event", "Lock", "RLock", "Semaphore",
    ),
    "._elsewhere.queues": (
        "Empty", "Full", "JoinableQueue", "JoinableQueueProxy", "PriorityQueue", "Queue",
        "QueueProxy", "SimpleQueue",
    ),
    "._elsewhere.manager": ("Manager", "SyncManager"),
    "._elsewhere.shared_globals": ("shared",),
    "._elsewhere.family": ("install", "installed"),
    "._elsewhere.version": ("__version__",),
    "multiprocessing": ("get_context",),
    "multiprocessing.sharedctypes": (
        "Array", "RawArray", "RawValue", "Value", "copy", "synchronized",
    ),
    "multiprocessing.managers": (
        "BaseManager", "BaseProxy", "MakeProxyType", "RebuildProxy", "Server",
    ),
}  # fmt: skip
_PLACES = {name: place for place, names in _PURE.items() for name in names}


def place_of(name: str, native: str) -> str:
    """The module in which this edition has a public name; ``native`` is that of the other."""
    if IS_NATIVE or native == f".{name}":
        return native
    return _PLACES.get(name, "._elsewhere.missing")
