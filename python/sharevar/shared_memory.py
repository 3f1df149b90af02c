"""`multiprocessing.shared_memory` under our name: it is shared memory as it stands."""

from multiprocessing.shared_memory import ShareableList, SharedMemory

from ._public import listing

__all__ = ["ShareableList", "SharedMemory"]

__dir__ = listing(__name__)
