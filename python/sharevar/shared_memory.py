"""`multiprocessing.shared_memory` under our name: it is shared memory as it stands."""

from multiprocessing.shared_memory import ShareableList, SharedMemory

__all__ = ["ShareableList", "SharedMemory"]
