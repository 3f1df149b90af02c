"""Managers of variables that another engine than shared memory keeps."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, TypeVar
from urllib.parse import quote

from .._family.arenas import ArenaReference, attach, refer_to_arena, remember
from .._native import Store
from .._public import public_in
from .._variables import monitors, pickling
from .._variables.proxy import Proxy
from ..errors import NotCreated, SharevarError, Unsupported
from .named_variables import NamedVariableMethods

if TYPE_CHECKING:
    from .manager_info import ManagerInfo

_AnyProxy = TypeVar("_AnyProxy", bound=Proxy)
_Object = TypeVar("_Object")
_Arguments = ParamSpec("_Arguments")


Durability = Literal["fast", "replicated", "disk"]


def connect_manager(
    address: str, pickle: bool, durability: Durability | None
) -> ConnectedManager:
    """The manager of the variables to which an address leads."""
    if "//" in address:
        # Those of a server are others' to read and to write; any others are this program's.
        options = ["pickle=1"] * pickle
        options += [] if durability is None else [f"durability={quote(durability)}"]
        for option in options:
            address += ("&" if "?" in address else "?") + option
    elif durability is not None:
        raise Unsupported(
            f"{address} keeps variables in this process alone, so that there is no durability; "
            "servers have it: redis://, redis+sentinel:// and redis+cluster://"
        )
    store = Store.connect(address)
    if pickle:
        store.expect_pickles()
    return ConnectedManager(remember(store))


def _attach_again(reference: ArenaReference) -> ConnectedManager:
    return ConnectedManager(attach(reference))


@public_in("sharevar.managers")
class ConnectedManager(NamedVariableMethods):
    """A manager that is connected to an engine by its address.

    It makes the same variables, and finds them by their names. What an engine cannot do
    raises `Unsupported`: there are no pools, no registered classes and no hosts. ``shutdown``
    and the end of a ``with`` block end this process's use of it. A pickled one connects to
    the same variables, by its address.
    """

    def __init__(self, store: Store) -> None:
        self._store: Store | None = store
        self._address = store.address or ""

    @property
    def store(self) -> Store:
        """Where this manager's variables are."""
        if self._store is None:
            raise AssertionError("server not yet started")
        return self._store

    @property
    def arena(self) -> Store:  # type: ignore[override]
        """The same, by the name that it has in shared memory."""
        return self.store

    @property
    def address(self) -> str:
        """The address that it was connected to, without the password."""
        return self._address

    def info(self) -> ManagerInfo:
        """Refused: only shared memory has a capacity and processes. `Unsupported`."""
        from .manager_info import manager_info

        return manager_info(self.store)

    def monitor(
        self,
        cls: Callable[_Arguments, _Object],
        /,
        *arguments: _Arguments.args,
        **named: _Arguments.kwargs,
    ) -> _Object:
        """``cls(*arguments, **named)`` where this manager's variables are."""
        made: _Object = monitors.make(cls, self.store, *arguments, **named)
        return made

    def shutdown(self) -> None:
        """End this process's use of it. What only this process has is gone."""
        if self._store is not None:
            self._store.leave()
            self._store = None

    def __enter__(self) -> ConnectedManager:
        return self

    def __exit__(self, *_exception: Any) -> None:
        self.shutdown()

    def __reduce__(self) -> Any:
        return _attach_again, (refer_to_arena(self.store),)

    def __repr__(self) -> str:
        engine = "shut down" if self._store is None else self._store.engine
        return f"<ConnectedManager of {engine} at {id(self):#x}>"

    def _make(self, cls: type[_AnyProxy], /, *arguments: Any, **named: Any) -> _AnyProxy:
        try:
            made: _AnyProxy = cls.create(self.store, *arguments, **named)
        except (TypeError, ValueError) as error:
            if isinstance(error, SharevarError) or pickling.was_raised_in(error):
                raise
            raise NotCreated(str(error)) from error
        return made
