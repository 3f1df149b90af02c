"""Hosted objects: any object, in a process that keeps it, called from any process.

`BaseManager` and `BaseProxy` are those of `multiprocessing.managers` on a transport of
our own; what plain Python sends is understood at the same address.
"""

from __future__ import annotations

from . import base_manager, base_proxy
from .base_manager import BaseManager
from .base_proxy import BaseProxy
from .batch import Batch, Outcome
from .callbacks import callback
from .connect import RemoteHost, connect
from .current_call import Call, current_call
from .security import TLS
from .server import Server
from .streams import RemoteIterator

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

base_proxy.take_place()
base_manager.take_place()
