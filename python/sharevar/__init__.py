"""Shared variables for processes.

`Manager` gives dicts, lists, values, arrays and locks that live in memory which every
process maps: an access is a function call and no message, and no server is started.
`shared` gives a module-level variable to a whole family of processes.
"""

import sys as _sys

# The parts without shared state are multiprocessing's own, so that
# ``import sharevar as multiprocessing`` works.
from multiprocessing import (
    AuthenticationError,
    BufferTooShort,
    Pipe,
    Pool,
    Process,
    ProcessError,
    TimeoutError,
    active_children,
    allow_connection_pickling,
    cpu_count,
    current_process,
    freeze_support,
    get_all_start_methods,
    get_logger,
    get_start_method,
    log_to_stderr,
    parent_process,
    reducer,
    set_executable,
    set_forkserver_preload,
    set_start_method,
)
from typing import Any as _Any

from . import _native, errors, hosting, managers, queues, shared_memory, sharedctypes
from ._dropin.context import get_context
from ._dropin.installation import install
from ._family import children as _children
from ._family import on_exit as _on_exit
from ._hosting import base_manager as _base_manager
from ._hosting import base_proxy as _base_proxy
from ._hosting import tokens as _tokens
from ._native import Arena, __version__
from ._variables import greenlets as _greenlets
from ._variables import kinds as _kinds
from ._variables import pickling as _pickling
from ._variables.files import open
from ._variables.kinds import *  # noqa: F403
from ._variables.monitors import monitor
from ._variables.shared_globals import shared
from .errors import *  # noqa: F403
from .hosting import TLS, RemoteHost, callback, connect
from .managers import Manager, attach, manager_names, remove_manager
from .sharedctypes import Array, RawArray, RawValue, Value

__all__ = [
    "TLS",
    "Arena",
    "Array",
    "AuthenticationError",
    "BufferTooShort",
    "Manager",
    "Pipe",
    "Pool",
    "Process",
    "ProcessError",
    "RawArray",
    "RawValue",
    "RemoteHost",
    "TimeoutError",
    "Value",
    "__version__",
    "active_children",
    "allow_connection_pickling",
    "attach",
    "callback",
    "connect",
    "cpu_count",
    "current_process",
    "freeze_support",
    "get_all_start_methods",
    "get_context",
    "get_logger",
    "get_start_method",
    "install",
    "log_to_stderr",
    "manager_names",
    "managers",
    "monitor",
    "open",
    "parent_process",
    "reducer",
    "remove_manager",
    "set_executable",
    "set_forkserver_preload",
    "set_start_method",
    "shared",
    "shared_memory",
]
__all__ += errors.__all__
__all__ += _kinds.__all__


def __dir__() -> list[str]:
    """The public names, for completion."""
    return [name for name in globals() if not name.startswith("_") or name.endswith("__")]


def _show_as_public(*modules: _Any) -> None:
    """Set ``__module__`` of public classes and functions to the public module, for pickles and
    for everything that shows it. The first of several modules counts."""
    for module in modules:
        for name in module.__all__:
            public = getattr(module, name)
            if str(getattr(public, "__module__", "")).startswith(f"{__name__}._"):
                public.__module__ = module.__name__


_show_as_public(_sys.modules[__name__], managers, sharedctypes, queues, hosting)
_native.set_pickler(_pickling.dumps, _pickling.loads)
_kinds.register()
_base_proxy.patch_standard_proxies()
_base_manager.patch_standard_managers()
_tokens.give_to_proxies()
_children.tell_children()
_on_exit.register()
_greenlets.arrange()
