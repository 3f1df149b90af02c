"""The shared barrier."""

from __future__ import annotations

from collections.abc import Callable
from multiprocessing.context import get_spawning_popen
from typing import Any

from .. import _native
from .._family import family
from .._public import public_in
from .primitive import Primitive


@public_in("sharevar")
class Barrier(Primitive, _native.Barrier):
    """A barrier for a number of processes and threads, which wait until all have arrived.

    One that is killed while it waits, or while it runs the action, breaks the barrier
    for the others.
    """

    __slots__ = ()

    _typeid_ = "Barrier"
    _exposed_ = ("__getattribute__", "wait", "abort", "reset")

    def __new__(
        cls,
        parties: int,
        action: Callable[[], object] | None = None,
        timeout: float | None = None,
        *,
        arena: _native.Store | None = None,
    ) -> Barrier:
        home = family.home(arena)
        barrier: Any = super().__new__(cls, home, parties, action, timeout)
        return barrier  # type: ignore[no-any-return]

    def __reduce__(self) -> tuple[Any, ...]:
        # A child that is being started gets the object of the action, as from the
        # standard class: what it is made of may be picklable only now.
        if get_spawning_popen() is not None and self._action is not None:
            return _open_with_action, (super().__reduce__(), self._action)
        return super().__reduce__()

    def _shown(self) -> str:
        if self.broken:
            return "<Barrier: broken>"
        return f"<Barrier: waiters={self.n_waiting}/{self.parties}>"


def _open_with_action(
    reduced: tuple[Any, ...], action: Callable[[], object]
) -> Barrier:
    opener, arguments = reduced
    barrier: Barrier = opener(*arguments)
    barrier._set_action(action)
    return barrier
