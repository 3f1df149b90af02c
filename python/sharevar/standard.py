"""The standard library's own managers, under names that stay theirs.

`sharevar.install` puts our `SyncManager` in the place of the standard one. The
standard one still serves what is not in shared memory yet, and under spawn it is
pickled by name, which must lead to itself.
"""

from multiprocessing import managers
from multiprocessing.managers import (  # type: ignore[attr-defined]
    AcquirerProxy,
    ArrayProxy,
    BaseProxy,
    DictProxy,
    ListProxy,
    RemoteError,
    SyncManager,
    Value,
    ValueProxy,
)

__all__ = [
    "AcquirerProxy",
    "ArrayProxy",
    "BaseProxy",
    "DictProxy",
    "ListProxy",
    "RemoteError",
    "SyncManager",
    "Value",
    "ValueProxy",
    "managers",
    "rename_manager",
]


def rename_manager() -> None:
    """Have the standard manager class pickled by its name in this module."""
    SyncManager.__module__ = __name__
