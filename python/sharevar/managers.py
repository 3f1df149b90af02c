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
from typing import TYPE_CHECKING

from ._public import export, listing

if TYPE_CHECKING:
    from ._hosting.base_manager import BaseManager as BaseManager
    from ._hosting.base_proxy import BaseProxy as BaseProxy
    from ._hosting.base_proxy import MakeProxyType as MakeProxyType
    from ._hosting.server import Server as Server
    from ._managers.connected_manager import ConnectedManager as ConnectedManager
    from ._managers.manager import Manager as Manager
    from ._managers.manager_info import BlockUsage as BlockUsage
    from ._managers.manager_info import ManagerInfo as ManagerInfo
    from ._managers.named_manager import NamedManager as NamedManager
    from ._managers.named_manager import attach as attach
    from ._managers.named_manager import manager_names as manager_names
    from ._managers.named_manager import remove_manager as remove_manager
    from ._managers.rebuilding import RebuildProxy as RebuildProxy
    from ._managers.sync_manager import SyncManager as SyncManager
    from ._variables.array_proxy import ArrayProxy as ArrayProxy
    from ._variables.dict_proxy import DictProxy as DictProxy
    from ._variables.info import LockHolder as LockHolder
    from ._variables.info import LockInfo as LockInfo
    from ._variables.info import VariableInfo as VariableInfo
    from ._variables.list_proxy import ListProxy as ListProxy
    from ._variables.lock import Lock as Lock
    from ._variables.namespace import NamespaceProxy as NamespaceProxy
    from ._variables.queue_proxy import JoinableQueueProxy as JoinableQueueProxy
    from ._variables.queue_proxy import QueueProxy as QueueProxy
    from ._variables.set_proxy import SetProxy as SetProxy
    from ._variables.value_proxy import ValueProxy as ValueProxy
else:
    # All other names are the standard module's.
    __getattr__ = export(
        __name__,
        {
            "ArrayProxy": "._variables.array_proxy",
            "BaseManager": "._hosting.base_manager",
            "BaseProxy": "._hosting.base_proxy",
            "BlockUsage": "._managers.manager_info",
            "ConnectedManager": "._managers.connected_manager",
            "DictProxy": "._variables.dict_proxy",
            "JoinableQueueProxy": "._variables.queue_proxy",
            "ListProxy": "._variables.list_proxy",
            "Lock": "._variables.lock",
            "LockHolder": "._variables.info",
            "LockInfo": "._variables.info",
            "MakeProxyType": "._hosting.base_proxy",
            "Manager": "._managers.manager",
            "ManagerInfo": "._managers.manager_info",
            "NamedManager": "._managers.named_manager",
            "NamespaceProxy": "._variables.namespace",
            "QueueProxy": "._variables.queue_proxy",
            "RebuildProxy": "._managers.rebuilding",
            "Server": "._hosting.server",
            "SetProxy": "._variables.set_proxy",
            "SyncManager": "._managers.sync_manager",
            "ValueProxy": "._variables.value_proxy",
            "VariableInfo": "._variables.info",
            "attach": "._managers.named_manager",
            "manager_names": "._managers.named_manager",
            "remove_manager": "._managers.named_manager",
        },
        managers,
    )

__all__ = [
    "AcquirerProxy",
    "ArrayProxy",
    "AutoProxy",
    "BarrierProxy",
    "BaseListProxy",
    "BaseManager",
    "BasePoolProxy",
    "BaseProxy",
    "BlockUsage",
    "ConditionProxy",
    "ConnectedManager",
    "DictProxy",
    "EventProxy",
    "IteratorProxy",
    "JoinableQueueProxy",
    "ListProxy",
    "Lock",
    "LockHolder",
    "LockInfo",
    "MakeProxyType",
    "Manager",
    "ManagerInfo",
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
    "VariableInfo",
    "all_methods",
    "attach",
    "convert_to_error",
    "dispatch",
    "listener_client",
    "manager_names",
    "public_methods",
    "remove_manager",
]

__dir__ = listing(__name__)
