"""The ids of variables in tokens of the standard library.

Its `Token` has a type, an address and an id. The id of one of our variables says where it
is in which arena, and the arena's name, or where its descriptor was: a host finds any
variable by it, and a process that has sharevar needs no host.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from .._family.arenas import (
    ArenaReference,
    NamedArenaReference,
    attach,
    refer_by_name,
    remember,
)
from .._family.descriptors import DescriptorHolder, DescriptorReference
from .._family.reduction import arena_of, handle_of
from .._hosting.clients import known_key
from .._native import Arena, Store
from .._variables import standard
from .._variables.kinds import BY_TYPEID
from .._variables.proxy import Proxy
from .._variables.standard import Token
from ..errors import ArenaGone, DescriptorLost, Unsupported

_PREFIX = "sharevar"
_NAMED = "@"


def identify(variable: Proxy) -> str:
    """The id in a variable's token."""
    arena = remember(arena_of(variable))
    offset, generation = handle_of(variable)
    return (
        f"{_PREFIX}-{variable._typeid_}-{arena.id.hex()}-{offset:x}-{generation:x}"
        f"-{os.getpid()}-{_source_of(arena)}"
    )


def _source_of(arena: Store) -> str:
    """The last part of an id: the arena's descriptor, or `_NAMED`, flags and its name."""
    if not isinstance(arena, Arena):
        raise Unsupported(f"{arena.engine} has no ids that lead to it from plain Python")
    named = refer_by_name(arena)
    if named is not None:
        pickles, reads = "p" * named.accepts_pickles, "r" * named.is_read_only
        return f"{_NAMED}{pickles}{reads}:{named.name}"
    try:
        return str(arena.fileno())
    except DescriptorLost:
        # Those that have the arena attached ask for none; others find that 0 is no arena.
        return "0"


def is_ours(ident: Any) -> bool:
    """Whether an id leads to a variable, and not to an object that a host keeps."""
    return isinstance(ident, str) and ident.startswith(f"{_PREFIX}-")


def open_variable(ident: str) -> Proxy:
    """The variable that an id leads to; a late one raises `HandleExpired`."""
    # A name may have hyphens.
    _, typeid, identity, offset, generation, process, source = ident.split("-", 6)
    found: DescriptorReference | NamedArenaReference
    if source.startswith(_NAMED):
        flags, _, name = source.removeprefix(_NAMED).partition(":")
        found = NamedArenaReference(name, "p" in flags, "r" in flags)
    else:
        found = DescriptorReference(None, (DescriptorHolder(int(process), int(source)),))
    arena = attach(ArenaReference(bytes.fromhex(identity), found))
    return arena.open(BY_TYPEID[typeid], int(offset, 16), int(generation, 16))


def rebuild_proxy(
    func: Any, token: Token, serializer: str, kwds: Mapping[str, Any]
) -> Any:
    """The proxy that a pickle names; see `rebuilding`."""
    if is_ours(token.id):
        try:
            return open_variable(str(token.id))
        except ArenaGone:
            # On another machine: by the host.
            pass
    # Imported for its effect: it takes the place of the standard class below all proxies.
    from .._hosting import base_proxy  # noqa: F401

    named = dict(kwds)
    # This process may know the host, and its key.
    key = None if "authkey" in named else known_key(token.address)
    if key is not None:
        named["authkey"] = key
    return standard.RebuildProxy(func, token, serializer, named)
