"""Hosted objects: any object, in a process that keeps it, called from any process.

`BaseManager` and `BaseProxy` are those of `multiprocessing.managers` on a transport of
our own; what plain Python sends is understood at the same address.
"""

from __future__ import annotations

from ._hosting.base_manager import BaseManager
from ._hosting.base_proxy import BaseProxy
from ._hosting.batch import Batch, Outcome
from ._hosting.callbacks import callback
from ._hosting.connect import RemoteHost, connect
from ._hosting.current_call import Call, current_call
from ._hosting.security import TLS
from ._hosting.server import Server
from ._hosting.streams import RemoteIterator

__all__ = [
    "TLS",
    "BaseManager",
    "BaseProxy",
    "Batch",
    "Call",
    "Outcome",
    "RemoteHost",
    "RemoteIterator",
    "Server",
    "callback",
    "connect",
    "current_call",
]
