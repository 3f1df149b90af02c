"""The names of `multiprocessing.managers`; their variables are in shared memory."""

from __future__ import annotations

from multiprocessing import ProcessError, managers
from multiprocessing.managers import (  # type: ignore[attr-defined]
    AcquirerProxy,
    AutoProxy,
    BarrierProxy,
    BaseListProxy,
    BasePoolProxy,
    ConditionProxy,
    EventProxy,
    IteratorProxy,
    Namespace,
    PoolProxy,
    RemoteError,
    SharedMemoryManager,
    State,
    Token,
    all_methods,
    convert_to_error,
    dispatch,
    listener_client,
    public_methods,
)
from multiprocessing.managers import Array as Array  # type: ignore[attr-defined]
from multiprocessing.managers import Value as Value  # type: ignore[attr-defined]
from typing import Any

from ._hosting.base_manager import BaseManager
from ._hosting.base_proxy import BaseProxy, MakeProxyType
from ._hosting.manager import Manager
from ._hosting.named_manager import NamedManager, attach, manager_names, remove_manager
from ._hosting.server import Server
from ._hosting.sync_manager import SyncManager
from ._hosting.variable_ids import RebuildProxy
from ._variables.array_proxy import ArrayProxy
from ._variables.dict_proxy import DictProxy
from ._variables.list_proxy import ListProxy
from ._variables.lock import Lock
from ._variables.namespace import NamespaceProxy
from ._variables.queue_proxy import JoinableQueueProxy, QueueProxy
from ._variables.set_proxy import SetProxy
from ._variables.value_proxy import ValueProxy

__all__ = [
    "AcquirerProxy",
    "ArrayProxy",
    "AutoProxy",
    "BarrierProxy",
    "BaseListProxy",
    "BaseManager",
    "BasePoolProxy",
    "BaseProxy",
    "ConditionProxy",
    "DictProxy",
    "EventProxy",
    "IteratorProxy",
    "JoinableQueueProxy",
    "ListProxy",
    "Lock",
    "MakeProxyType",
    "Manager",
    "NamedManager",
    "Namespace",
    "NamespaceProxy",
    "PoolProxy",
    "ProcessError",
    "QueueProxy",
    "RebuildProxy",
    "RemoteError",
    "Server",
    "SetProxy",
    "SharedMemoryManager",
    "State",
    "SyncManager",
    "Token",
    "ValueProxy",
    "all_methods",
    "attach",
    "convert_to_error",
    "dispatch",
    "listener_client",
    "manager_names",
    "public_methods",
    "remove_manager",
]


def __getattr__(name: str) -> Any:
    """All other names are the standard module's."""
    try:
        return getattr(managers, name)
    except AttributeError:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message) from None
