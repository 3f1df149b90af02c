"""The names of `multiprocessing.queues`; what is in the queues is in shared memory."""

from ._variables.queues import Empty, Full, JoinableQueue, Queue, SimpleQueue

__all__ = ["Empty", "Full", "JoinableQueue", "Queue", "SimpleQueue"]
