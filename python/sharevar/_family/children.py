"""The messages to children under spawn and forkserver, before they import the program.

A forked child has the family's arena mapped (``family`` makes it before the fork).
Under spawn and forkserver the child imports the main program again, and a
``sharevar.shared(...)`` in there must find the family's arena. multiprocessing sends
each child *preparation data*, unpickled before that import; an object in there attaches
the arena as it is unpickled. The fork server imports the main program before it has
received any such data, so it is told on its command line, and in a file that it inherits.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Sequence
from multiprocessing import spawn, util
from typing import Any

from .. import _native
from .._native import Arena
from ..errors import SharevarError
from . import family, installed, module_level
from .arenas import ArenaReference, NamedArenaReference, attach_arena, refer_by_name
from .descriptors import DescriptorReference

# In the command that starts a fork server; other arguments may stand behind it.
_FORKSERVER_COMMAND = "from multiprocessing.forkserver import main"

# The directory of the package, for a fork server whose search path lacks it.
_PARENT_DIRECTORY = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))


class SearchPath:
    """Sets ``sys.path`` as it is unpickled.

    multiprocessing does the same a moment later, but its data is unpickled all at once,
    and sharevar may be on the parent's search path only.
    """

    def __init__(self, entries: list[str]) -> None:
        self._entries = entries

    def __reduce__(self) -> tuple[Any, ...]:
        return setattr, (_SystemModule(), "path", self._entries)


class Inside:
    """Tells the process that unpickles it in which monitors' methods it was started."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _native.note_started_inside, (_native.monitors_inside(),)


class _SystemModule:
    def __reduce__(self) -> tuple[Any, ...]:
        return importlib.import_module, ("sys",)


class Passwords:
    """Tells the process that unpickles it the passwords of the engines' servers.

    References to variables have none, so that they may be kept and shown. This goes to a
    child through its pipe alone.
    """

    def __reduce__(self) -> tuple[Any, ...]:
        return _native.add_passwords, (_native.known_passwords(),)


class Membership:
    """Makes the process that unpickles it a member of the family."""

    def __reduce__(self) -> tuple[Any, ...]:
        return join_family, (
            family.refer_to_family(),
            installed.installer(),
            {tuple(site): made for site, made in module_level.to_children().items()},
        )


def join_family(
    reference: ArenaReference, install: Callable[[], None] | None, made: dict[Any, bytes]
) -> None:
    """Attach the family's arena, install what was installed, take what modules have made."""
    family.adopt(reference)
    module_level.receive(made)
    if install is not None:
        install()


def join_from_command_line(
    arenas: list[tuple[str, int | tuple[str, bool, bool]]], made: int | None
) -> None:
    """As `join_family`, in a fork server, which inherits the descriptors as they are."""
    references = [
        ArenaReference(
            bytes.fromhex(identity),
            NamedArenaReference(*source)
            if isinstance(source, tuple)
            else DescriptorReference(_Inherited(source), ()),
        )
        for identity, source in arenas
    ]
    module_level.begin_fork_server()
    join_family(references[0], None, module_level.from_file(made))
    for reference in references[1:]:
        try:
            _inherited.append(attach_arena(reference))
        except SharevarError:
            # It was shut down; a child that does not find it makes its own.
            continue


# The arenas that a fork server has attached for its children.
_inherited: list[Arena] = []


class _Inherited:
    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def detach(self) -> int:
        return self._descriptor


def _with_membership(
    standard: Callable[[str], dict[str, Any]],
) -> Callable[[str], dict[str, Any]]:
    def get_preparation_data(name: str) -> dict[str, Any]:
        data = standard(name)
        # The order counts: they are unpickled one after the other.
        return {
            "sharevar_search_path": SearchPath(data["sys_path"]),
            "sharevar_passwords": Passwords(),
            "sharevar": Membership(),
            "sharevar_inside": Inside(),
            **data,
        }

    return get_preparation_data


def _with_inherited_arena(
    standard: Callable[[Any, Sequence[Any], Sequence[int]], int],
) -> Callable[[Any, Sequence[Any], Sequence[int]], int]:
    def spawnv_passfds(
        path: Any, arguments: Sequence[Any], descriptors: Sequence[int]
    ) -> int:
        arguments = list(arguments)
        for place, argument in enumerate(arguments):
            if isinstance(argument, str) and _FORKSERVER_COMMAND in argument:
                arenas = [family.arena(), *module_level.arenas()]
                inherited = {arena.fileno() for arena in arenas if arena.name is None}
                with module_level.in_file() as made:
                    if made is not None:
                        inherited.add(made)
                    arguments[place] = _join_command(arenas, made) + argument
                    return standard(path, arguments, sorted(inherited.union(descriptors)))
        return standard(path, arguments, descriptors)

    return spawnv_passfds


def _join_command(arenas: list[Arena], made: int | None) -> str:
    inherited: list[tuple[str, Any]] = []
    for arena in arenas:
        named = refer_by_name(arena)
        inherited.append((arena.id.hex(), arena.fileno() if named is None else tuple(named)))
    install = "sharevar.install(); " if installed.is_installed() else ""
    return (
        f"import sys; sys.path.append({_PARENT_DIRECTORY!r}); import sharevar; "
        f"from {__name__} import join_from_command_line; "
        "sys.path.pop(); "
        f"join_from_command_line({inherited!r}, {made}); {install}"
    )


def _note_fork() -> None:
    # The methods that the forking thread was inside of are copied to the child's thread.
    _native.note_started_inside(_native.monitors_inside())


def tell_children() -> None:
    """Make every child that is started from now on a member of the family."""
    os.register_at_fork(after_in_child=_note_fork)
    spawn.get_preparation_data = _with_membership(  # type: ignore[assignment]
        spawn.get_preparation_data
    )
    util.spawnv_passfds = _with_inherited_arena(  # type: ignore[assignment]
        util.spawnv_passfds
    )
