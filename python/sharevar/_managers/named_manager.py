"""Managers that any process of the user finds by their names."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from multiprocessing.managers import State  # type: ignore[attr-defined]
from typing import Any, Literal, TypeAlias

from .. import _native
from .._family.arenas import NamedArenaReference, refer_by_name, remember
from .._native import Arena
from .._public import public_in
from .capacity import bytes_of
from .named_variables import NamedVariableMethods
from .sync_manager import SyncManager

Lifetime = Literal["while_used", "keep"]
Path: TypeAlias = "str | bytes | os.PathLike[str] | os.PathLike[bytes]"


@public_in("sharevar")
def attach(
    name: str, *, pickle: bool = False, read_only: bool = False, ctx: Any = None
) -> NamedManager:
    """The manager of that name on this machine; `NoSuchManager` if there is none.

    With ``pickle`` this process stores and reads values of no native type in it, as pickles:
    reading one runs code that its writer has chosen. `PickleRefused` if the manager was made
    without it.

    With ``read_only`` the memory is mapped without the right to change it: what would change
    something, take a lock or wait raises `ReadOnly`. Reads take no lock. A variable that is
    changed all the time is `Contended`, one that the others have given up `HandleExpired`.
    """
    return _started(name, lambda: Arena.attach_by_name(name, read_only), pickle, ctx)


def open_or_make(
    name: str,
    capacity: int | str | None,
    lifetime: Lifetime,
    pickle: bool,
    load: Path | None,
    ctx: Any,
) -> NamedManager:
    """The manager of that name on this machine, which is made if there is none."""
    if lifetime not in ("while_used", "keep"):
        raise ValueError(f"a lifetime is 'while_used' or 'keep', not {lifetime!r}")
    is_kept = lifetime == "keep"
    size = None if capacity is None else bytes_of(capacity)
    dump = None if load is None else os.fsdecode(load)
    return _started(
        name, lambda: Arena.open_by_name(name, size, is_kept, pickle, dump), pickle, ctx
    )


@public_in("sharevar")
def remove_manager(name: str) -> None:
    """End the manager of that name for all processes; `NoSuchManager` if there is none.

    Their operations raise `ClosedError` from now on, and the name is free. The memory goes
    with the last process that has it.
    """
    _native.remove_manager(name)


@public_in("sharevar")
def manager_names() -> list[str]:
    """The names of the managers that processes of this user have, or that are kept."""
    return _native.manager_names()


def _started(
    name: str, open_arena: Callable[[], Arena], pickle: bool, ctx: Any
) -> NamedManager:
    def open_for_this_process() -> Arena:
        arena = open_arena()
        if pickle:
            arena.accept_pickles()
        return arena

    manager = NamedManager(name, open_for_this_process, ctx)
    manager.start()
    return manager


def _attach_again(reference: NamedArenaReference) -> NamedManager:
    name, accepts_pickles, is_read_only = reference
    return attach(name, pickle=accepts_pickles, read_only=is_read_only)


@public_in("sharevar.managers")
class NamedManager(NamedVariableMethods, SyncManager):  # type: ignore[misc]
    """A manager that belongs to no process: any process of the user opens it by its name.

    ``shutdown`` and the end of a ``with`` block leave it to the others; `remove_manager` ends
    it. A pickled one is opened by its name, too.
    """

    def __init__(self, name: str, open_arena: Callable[[], Arena], ctx: Any) -> None:
        super().__init__(ctx=ctx)
        self._name = name
        self._open_arena = open_arena

    @property
    def name(self) -> str:
        """The name by which other processes find the manager."""
        return self._name

    def start(
        self, initializer: Callable[..., Any] | None = None, initargs: Iterable[Any] = ()
    ) -> None:
        """Open it. There is no process of its own in which an initializer could run."""
        self._require_initial()
        if initializer is not None:
            raise TypeError("a manager with a name has no process for an initializer")
        self._join(remember(self._open_arena()))

    def _shut_down(self) -> None:
        if self._state.value == State.STARTED:
            self._state.value = State.SHUTDOWN
            if self._host is not None:
                self._host.shutdown()
            self._arena = None

    def __reduce__(self) -> Any:
        # By the class of the reference a dump knows it in a pickle.
        return _attach_again, (refer_by_name(self._own_arena()),)

    def dump(self, path: Path) -> None:
        """Write all variables into a file, for ``Manager(name=..., load=path)``.

        Other processes go on meanwhile. A dict or set of up to a thousand keys is of one
        moment, and so is a larger one that does not change while it is read; different
        variables are of different moments. No process is in it: locks are free, no process
        waits. `NotDumpable` names a variable that has a pickle with a reference to a shared
        variable or to a manager: it would lead nowhere after a reboot.
        """
        self._own_arena().dump(os.fsdecode(path))

    def _own_arena(self) -> Arena:
        """The arena, for operations that no other engine has."""
        arena = self.arena
        assert isinstance(arena, Arena)
        return arena
