"""`Manager`, whose variables the family's server keeps."""

from __future__ import annotations

from multiprocessing import managers as standard
from typing import Any, NoReturn

from .._public import public_in
from . import containers, locks, missing, queues

_MADE_BY: dict[str, Any] = {
    "Array": containers.ArrayProxy,
    "Barrier": locks.Barrier,
    "BoundedSemaphore": locks.BoundedSemaphore,
    "Condition": locks.Condition,
    "Event": locks.Event,
    "JoinableQueue": queues.JoinableQueueProxy,
    "Lock": locks.Lock,
    "Namespace": containers.NamespaceProxy,
    "PriorityQueue": queues.PriorityQueue,
    "Queue": queues.QueueProxy,
    "RLock": locks.RLock,
    "Semaphore": locks.Semaphore,
    "Value": containers.ValueProxy,
    "dict": containers.DictProxy,
    "list": containers.ListProxy,
    "set": containers.SetProxy,
}


@public_in("sharevar.managers")
class SyncManager(standard.SyncManager):
    """`multiprocessing.managers.SyncManager`, whose variables the family's server keeps.

    A process of its own is started by a pool or a registered class alone.
    """

    def __init__(
        self,
        address: Any = None,
        authkey: bytes | None = None,
        serializer: str = "pickle",
        ctx: Any = None,
        *,
        shutdown_timeout: float = 1.0,
        capacity: int | str | None = None,
        **missing_here: Any,
    ) -> None:
        if missing_here:
            missing.refuse(f"the argument {next(iter(missing_here))} of a manager")
        super().__init__(address, authkey, serializer, ctx)

    def _make(self, typeid: str, /, *arguments: Any, **named: Any) -> Any:
        return _MADE_BY[typeid](*arguments, **named)

    def info(self) -> NoReturn:
        """Missing: raises `Unsupported`."""
        missing.refuse("info()")

    def monitor(self, cls: Any, /, *arguments: Any, **named: Any) -> Any:
        """Missing: raises `Unsupported`."""
        missing.refuse("a monitor")

    def array(self, shape: Any, dtype: Any = float) -> NoReturn:
        """Missing: raises `Unsupported`."""
        missing.refuse("array()")


def _method(typeid: str) -> Any:
    def make(self: SyncManager, /, *arguments: Any, **named: Any) -> Any:
        return self._make(typeid, *arguments, **named)

    make.__name__ = make.__qualname__ = typeid
    make.__doc__ = _MADE_BY[typeid].__doc__
    return make


for _typeid in _MADE_BY:
    setattr(SyncManager, _typeid, _method(_typeid))


class FamilyManager(SyncManager):
    """The manager of `Manager`. It has started; a process of its own is started when needed."""

    _is_started = False

    def start(self, *arguments: Any, **named: Any) -> None:
        raise AssertionError("the manager has started already")

    def _create(self, typeid: str, /, *arguments: Any, **named: Any) -> Any:
        if not self._is_started:
            self._is_started = True
            super().start()
        return super()._create(typeid, *arguments, **named)  # type: ignore[misc]

    def shutdown(self) -> None:  # type: ignore[override]
        """Nothing, until a process of its own is started, which has an attribute to end it."""

    def __enter__(self) -> FamilyManager:
        return self

    def __exit__(self, *error: object) -> None:
        self.shutdown()


@public_in("sharevar")
def Manager(
    address: str | None = None,
    /,
    *,
    name: str | None = None,
    capacity: int | str | None = None,
    ctx: Any = None,
    **options: Any,
) -> FamilyManager:
    """A manager, whose variables the family's server keeps; ``capacity`` is no limit here."""
    if address not in (None, "memory:"):
        missing.refuse("a manager of an address")
    if name is not None or options:
        missing.refuse("a manager with a name")
    return FamilyManager(ctx=ctx)
