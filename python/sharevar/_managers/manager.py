"""`Manager`, the function by which programs get managers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

from .._public import public_in
from .sync_manager import SyncManager

if TYPE_CHECKING:
    from .connected_manager import ConnectedManager, Durability
    from .named_manager import Lifetime, NamedManager, Path


@overload
def Manager(
    address: str, /, *, pickle: bool = False, durability: Durability | None = None
) -> ConnectedManager: ...
@overload
def Manager(*, capacity: int | str | None = None, ctx: Any = None) -> SyncManager: ...
@overload
def Manager(
    *,
    name: str,
    capacity: int | str | None = None,
    lifetime: Lifetime = "while_used",
    pickle: bool = False,
    load: Path | None = None,
    ctx: Any = None,
) -> NamedManager: ...


@public_in("sharevar")
def Manager(
    address: str | None = None,
    /,
    *,
    name: str | None = None,
    capacity: int | str | None = None,
    lifetime: Lifetime | None = None,
    pickle: bool = False,
    load: Path | None = None,
    durability: Durability | None = None,
    ctx: Any = None,
) -> SyncManager | ConnectedManager:
    """A started manager with an arena of its own; ``capacity`` is its limit, in bytes
    or as a text such as ``"1G"``.

    Without one it is half of the memory, or less where this process may not have so much
    (``ulimit -v``, ``ulimit -f``, a container); ``manager.arena.capacity`` says what it became.
    Its variables live in memory that the processes map, and no process is started. A limit
    of address space that a worker sets for itself (``resource.setrlimit(RLIMIT_AS, ...)``)
    counts all of what is mapped by then: set it as the soft limit before the first shared
    variable is made, and raise it again afterwards.

    With a ``name`` (1 to 64 of the letters A to Z and a to z, digits and ``_``, after the
    first also ``.`` and ``-``) it is the manager that all processes of this user have by that
    name, however they were started; the first one makes it, with its capacity and lifetime:

    - ``"while_used"``: it is gone with the last process that has it, however that one ends;
    - ``"keep"``: it stays until `remove_manager`, or the end of the machine or container;
      `NotKept` if there is one that was made without it.

    Values of no native type, which are stored as pickles, are refused there: any program of
    the user may be their writer or their reader, and to read a pickle is to run its code.
    With ``pickle=True`` the process that makes the manager allows them to all, and each
    process that stores or reads them says it, too.

    With ``load`` a manager that is made begins with the variables of a dump
    (`NamedManager.dump`); one that is there already stays as it is. A dump that has pickles
    needs ``pickle=True`` (`PickleRefused`).

    With an ``address`` its variables are kept by another engine than shared memory:
    ``Manager("redis://host/0?namespace=shop")`` on a server, Redis or Valkey, for processes
    on several machines (also ``rediss://``, with TLS, ``redis+unix:///path``,
    ``redis+sentinel://`` and ``redis+cluster://``), and
    ``Manager("memory:")`` in this process alone, so that a program can be tested where there
    is no shared memory and no server. On a server, too, pickles are refused unless the process
    that makes the namespace and each that uses them say ``pickle=True``. ``durability`` says
    what has a change before it is acknowledged: ``"fast"``, ``"replicated"`` (each replica that
    may be promoted; `NotReplicated`) or ``"disk"``; without it locks alone are replicated, on
    servers that sentinels or a cluster replace.
    """
    if address is not None:
        if any(given is not None for given in (name, capacity, lifetime, load, ctx)):
            raise TypeError("a manager of an address takes pickle and durability only")
        from .connected_manager import connect_manager

        return connect_manager(address, pickle, durability)
    if durability is not None:
        raise TypeError(
            "shared memory has no durability, which is of a server: give the manager its "
            "address, redis://, redis+sentinel:// or redis+cluster://"
        )
    if name is not None:
        from .named_manager import open_or_make

        return open_or_make(name, capacity, lifetime or "while_used", pickle, load, ctx)
    if load is not None:
        raise TypeError("a dump is loaded into a manager with a name; give it one")
    if pickle:
        raise TypeError(
            "a manager without a name has pickles as it is; it takes no pickle=True"
        )
    if lifetime is not None:
        raise TypeError("a manager without a name lives while it is used; it takes no lifetime")
    manager = SyncManager(ctx=ctx, capacity=capacity)
    manager.start()
    return manager
