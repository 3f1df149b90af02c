"""Hosted objects: any object, in a process that keeps it, called from any process.

`BaseManager` and `BaseProxy` are those of `multiprocessing.managers` on a transport of
our own; what plain Python sends is understood at the same address.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._public import export, listing

if TYPE_CHECKING:
    from ._hosting.base_manager import BaseManager as BaseManager
    from ._hosting.base_proxy import BaseProxy as BaseProxy
    from ._hosting.batch import Batch as Batch
    from ._hosting.batch import Outcome as Outcome
    from ._hosting.callbacks import callback as callback
    from ._hosting.connect import RemoteHost as RemoteHost
    from ._hosting.connect import connect as connect
    from ._hosting.current_call import Call as Call
    from ._hosting.current_call import current_call as current_call
    from ._hosting.security import TLS as TLS
    from ._hosting.server import Server as Server
    from ._hosting.streams import RemoteIterator as RemoteIterator
else:
    __getattr__ = export(
        __name__,
        {
            "BaseManager": "._hosting.base_manager",
            "BaseProxy": "._hosting.base_proxy",
            "Batch": "._hosting.batch",
            "Call": "._hosting.current_call",
            "Outcome": "._hosting.batch",
            "RemoteHost": "._hosting.connect",
            "RemoteIterator": "._hosting.streams",
            "Server": "._hosting.server",
            "TLS": "._hosting.security",
            "callback": "._hosting.callbacks",
            "connect": "._hosting.connect",
            "current_call": "._hosting.current_call",
        },
    )

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

__dir__ = listing(__name__)
