"""Servers for tests: leases that end, clients that die, and requests that are lost."""

from __future__ import annotations

import doctest
import threading
from typing import Any

import pytest

import sharevar
from sharevar.testing import FakeServer, Fault


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


def test_the_examples_are_true() -> None:
    runner = doctest.DocTestRunner(optionflags=doctest.IGNORE_EXCEPTION_DETAIL)
    names = {"FakeServer": FakeServer}
    for example in doctest.DocTestFinder().find(FakeServer, module=False, globs=names):
        runner.run(example)
    assert runner.tries > 5 and runner.failures == 0


def test_a_paused_holder_learns_that_it_has_lost_its_lock(server: FakeServer) -> None:
    paused, other = server.client(), server.client()
    lock, same = paused.manager.Lock(name="lock"), other.manager.Lock(name="lock")
    stock = paused.manager.dict(name="stock")
    lock.acquire()
    fenced = lock.fence(stock)
    fenced["apples"] = 1
    first = lock.token
    paused.expire()
    assert same.acquire(timeout=60) and (same.token or 0) > (first or 0) > 0
    assert lock.lost
    with pytest.raises(sharevar.Fenced):
        fenced["apples"] = 2
    with pytest.raises(sharevar.LeaseLost):
        lock.release()
    assert other.manager.dict(name="stock").copy() == {"apples": 1}
    same.release()


def test_a_dead_client_is_seen_after_its_lease_and_wakes_those_that_wait(
    server: FakeServer,
) -> None:
    dying, other = server.client(), server.client()
    mine, units = (client.manager.Semaphore(1, name="units") for client in (dying, other))
    assert mine.acquire()
    taken: list[bool] = []
    waiter = threading.Thread(target=lambda: taken.append(units.acquire(timeout=60)))
    waiter.start()
    dying.kill()
    with pytest.raises(sharevar.ClosedError):
        mine.get_value()
    server.advance(FakeServer.LEASE / 2)
    assert not units.acquire(blocking=False)
    server.advance(FakeServer.LEASE / 2)
    waiter.join()
    assert taken == [True]


@pytest.mark.parametrize(
    ("fault", "error", "happened", "left"),
    [
        (Fault.UNREACHABLE, sharevar.Unavailable, False, 1),
        (Fault.REQUEST_LOST, sharevar.OutcomeUnknown, None, 1),
        (Fault.REPLY_LOST, sharevar.OutcomeUnknown, None, 2),
        (Fault.REPLY_LOST_ONCE, None, True, 2),
    ],
)
def test_an_error_says_whether_it_has_happened(
    server: FakeServer, fault: Fault, error: Any, happened: bool | None, left: int
) -> None:
    client = server.client()
    counts = client.manager.dict(n=1)
    before = client.requests
    client.fail_after(1, fault)
    assert counts["n"] == 1
    if error is None:
        assert counts.incr("n") == 2
    else:
        with pytest.raises(error) as raised:
            counts.incr("n")
        assert raised.value.happened is happened and isinstance(raised.value, ConnectionError)
    assert counts["n"] == left and client.requests == before + 3
    client.fail(fault)
    if error is not None:
        with pytest.raises(error):
            len(counts)
    client.recover()
    assert len(counts) == 1


def test_the_address_leads_to_it_in_this_process(server: FakeServer) -> None:
    client = server.client()
    client.manager.Value("i", 7, name="x")
    with sharevar.Manager(server.address) as manager:
        assert manager["x"].value == 7 and manager.address == server.address
    assert client.manager["x"].value == 7, "one that leaves closes nothing for the others"
    with pytest.raises(sharevar.Unavailable, match="no server of a test"):
        sharevar.Manager(f"memory:{0:032x}")


def test_arguments_that_are_no_time_or_fault_are_refused(server: FakeServer) -> None:
    with pytest.raises(ValueError, match="not by -1"):
        server.advance(-1)
    with pytest.raises(ValueError, match="is no fault"):
        server.client()._client.fail("sunspots")
