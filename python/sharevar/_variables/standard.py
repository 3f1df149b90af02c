"""The standard library's own managers, under names that stay theirs.

`sharevar.install` puts our `BaseManager` and `SyncManager` in the place of the standard
ones. Those are the bases of ours, and under spawn they are pickled by name, which must
lead to themselves.
"""

from __future__ import annotations

import types
from contextlib import closing
from functools import cache
from multiprocessing import managers as _managers
from multiprocessing.managers import BaseManager, BaseProxy, SyncManager, Token
from typing import Any

# The stubs of the standard library lack many of the names that are used here.
managers: Any = _managers
AutoProxy = managers.AutoProxy
RebuildProxy = managers.RebuildProxy
RemoteError = managers.RemoteError
Server: Any = managers.Server
Value = managers.Value
REGISTRY: dict[str, tuple[Any, ...]] = managers.SyncManager._registry

__all__ = [
    "REGISTRY",
    "AutoProxy",
    "BaseManager",
    "BaseProxy",
    "RebuildProxy",
    "RemoteError",
    "Server",
    "SyncManager",
    "Token",
    "Value",
    "counterpart",
    "create",
    "hosted_class",
    "managers",
    "own_counterpart",
    "proxy_type",
    "rename_managers",
]


def rename_managers() -> None:
    """Make the names of the standard manager classes in this module those of their pickles."""
    BaseManager.__module__ = SyncManager.__module__ = __name__


def proxy_type(typeid: str) -> Any:
    """The maker of the standard proxies of a type: a class, or the function `AutoProxy`."""
    registration = REGISTRY.get(typeid)
    return AutoProxy if registration is None else registration[-1]


def create(manager: Any, typeid: str, /, *arguments: Any, **named: Any) -> Any:
    """Make an object in the server process, as a method of a standard manager does."""
    token, exposed = manager._create(typeid, *arguments, **named)
    key = manager._authkey
    proxy = proxy_type(typeid)(
        token, manager._serializer, manager=manager, authkey=key, exposed=exposed
    )
    # The proxy holds the object now, as the token did until here.
    with closing(manager._Client(token.address, authkey=key)) as connection:
        managers.dispatch(connection, None, "decref", (token.id,))
    return proxy


def counterpart(cls: type[Any]) -> type:
    """The standard class of proxies that a class of ours stands for."""
    # By its name of this moment: `_hosting.base_proxy` puts a class of ours in its place.
    found = proxy_type(cls._typeid_)
    return found if isinstance(found, type) else managers.BaseProxy  # type: ignore[no-any-return]


@cache
def own_counterpart(typeid: str) -> type:
    """The class of the objects that `multiprocessing` makes under a name without a manager."""
    # Imported where they are asked for: some platforms have no semaphores.
    from multiprocessing import queues, synchronize

    found: type = getattr(queues if typeid.endswith("Queue") else synchronize, typeid)
    return found


@cache
def hosted_class(cls: type[Any]) -> Any:
    """The maker of the proxy of a hosted object that was registered with a class of ours.

    For a user's class derived from one of ours that is the same class derived from
    our class's counterpart.
    """
    if "_typeid_" in vars(cls):
        return proxy_type(cls._typeid_)

    def reduce(self: Any) -> tuple[Any, ...]:
        rebuild, (_, *rest) = BaseProxy.__reduce__(self)
        return rebuild, (cls, *rest)

    bases = tuple(
        counterpart(base) if "_typeid_" in vars(base)
        else hosted_class(base) if hasattr(base, "_typeid_")
        else base
        for base in cls.__bases__
    )  # fmt: skip
    written = {
        name: member
        for name, member in vars(cls).items()
        if name != "__slots__" and not isinstance(member, _NATIVE)
    }
    return type(cls.__name__, bases, {**written, "__reduce__": reduce})


# Members that a class has by itself, without being written into it.
_NATIVE = (
    types.GetSetDescriptorType,
    types.MemberDescriptorType,
    types.MethodDescriptorType,
    types.WrapperDescriptorType,
)
