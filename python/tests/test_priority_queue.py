"""The priority queue: as `queue.PriorityQueue`, for several processes."""

from __future__ import annotations

import datetime
import decimal
import multiprocessing
import os
import pickle
import queue
import random
import select
import signal
import threading
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from support.waiting import all_sleep, eventually, sleeps

import sharevar
from sharevar import PriorityQueue

pytestmark = pytest.mark.every_engine

fork = multiprocessing.get_context("fork")


@pytest.fixture(autouse=True)
def arena_in_order() -> Iterator[None]:
    """The family's arena has no contradiction in it when a test is over."""
    yield
    arena = sharevar._family.family.arena()
    arena.sweep()
    assert arena.check() == []


def drain(shared: Any) -> list[Any]:
    return [shared.get_nowait() for _ in range(shared.qsize())]


def number(draw: random.Random) -> Any:
    return draw.choice(
        [
            draw.randint(-3, 3),
            draw.uniform(-3, 3),
            draw.choice([True, False, 0.0, -0.0, float("inf")]),
            draw.randint(-(2**70), 2**70),
        ]
    )


def text(draw: random.Random) -> str:
    return "".join(draw.choices("ab\0\x01é😀", k=draw.randint(0, 12)))


MAKERS: dict[str, Callable[[random.Random], Any]] = {
    "numbers": number,
    "strs": text,
    "bytes": lambda draw: draw.randbytes(draw.randint(0, 12)),
    "tuples": lambda draw: (number(draw), text(draw), draw.randint(0, 3)),
    "lists": lambda draw: [draw.randint(0, 2) for _ in range(draw.randint(0, 4))],
    "nested": lambda draw: ((draw.randint(0, 2), [text(draw)]), None, number(draw)),
    "dates": lambda draw: datetime.date.fromordinal(draw.randint(1, 10**6)),
    "times": lambda draw: datetime.datetime.fromtimestamp(
        draw.randint(0, 10**9), datetime.timezone.utc
    ),
    "durations": lambda draw: datetime.timedelta(seconds=draw.randint(-(10**9), 10**9)),
    "decimals": lambda draw: (decimal.Decimal(draw.randint(-999, 999)) / 8, "x"),
    "uuids": lambda draw: uuid.UUID(int=draw.getrandbits(128)),
}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_items_come_as_from_the_standard_librarys(make: Callable[..., Any], maker: Any) -> None:
    draw = random.Random(make.__name__)
    shared: PriorityQueue[Any] = maker.PriorityQueue()
    plain: queue.PriorityQueue[Any] = queue.PriorityQueue()
    for _ in range(600):
        if plain.qsize() and draw.random() < 0.4:
            assert shared.peek() == plain.queue[0]
            assert shared.get() == plain.get()
        else:
            item = make(draw)
            shared.put(item)
            plain.put(item)
        assert shared.qsize() == plain.qsize()
    assert drain(shared) == [plain.get() for _ in range(plain.qsize())]


def test_equal_items_come_in_the_order_in_which_they_were_put(maker: Any) -> None:
    shared = maker.PriorityQueue()
    for arrival in range(100):
        shared.put((arrival % 3, {"arrival": arrival}))
    got = drain(shared)
    assert got == sorted(got, key=lambda item: (item[0], item[1]["arrival"]))


class Job:
    """Something that has no order."""

    def __init__(self, name: str) -> None:
        self.name = name


def test_a_payload_without_an_order_has_no_part_in_it(maker: Any) -> None:
    shared = maker.PriorityQueue()
    inner = maker.Queue()
    for item in [(2, Job("late")), (1, None), (1, {}), (1, Job("second")), (1, inner)]:
        shared.put(item)
    shared.put((0, {7}))
    got = drain(shared)
    assert [item[0] for item in got] == [0, 1, 1, 1, 1, 2]
    assert got[1][1] == {} and got[2][1].name == "second"
    assert type(got[3][1]) is type(inner) and got[4][1] is None


@pytest.mark.parametrize(
    ("item", "name"),
    [
        ({"priority": 1}, "dict"),
        (None, "None"),
        ({1}, "set"),
        (float("nan"), "NaN"),
        (Job("alone"), "object"),
        ((Job("first"), 1), "object"),
        ("caf\udce9", "object that only Python compares .* lone surrogate"),
        ([{}, 1], "dict"),
    ],
    ids=repr,
)
def test_an_item_without_an_order_is_refused(item: Any, name: str, maker: Any) -> None:
    shared = maker.PriorityQueue()
    with pytest.raises(TypeError, match=rf"^{name}.* has no order.*\(priority, item\)"):
        shared.put(item)
    with pytest.raises(TypeError, match="has no order"):
        shared.put_many([1, item])
    assert shared.empty()


def test_values_of_different_types_are_ordered_by_type(maker: Any) -> None:
    items = [(None, 1), (1, 5), ("a", 0), (b"a", 0), ((), 0), ([], 0), (datetime.date.max, 0)]
    shared = maker.PriorityQueue()
    shared.put_many(reversed(items))
    assert drain(shared) == items


