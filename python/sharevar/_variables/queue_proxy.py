"""The queues of a manager: `queue.Queue`, shared."""

from __future__ import annotations

from typing import Any, ClassVar, TypeVar

from .. import _native
from .._family import family
from .._public import public_in
from .proxy import Proxy
from .queue_ends import Reader, Writer

_Item = TypeVar("_Item")


@public_in("sharevar")
class QueueProxy(Proxy, _native.Queue[_Item]):
    """A queue in shared memory, with the methods of `queue.Queue`."""

    __slots__ = ()

    _typeid_ = "Queue"
    _exposed_ = (
        "empty", "full", "get", "get_nowait", "join", "put", "put_nowait", "qsize",
        "shutdown", "task_done",
    )  # fmt: skip
    _form_: ClassVar[str] = "queue"

    def __new__(cls, maxsize: int = 0, arena: _native.Store | None = None) -> QueueProxy[Any]:
        home = family.home(arena)
        queue: Any = super().__new__(cls, home, maxsize, cls._form_)
        return queue  # type: ignore[no-any-return]

    @property
    def _reader(self) -> Reader:
        return Reader(self)

    @property
    def _writer(self) -> Writer:
        return Writer(self)

    def _shown(self) -> str:
        return f"<{self._typeid_} of {self.qsize()} items>"


@public_in("sharevar")
class JoinableQueueProxy(QueueProxy[_Item]):
    """The same: a manager's `Queue` can be joined, too."""

    __slots__ = ()

    _typeid_ = "JoinableQueue"
    _form_ = "joinable queue"
