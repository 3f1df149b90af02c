"""The names of `multiprocessing.queues`; what is in the queues is in shared memory."""

from ._public import listing
from ._variables.queues import Empty, Full, JoinableQueue, Queue, SimpleQueue

__all__ = ["Empty", "Full", "JoinableQueue", "Queue", "SimpleQueue"]

__dir__ = listing(__name__)
