"""Every error that sharevar raises by itself, in one tree."""

from ._native import (
    BrokenBarrier,
    CapacityTooSmall,
    ClosedError,
    CorruptArena,
    DescriptorLost,
    ForeignProcess,
    HandleExpired,
    LayoutMismatch,
    NotAnArena,
    NotHeld,
    NotOwner,
    NotShareable,
    OutOfSharedMemory,
    QueueShutDown,
    SharevarError,
    TooManyParticipants,
    TooManyReleases,
    TransactionTooLarge,
    WrongKind,
)

__all__ = [
    "ArenaGone",
    "BrokenBarrier",
    "CapacityTooSmall",
    "ClosedError",
    "CorruptArena",
    "DescriptorLost",
    "ForeignProcess",
    "HandleExpired",
    "LayoutMismatch",
    "NotAnArena",
    "NotHeld",
    "NotOwner",
    "NotShareable",
    "OutOfSharedMemory",
    "QueueShutDown",
    "SharevarError",
    "TooManyParticipants",
    "TooManyReleases",
    "TransactionTooLarge",
    "WrongKind",
]


class ArenaGone(SharevarError):
    """No road leads from here to the memory (or file) that a reference names."""
