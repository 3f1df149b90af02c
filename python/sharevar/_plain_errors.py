"""The errors of the extension module, where there is none. `test_elsewhere` compares them."""

from __future__ import annotations

import sys
import threading
from multiprocessing import AuthenticationError
from multiprocessing import TimeoutError as MultiprocessingTimeoutError
from multiprocessing.managers import RemoteError  # type: ignore[attr-defined]
from pickle import PicklingError


class SharevarError(Exception):
    """The root of every error that sharevar raises by itself."""

    happened: bool | None = None


class OutOfSharedMemory(SharevarError, MemoryError):
    """The arena has no room; the variable is as it was before the call."""


class HandleExpired(SharevarError, RemoteError):
    """The variable or object was freed: it had no references when this one arrived."""


class ClosedError(SharevarError, BrokenPipeError, EOFError):
    """The arena was closed for all processes (its manager was shut down)."""


class NotAnArena(SharevarError):
    """The descriptor leads to something else than an arena."""


class LayoutMismatch(SharevarError):
    """The arena was made by a version of sharevar with another layout."""


class CorruptArena(SharevarError):
    """The arena's bytes contradict themselves."""


class TransactionTooLarge(SharevarError):
    """One operation would change more than a journal holds; nothing was changed."""


class TooManyParticipants(SharevarError):
    """Every participant slot of the arena is taken by a live process."""


class CapacityTooSmall(SharevarError, ValueError):
    """An arena cannot be made with so little memory."""


class CapacityTooLarge(SharevarError, ValueError):
    """No arena can have so much memory."""


class ForeignProcess(SharevarError):
    """The object belongs to the process that this one was forked from."""


class DescriptorLost(SharevarError):
    """This process has closed its descriptor of the arena."""


class InvalidName(SharevarError, ValueError):
    """The text cannot be the name of a manager."""


class NoSuchManager(SharevarError, LookupError):
    """No process of this user has a manager of that name, and none is kept."""


class NoPlace(SharevarError):
    """There is no directory for the names of managers, and none can be made."""


class PlaceUnsafe(SharevarError):
    """Another user may have made or may change what is at a path of sharevar's."""


class NameBusy(SharevarError, TimeoutError):
    """Other processes were opening or removing the manager for ten seconds."""


class NameUnreachable(SharevarError):
    """The manager is in use, or kept, in memory that this process cannot reach."""


class NotKept(SharevarError):
    """The manager there is while_used, or none can be kept (kernel.shm_rmid_forced)."""


class NoWitness(SharevarError):
    """Other processes could not tell this one alive from dead, so it cannot take part."""


class OwnerUnknown(SharevarError):
    """Nothing can be known of the process that holds what was waited for."""


class Unsupported(SharevarError, NotImplementedError):
    """The engine that keeps the variable cannot do that; the message says which can."""


class NoEngine(SharevarError, ValueError):
    """No engine is known that the address could lead to."""


class Unavailable(SharevarError, ConnectionError):
    """The engine's server cannot be reached; nothing has changed."""


class EngineRefused(SharevarError, PermissionError):
    """The engine's server must not be used, or does not allow it; nothing has changed."""


class OutcomeUnknown(SharevarError, ConnectionError):
    """The engine's server gave no answer; the operation has taken effect or not."""


class NotReplicated(SharevarError):
    """The server has done it, and replicas that may take its place have not confirmed it."""


class LeaseLost(SharevarError):
    """The server has not heard of this process for too long: its locks are others' now."""


class Fenced(SharevarError):
    """The lock that the operation is fenced by has another holder; nothing has changed."""


class NotShareable(SharevarError, TypeError, PicklingError):
    """The value is of no native type and cannot be pickled; nothing was stored."""


class PickleRefused(SharevarError, TypeError):
    """A pickle in a named manager: its creator and each user of pickles say pickle=True."""


class ReadOnly(SharevarError, TypeError):
    """The manager was opened for reading only; nothing was changed."""


class Contended(SharevarError, TimeoutError):
    """The variable was changed whenever it was read without its lock."""


class WriterDied(SharevarError):
    """A process died while it changed the variable, which this one may only read."""


class NotADump(SharevarError, ValueError):
    """The file is no dump of a manager, or a damaged one."""


class NotDumpable(SharevarError):
    """The manager has something that cannot be in a dump."""


class WrongKind(SharevarError, TypeError):
    """The name or handle belongs to a variable of another kind."""


class NotHeld(SharevarError, ValueError, RuntimeError):
    """A lock that is not held was released."""


class NotOwner(SharevarError, AssertionError, RuntimeError):
    """A recursive lock or a condition was used by a thread that does not hold the lock."""


class BrokenBarrier(SharevarError, threading.BrokenBarrierError):
    """The barrier is broken: by abort, reset, a time-out, a failed action or a death."""


if sys.version_info >= (3, 13):
    from queue import ShutDown

    class QueueShutDown(SharevarError, ShutDown):
        """The queue was shut down: nothing can be put, and nothing is left to get."""

else:

    class QueueShutDown(SharevarError):
        """The queue was shut down: nothing can be put, and nothing is left to get."""


class TooManyReleases(SharevarError, ValueError):
    """A semaphore was released more often than acquired; nothing was changed."""


class HostDied(SharevarError, EOFError, BrokenPipeError, ConnectionResetError):
    """The host is gone; `started` says whether it may have begun the call."""

    started: bool = False


class HostUnreachable(HostDied, ConnectionRefusedError, FileNotFoundError):
    """No host can be reached there, so that no call has begun."""


class AccessRefused(SharevarError, AuthenticationError):
    """One side of a connection does not know the key, or may not come in."""


class PlaintextRefused(SharevarError, ValueError):
    """The connection would leave the machine in plain text, or without a key."""


class NotAHost(SharevarError, ConnectionError):
    """The server at the address is no host of sharevar."""


class CallTimedOut(SharevarError, TimeoutError, MultiprocessingTimeoutError):
    """The call had not ended in time; it was cancelled."""


class CallRefused(SharevarError, RemoteError):
    """The host could not read the call's arguments, or could not send its result."""


class NotExposed(SharevarError, RemoteError, AttributeError):
    """The name is none of those that can be called of the hosted object."""


class NotRegistered(SharevarError, RemoteError, RuntimeError):
    """The host knows no such type: it was registered too late, or not at all."""


class HostedPanic(SharevarError, RemoteError):
    """A method of a Rust object panicked; the host lives on."""
