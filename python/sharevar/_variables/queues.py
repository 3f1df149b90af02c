"""The queues of `multiprocessing.queues`: for processes, without a manager.

An item is in shared memory when ``put`` returns. So there is no thread that feeds a
pipe, no buffer to be flushed at exit, and nothing for ``join_thread`` to wait for.
"""

from __future__ import annotations

import traceback
from queue import Empty, Full
from typing import Any, ClassVar, TypeVar

from .. import _native
from .._family import family
from .._family.reduction import reduce_variable
from .._public import public_in
from . import standard
from .proxy import Proxy
from .queue_ends import Reader, Writer

__all__ = ["Empty", "Full", "JoinableQueue", "Queue", "SimpleQueue"]

_Item = TypeVar("_Item")


class _ProcessQueue(Proxy, _native.Queue[_Item]):
    """The base of the three."""

    __slots__ = ()

    _form_: ClassVar[str]

    # A derived class may take what it likes; only `__init__` knows what is for us.
    def __new__(cls, *arguments: Any, **options: Any) -> Any:
        arena = options.get("arena")
        home = family.home(arena)
        return super().__new__(cls, home, 0, cls._form_)

    @property
    def __class__(self) -> type:
        """The class that ``isinstance`` accepts besides the type: that of `multiprocessing`."""
        return standard.own_counterpart(self._typeid_)

    @__class__.setter
    def __class__(self, cls: type) -> None:
        raise TypeError("the class of a queue cannot be changed")

    @property
    def _reader(self) -> Reader:
        return Reader(self)

    @property
    def _writer(self) -> Writer:
        return Writer(self)

    def __str__(self) -> str:
        return repr(self)

    def __getstate__(self) -> object:
        # The attributes of a class that a program has derived. Attributes of a queue of
        # our own stay in this process, as in the standard library.
        return None if "_typeid_" in vars(type(self)) else self.__dict__

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    def __reduce__(self) -> tuple[Any, ...]:
        return (*reduce_variable(self), self.__getstate__())


@public_in("sharevar")
class Queue(_ProcessQueue[_Item]):
    """`multiprocessing.Queue`: first in, first out, of ``maxsize`` items if that is not 0.

    ``get_many`` and ``put_many`` move many items at once; ``shutdown`` is that of
    `queue.Queue` from Python 3.13 on.
    """

    __slots__ = ()

    _typeid_ = "Queue"
    _exposed_: ClassVar[tuple[str, ...]] = (
        "cancel_join_thread", "close", "empty", "full", "get", "get_nowait",
        "join_thread", "put", "put_nowait", "qsize",
    )  # fmt: skip
    _form_ = "process queue"

    def __init__(
        self, maxsize: int = 0, *, ctx: Any = None, arena: _native.Store | None = None
    ) -> None:
        if maxsize > 0:
            self.set_maxsize(maxsize)

    @property
    def _maxsize(self) -> int:
        if self.maxsize > 0:
            return self.maxsize
        # Imported where it is asked for: some platforms have no semaphores.
        from multiprocessing import synchronize

        limit: int = synchronize.SEM_VALUE_MAX  # type: ignore[attr-defined]
        return limit

    @property
    def _closed(self) -> bool:
        return self.closed

    def join_thread(self) -> None:
        """Nothing, once the queue is closed: all that was put is in the queue."""
        assert self.closed, f"Queue {self!r} not closed"

    def cancel_join_thread(self) -> None:
        """Nothing: no process waits at its end until its items are sent."""

    def _dropped(self, error: Exception, item: object) -> None:
        try:
            raise error
        except Exception:
            self._on_queue_feeder_error(error, item)

    @staticmethod
    def _on_queue_feeder_error(e: Exception, obj: object) -> None:
        """Called with each object that cannot be pickled, and is dropped."""
        traceback.print_exc()


@public_in("sharevar")
class JoinableQueue(Queue[_Item]):
    """`multiprocessing.JoinableQueue`: a queue with ``task_done`` and ``join``."""

    __slots__ = ()

    _typeid_ = "JoinableQueue"
    _exposed_ = (*Queue._exposed_, "join", "task_done")
    _form_ = "joinable process queue"


@public_in("sharevar")
class SimpleQueue(_ProcessQueue[_Item]):
    """`multiprocessing.SimpleQueue`: ``get``, ``put`` and ``empty``."""

    __slots__ = ()

    _typeid_ = "SimpleQueue"
    _exposed_ = ("close", "empty", "get", "put")
    _form_ = "simple queue"

    def __init__(self, *, ctx: Any = None, arena: _native.Store | None = None) -> None:
        pass

