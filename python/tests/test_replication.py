"""Changes that replicas confirm, and the failover of a service that sentinels watch."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from support import engine_servers
from support.waiting import eventually

import sharevar

pytestmark = [
    pytest.mark.redis,
    pytest.mark.skipif(
        not engine_servers.PROGRAMS, reason="there is no valkey-server or redis-server here"
    ),
]

ENGINE = next(iter(engine_servers.PROGRAMS), "")


@pytest.fixture
def group() -> Iterator[list[engine_servers.Server]]:
    """A primary and its replica."""
    nodes = [engine_servers.Server(ENGINE) for _ in range(2)]
    try:
        nodes[1].follow(nodes[0])
        yield nodes
    finally:
        for node in nodes:
            node.stop()


@pytest.fixture
def service() -> Iterator[engine_servers.Service]:
    service = engine_servers.Service(ENGINE)
    try:
        yield service
    finally:
        service.stop()


def test_a_change_says_whether_a_replica_has_it(group: Any) -> None:
    address = group[0].address("shop", "&replicas=1&timeout=3")
    with (
        sharevar.Manager(address, durability="replicated") as all_have_it,
        sharevar.Manager(address) as shop,
    ):
        stock, jobs = all_have_it.dict(name="stock"), all_have_it.Queue(name="jobs")
        lock = shop.Lock(name="lock")
        jobs.put("clean")
        with lock:
            stock["apples"] = 1
        with group[1].paused():
            with pytest.raises(sharevar.NotReplicated, match="0 of 1 replicas") as told:
                stock["apples"] = 2
            assert told.value.happened is True and stock["apples"] == 2
            with pytest.raises(sharevar.NotReplicated, match="it was undone") as told:
                jobs.get()
            assert told.value.happened is False and jobs.qsize() == 1
            # Without being told so, locks alone wait.
            shop.dict(name="stock")["pears"] = 3
            with pytest.raises(sharevar.NotReplicated) as told:
                lock.acquire()
            assert told.value.happened is False and not lock.locked()
        assert jobs.get() == "clean" and lock.acquire()
        lock.release()


def test_a_level_that_is_not_to_be_had_is_refused() -> None:
    with engine_servers.own_server() as server:
        address = server.address("shop")
        with pytest.raises(sharevar.EngineRefused, match=r"replicas=2.*redis\+sentinel"):
            sharevar.Manager(address, durability="replicated")
        with pytest.raises(sharevar.EngineRefused, match="appendonly"):
            sharevar.Manager(address, durability="disk")
        with pytest.raises(sharevar.EngineRefused, match="fast, replicated or disk"):
            sharevar.Manager(address, durability="slow")  # type: ignore[call-overload]
    with pytest.raises(sharevar.Unsupported, match=r"redis\+sentinel://"):
        sharevar.Manager("memory:", durability="replicated")
    with pytest.raises(TypeError, match="shared memory has no durability"):
        sharevar.Manager(name="shop", durability="disk")  # type: ignore[call-overload]


def work(jobs: Any, done: Any) -> None:
    while (job := jobs.get()) is not None:
        done[job] = done.get(job, 0) + 1


@pytest.mark.skipif(
    not engine_servers.ARE_ALL_TESTED, reason="it is long, and one of `make test-redis`"
)
def test_a_program_goes_on_behind_a_failover(service: Any) -> None:
    shop = sharevar.Manager(service.address("&timeout=30"), durability="replicated")
    with shop:
        jobs, done = shop.Queue(name="jobs"), shop.dict(name="done")
        worker = multiprocessing.Process(target=work, args=(jobs, done))
        worker.start()
        acknowledged = []
        is_over = threading.Event()

        def put() -> None:
            while not is_over.is_set():
                jobs.put(len(acknowledged))
                acknowledged.append(len(acknowledged))

        writer = threading.Thread(target=put)
        writer.start()
        eventually(lambda: len(done) > 5)
        service.nodes[0].stop()
        primary = service.await_failover()
        # The others are there again; without them nothing is acknowledged.
        service.nodes[0].start()
        for node in service.nodes:
            if node is not primary:
                node.follow(primary)
        at_failover = len(acknowledged)
        eventually(lambda: len(acknowledged) > at_failover + 5)
        is_over.set()
        writer.join()
        jobs.put(None)
        worker.join()
        assert worker.exitcode == 0
        assert done.copy() == dict.fromkeys(acknowledged, 1)
