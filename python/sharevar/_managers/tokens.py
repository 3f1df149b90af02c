"""The tokens of variables, by which plain Python reaches them through a host process."""

from __future__ import annotations

from .._family.reduction import arena_of
from .._native import Arena, Store
from .._variables.proxy import Proxy, hosts
from .._variables.standard import Token
from ..errors import Unsupported


def token(variable: Proxy) -> Token:
    """A variable's token. It starts the arena's host if there is none."""
    from . import arena_host
    from .variable_ids import identify

    arena = arena_of(variable)
    if not isinstance(arena, Arena):
        raise Unsupported(
            f"{arena.engine} has no host that plain Python could reach; "
            "use a manager of shared memory"
        )
    return Token(variable._typeid_, arena_host.address(arena), identify(variable))


def authkey(arena: Store) -> bytes | None:
    """The key of the arena's host, if this process would start it."""
    from . import arena_host

    return arena_host.authkey(arena) if isinstance(arena, Arena) else None


def give_to_proxies() -> None:
    """Have proxies find their tokens here: a host is made of proxies, and stands above."""
    hosts.token, hosts.authkey = token, authkey
