"""The shared semaphores."""

from __future__ import annotations

from typing import Any

from .. import _native
from .._family import family
from .._public import public_in
from .primitive import Primitive


@public_in("sharevar")
class Semaphore(Primitive, _native.Semaphore):
    """Units that processes and threads take and give back.

    A unit belongs to the process that took it and is given back when that process is
    killed. This ends when a process releases a unit that it has not acquired: from then
    on a unit stands for something else (a filled place, a finished job), and no unit is
    given back by itself any more. ``owned=True`` or ``owned=False`` settles it.
    """

    __slots__ = ()

    _typeid_ = "Semaphore"
    _exposed_ = ("acquire", "release", "get_value", "locked", "__enter__", "__exit__")

    def __new__(
        cls,
        value: int = 1,
        *,
        owned: bool | None = None,
        arena: _native.Store | None = None,
    ) -> Semaphore:
        home = family.home(arena)
        semaphore: Any = super().__new__(cls, home, value, False, owned)
        return semaphore  # type: ignore[no-any-return]

    def __str__(self) -> str:
        return f"<{type(self).__name__}(value={_value_of(self)})>"

    @property
    def _semlock(self) -> UnitsView:
        return UnitsView(self)


@public_in("sharevar")
class BoundedSemaphore(Semaphore):
    """A semaphore that never has more free units than at first."""

    __slots__ = ()

    _typeid_ = "BoundedSemaphore"

    def __new__(
        cls,
        value: int = 1,
        *,
        owned: bool | None = None,
        arena: _native.Store | None = None,
    ) -> BoundedSemaphore:
        home = family.home(arena)
        semaphore: Any = _native.Semaphore.__new__(cls, home, value, True, owned)
        return semaphore  # type: ignore[no-any-return]

    def __str__(self) -> str:
        name = type(self).__name__
        return f"<{name}(value={_value_of(self)}, maxvalue={self.maxvalue})>"


def _value_of(semaphore: Semaphore) -> int | str:
    try:
        return semaphore.get_value()
    except _native.SharevarError:
        # Shut down, for example: an object can always be printed.
        return "unknown"


class UnitsView:
    """The inside of a semaphore, as programs and `multiprocessing.Condition` look at it."""

    __slots__ = ("_semaphore",)

    def __init__(self, semaphore: Semaphore) -> None:
        self._semaphore = semaphore

    @property
    def maxvalue(self) -> int:
        return self._semaphore.maxvalue

    def _get_value(self) -> int:
        return self._semaphore.get_value()

    def _is_zero(self) -> bool:
        return self._semaphore.locked()

    def _count(self) -> int:
        """How many units this process holds."""
        held = self._semaphore.held
        # A signal names no holders. That all units are taken is the next best answer.
        return int(self._semaphore.locked()) if held is None else held

    def _is_mine(self) -> bool:
        return self._count() > 0
