"""Every error that sharevar raises by itself, in one tree."""

from multiprocessing.managers import RemoteError
from typing import TYPE_CHECKING

from ._edition import IS_NATIVE
from ._public import listing

if TYPE_CHECKING or IS_NATIVE:
    from ._native import (
        AccessRefused,
        BrokenBarrier,
        CallRefused,
        CallTimedOut,
        CapacityTooLarge,
        CapacityTooSmall,
        ClosedError,
        Contended,
        CorruptArena,
        DescriptorLost,
        EngineRefused,
        Fenced,
        ForeignProcess,
        HandleExpired,
        HostDied,
        HostedPanic,
        HostUnreachable,
        InvalidName,
        LayoutMismatch,
        LeaseLost,
        NameBusy,
        NameUnreachable,
        NoEngine,
        NoPlace,
        NoSuchManager,
        NotADump,
        NotAHost,
        NotAnArena,
        NotDumpable,
        NotExposed,
        NotHeld,
        NotKept,
        NotOwner,
        NotRegistered,
        NotReplicated,
        NotShareable,
        NoWitness,
        OutcomeUnknown,
        OutOfSharedMemory,
        OwnerUnknown,
        PickleRefused,
        PlaceUnsafe,
        PlaintextRefused,
        QueueShutDown,
        ReadOnly,
        SharevarError,
        TooManyParticipants,
        TooManyReleases,
        TransactionTooLarge,
        Unavailable,
        Unsupported,
        WriterDied,
        WrongKind,
    )
else:
    from ._plain_errors import *  # noqa: F403

__all__ = [
    "AccessRefused",
    "ArenaGone",
    "BrokenBarrier",
    "CallRefused",
    "CallTimedOut",
    "CapacityTooLarge",
    "CapacityTooSmall",
    "ClosedError",
    "Contended",
    "CorruptArena",
    "DescriptorLost",
    "ElsewhereWarning",
    "EngineRefused",
    "Fenced",
    "ForeignProcess",
    "HandleExpired",
    "HostDied",
    "HostUnreachable",
    "HostedPanic",
    "InvalidName",
    "LayoutMismatch",
    "LeaseLost",
    "NameBusy",
    "NameUnreachable",
    "NoEngine",
    "NoPlace",
    "NoSuchManager",
    "NoWitness",
    "NotADump",
    "NotAHost",
    "NotAnArena",
    "NotCreated",
    "NotDumpable",
    "NotExposed",
    "NotHeld",
    "NotKept",
    "NotOwner",
    "NotRegistered",
    "NotReplicated",
    "NotSaved",
    "NotShareable",
    "OutOfSharedMemory",
    "OutcomeUnknown",
    "OwnerUnknown",
    "PickleRefused",
    "PlaceUnsafe",
    "PlaintextRefused",
    "PlaintextWarning",
    "QueueShutDown",
    "ReadOnly",
    "SeparateFamilyWarning",
    "SharevarError",
    "TooManyParticipants",
    "TooManyReleases",
    "TransactionTooLarge",
    "Unavailable",
    "Unsupported",
    "WriterDied",
    "WrongKind",
]

__dir__ = listing(__name__)


class ArenaGone(SharevarError):
    """The memory (or file) of a reference cannot be reached from this process."""

    is_removed = False
    """Whether it is gone for all processes, but for those that have it still."""


class ElsewhereWarning(UserWarning):
    """There is no shared memory here; a server process keeps the variables."""


class PlaintextWarning(UserWarning):
    """A manager of a program that does not know of sharevar leaves the machine readable."""


class SeparateFamilyWarning(UserWarning):
    """A shared variable was made in one of several processes that do not share it."""


class NotCreated(SharevarError, RemoteError, TypeError, ValueError):
    """A manager can make no variable of these arguments.

    It is the error of ``list(...)`` or ``dict(...)`` itself, and the one that programs
    written for a server process expect instead.
    """

    # That of a `RemoteError` is for tracebacks.
    __str__ = Exception.__str__


class NotSaved(SharevarError):
    """A call of a hosted object was made, but what the object is now cannot be saved.

    If its host dies, it comes back as it was last saved. The message has the failure.
    """

    happened = True