def test_the_methods_are_those_of_the_standard_library() -> None:
    public = {name for name in dir(queue.PriorityQueue) if not name.startswith("_")}
    assert public <= set(dir(PriorityQueue))
    shared: PriorityQueue[int] = PriorityQueue(2)
    assert shared.empty() and not shared.full() and shared.maxsize == 2
    for fail in (shared.get_nowait, shared.peek, lambda: shared.get(timeout=0.01)):
        with pytest.raises(queue.Empty):
            fail()
    shared.put(2)
    shared.put_nowait(item=1)
    assert shared.full() and shared.qsize() == 2
    for put in (shared.put_nowait, lambda item: shared.put(item, timeout=0.01)):
        with pytest.raises(queue.Full):
            put(0)
    with pytest.raises(ValueError, match="non-negative"):
        shared.get(timeout=-1)
    assert shared.get_many(5) == [1, 2]
    shared.task_done()
    waiter = threading.Thread(target=shared.join)
    waiter.start()
    eventually(lambda: sleeps(os.getpid(), waiter.native_id))
    shared.task_done()
    waiter.join(30)
    assert not waiter.is_alive()
    with pytest.raises(ValueError, match="too many times"):
        shared.task_done()
    shared.put(1)
    shared.shutdown()
    assert shared.get() == 1
    for call in (shared.get, lambda: shared.put(1)):
        with pytest.raises(sharevar.errors.QueueShutDown):
            call()
    assert str(shared) == "<PriorityQueue of 0 items>"


def test_many_at_once(maker: Any) -> None:
    items = [number * 7919 % 10_007 for number in range(10_000)]
    shared: PriorityQueue[int] = maker.PriorityQueue()
    shared.put_many(items)
    got: list[int] = []
    while len(got) < len(items):
        got += shared.get_many(3000)
    assert got == sorted(items)


def test_the_descriptor_tells_of_items() -> None:
    shared = PriorityQueue()
    poll = select.poll()
    poll.register(shared.fileno(), select.POLLIN)
    assert poll.poll(0) == []
    shared.put((1, "one"))
    assert poll.poll(0)
    shared.get()
    assert poll.poll(0) == []


def work(jobs: Any, done: Any) -> None:
    while True:
        priority, name = jobs.get()
        done.append((priority, name))
        jobs.task_done()
        if name == "end":
            return


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_processes_share_one(method: str) -> None:
    context = multiprocessing.get_context(method)
    jobs: PriorityQueue[tuple[float, str]] = PriorityQueue()
    done = sharevar.Manager().list()
    jobs.put((float("inf"), "end"))
    for priority in (3, 1.5, 2):
        jobs.put((priority, f"job {priority}"))
    worker = context.Process(target=work, args=(jobs, done))
    worker.start()
    jobs.join()
    worker.join()
    assert list(done) == [
        (1.5, "job 1.5"), (2, "job 2"), (3, "job 3"), (float("inf"), "end"),
    ]  # fmt: skip


def test_a_waiter_that_is_killed_takes_nothing_with_it() -> None:
    jobs: PriorityQueue[int] = PriorityQueue()
    waiters = [fork.Process(target=jobs.get) for _ in range(2)]
    for waiter in waiters:
        waiter.start()
    eventually(lambda: all_sleep(waiters))
    waiters[0].kill()
    waiters[0].join()
    assert waiters[0].exitcode == -signal.SIGKILL
    jobs.put(1)
    waiters[1].join(30)
    assert waiters[1].exitcode == 0 and jobs.empty()


def test_those_who_are_killed_leave_a_heap_in_order() -> None:
    jobs: PriorityQueue[int] = PriorityQueue()

    def churn(seed: int) -> None:
        draw = random.Random(seed)
        while True:
            jobs.put(draw.randint(0, 10**6))
            if jobs.qsize() > 200:
                jobs.get()

    for seed in range(10):
        victim = fork.Process(target=churn, args=(seed,))
        victim.start()
        eventually(lambda: jobs.qsize() > 100)
        victim.kill()
        victim.join()
        arena = sharevar._family.family.arena()
        arena.sweep()
        assert arena.check() == []
    got = drain(jobs)
    assert got == sorted(got) and len(got) > 100


def test_threads_share_one(maker: Any) -> None:
    jobs: PriorityQueue[tuple[int, int]] = maker.PriorityQueue(10)
    got: list[list[tuple[int, int]]] = [[], []]

    def produce(first: int) -> None:
        for number in range(first, 2000, 2):
            jobs.put((number % 5, number))

    def consume(mine: list[tuple[int, int]]) -> None:
        for _ in range(1000):
            mine.append(jobs.get(timeout=50))

    threads = [threading.Thread(target=produce, args=(first,)) for first in range(2)]
    threads += [threading.Thread(target=consume, args=(mine,)) for mine in got]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(item for _, item in got[0] + got[1]) == list(range(2000))


def test_one_in_other_variables_and_in_pickles_is_the_same() -> None:
    manager = sharevar.Manager()
    jobs = manager.PriorityQueue(5)
    assert type(jobs) is PriorityQueue and jobs.maxsize == 5
    jobs.put((1, "one"))
    box = manager.dict(jobs=jobs, nested=[jobs])
    same = pickle.loads(pickle.dumps(jobs))
    for other in (box["jobs"], box["nested"][0], same):
        assert type(other) is PriorityQueue and other.peek() == (1, "one")
    assert same.get() == (1, "one") and jobs.empty()


def test_a_global_is_made_by_the_standard_librarys_class() -> None:
    jobs = sharevar.shared("jobs by priority", queue.PriorityQueue)
    assert type(jobs) is PriorityQueue
    jobs.put((1, "one"))
    same = sharevar.shared("jobs by priority", PriorityQueue)
    assert same.get() == (1, "one")
    with pytest.raises(TypeError, match=r"of its own.*sharevar\.PriorityQueue"):
        sharevar.shared("another", lambda: queue.PriorityQueue())
