"""The names of `multiprocessing.queues`; what is in the queues is in shared memory."""

from typing import TYPE_CHECKING

from ._public import export, listing

if TYPE_CHECKING:
    from ._variables.queues import Empty as Empty
    from ._variables.queues import Full as Full
    from ._variables.queues import JoinableQueue as JoinableQueue
    from ._variables.queues import Queue as Queue
    from ._variables.queues import SimpleQueue as SimpleQueue
else:
    __getattr__ = export(
        __name__,
        {
            "Empty": "._variables.queues",
            "Full": "._variables.queues",
            "JoinableQueue": "._variables.queues",
            "Queue": "._variables.queues",
            "SimpleQueue": "._variables.queues",
        },
    )

__all__ = ["Empty", "Full", "JoinableQueue", "Queue", "SimpleQueue"]

__dir__ = listing(__name__)
