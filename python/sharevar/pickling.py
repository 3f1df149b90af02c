"""How values of no native type are encoded: pickle, as multiprocessing does it."""

from __future__ import annotations

import io
import pickle
import sys
from multiprocessing.reduction import ForkingPickler
from typing import Any

# The proxies of a manager process that were stored in shared variables, by token.
_kept: set[tuple[Any, Any]] = set()


class ValuePickler(ForkingPickler):
    """Protocol 5, and whatever multiprocessing can send over a connection."""

    def __init__(self, stream: io.BytesIO) -> None:
        super().__init__(stream, 5)

    def reducer_override(self, value: Any) -> Any:
        managers = sys.modules.get("multiprocessing.managers")
        # By its type: our own proxies pose as these.
        if managers is not None and issubclass(type(value), managers.BaseProxy):
            _keep_on_server(managers, value)
        return NotImplemented


def _keep_on_server(managers: Any, proxy: Any) -> None:
    """Have a manager process keep an object whose proxy is now in shared memory.

    It counts the proxies that live in processes; one that is only bytes in a shared
    variable is none, and its object would be gone when somebody reads it back. So
    the object is counted once more, and stays until its manager is shut down.
    """
    token = proxy._token
    if (token.address, token.id) in _kept:
        return
    with proxy._Client(token.address, authkey=proxy._authkey) as connection:
        managers.dispatch(connection, None, "incref", (token.id,))
    _kept.add((token.address, token.id))


def dumps(value: Any) -> bytes:
    """Encode a value."""
    stream = io.BytesIO()
    ValuePickler(stream).dump(value)
    return stream.getvalue()


loads = pickle.loads
