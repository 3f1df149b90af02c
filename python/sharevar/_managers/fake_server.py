"""A server inside of the test, for programs whose variables another engine is to keep."""

from __future__ import annotations

from enum import Enum
from typing import ClassVar

from .. import _native
from .._public import public_in
from .connected_manager import ConnectedManager


@public_in("sharevar.testing")
class Fault(Enum):
    """What befalls a request to a `FakeServer`.

    - ``UNREACHABLE``: the server cannot be reached. `Unavailable`; nothing has happened.
    - ``REQUEST_LOST``: the request is lost after it was sent. Nothing has happened, which the
      program cannot know: `OutcomeUnknown`.
    - ``REPLY_LOST``: the request takes effect, and its reply is lost: `OutcomeUnknown`.
    - ``REPLY_LOST_ONCE``: the reply is lost once. The request is sent again under its number
      and takes effect once; the program sees nothing of it.
    """

    UNREACHABLE = "unreachable"
    REQUEST_LOST = "request lost"
    REPLY_LOST = "reply lost"
    REPLY_LOST_ONCE = "reply lost once"


@public_in("sharevar.testing")
class FakeServer:
    """A server of variables in this process, for tests of programs that use a real one.

    Each of its clients is what a process is to a real server. Its time passes when the test
    says so, and faults belong to a client:

    >>> server = FakeServer()
    >>> paused, other = server.client(), server.client()
    >>> lock, same = paused.manager.Lock(name="door"), other.manager.Lock(name="door")
    >>> lock.acquire()
    True
    >>> stock = lock.fence(paused.manager.dict(name="stock"))
    >>> paused.expire()                     # paused for longer than its lease
    >>> same.acquire(blocking=False)
    True
    >>> lock.lost
    True
    >>> stock["apples"] = 3                 # a write that comes too late
    Traceback (most recent call last):
    sharevar.errors.Fenced: ...

    A program that connects by an address of its settings is given `address`. It leads to the
    server in this process alone.
    """

    LEASE: ClassVar[float] = _native.FakeServer.LEASE
    """Seconds for which a client that is not heard of keeps its locks."""

    def __init__(self) -> None:
        self._server = _native.FakeServer()

    @property
    def address(self) -> str:
        """The address by which this process connects to it: ``Manager(server.address)``."""
        return self._server.address

    def client(self) -> FakeClient:
        """Another client, as another process would be."""
        return FakeClient(self._server.client())

    def advance(self, seconds: float) -> None:
        """Let time pass. The leases end of those clients that have not been heard of for
        `LEASE`: they were killed, or their requests do not arrive. All others renew theirs."""
        self._server.advance(seconds)


@public_in("sharevar.testing")
class FakeClient:
    """A client of a `FakeServer`: what a process is to a real one.

    Every operation is one request, and each attempt of one that waits.
    """

    def __init__(self, client: _native.FakeClient) -> None:
        self._client = client
        # Its own: managers of one address share their client in a process.
        self._manager = ConnectedManager(client.store())

    @property
    def manager(self) -> ConnectedManager:
        """Its variables."""
        return self._manager

    @property
    def requests(self) -> int:
        """How many requests it has made, those that failed among them."""
        return self._client.requests

    def fail(self, fault: Fault) -> None:
        """Let all requests fail like that, until it recovers."""
        self._client.fail(fault.value)

    def fail_after(self, requests: int, fault: Fault) -> None:
        """Let the one request fail like that which comes after so many others. The last one
        that is planned counts."""
        self._client.fail_after(requests, fault.value)

    def recover(self) -> None:
        """Let requests be answered from now on."""
        self._client.recover()

    def expire(self) -> None:
        """End its lease, as if it had been paused for that long. It goes on without knowing:
        its locks and units are others' to take, a barrier at which it waits is broken, and
        variables are gone that have no name and that it alone had."""
        self._client.expire()

    def kill(self) -> None:
        """End it as a death does. All of its operations raise `ClosedError`, and what it held
        is free when its lease is over (`FakeServer.advance`)."""
        self._client.kill()
