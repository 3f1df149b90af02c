"""The engine that the environment names, for the variables of programs that name none.

Managers without an address, a name or a capacity have their variables there, and `shared`
has. Its processes may be on several machines.
"""

from __future__ import annotations

import os

from .._native import Store
from .arenas import remember

# The address of the engine.
ENGINE = "SHAREVAR_ENGINE"

# A home lives while a process has it: this one has it until it ends.
_connected: dict[str, Store] = {}


def store_of_environment(app: str | None = None) -> Store | None:
    """The store to which the environment leads, in an application's namespace if one is
    named; None if there is no engine in the environment."""
    address = os.environ.get(ENGINE)
    if not address:
        return None
    if app is not None:
        address = _in_namespace(address, app)
    store = _connected.get(address)
    if store is None or store.closed:
        # Without a lock, which a fork might leave locked: connected twice is one store.
        store = _connected[address] = remember(Store.connect(address))
    return store


def _in_namespace(address: str, namespace: str) -> str:
    base, _, query = address.partition("?")
    options = [option for option in query.split("&") if option]
    kept = [option for option in options if not option.startswith("namespace=")]
    return f"{base}?{'&'.join((f'namespace={namespace}', *kept))}"
