"""Queues: what the standard library's do, and producers and consumers that are killed."""

from __future__ import annotations

import copy
import multiprocessing
import multiprocessing.queues
import os
import pickle
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing.context import BaseContext
from typing import Any

import pytest
from support.waiting import all_sleep, eventually, sleeps

import sharevar
from sharevar import queues

pytestmark = pytest.mark.every_engine

fork = multiprocessing.get_context("fork")

TOP_LEVEL = (sharevar.Queue, sharevar.JoinableQueue)
MANAGED = (sharevar.QueueProxy, sharevar.JoinableQueueProxy)
ALL = (*TOP_LEVEL, *MANAGED)


def queue_in_memory(maxsize: int = 0) -> Any:
    return sharevar.Manager("memory:").JoinableQueue(maxsize)


# In every engine, for what one process does alone.
EVERYWHERE = (*ALL, queue_in_memory)


@pytest.fixture(autouse=True)
def arena_in_order() -> Iterator[None]:
    """The family's arena has no contradiction in it when a test is over."""
    yield
    arena = sharevar._family.family.arena()
    arena.sweep()
    assert arena.check() == []


class Unpicklable:
    def __reduce__(self) -> Any:
        raise AttributeError("on purpose")


def refuse() -> None:
    raise ArithmeticError("not here")


class UnpicklableHere:
    """Can be pickled, and raises when it is read."""

    def __reduce__(self) -> Any:
        return refuse, ()


@pytest.mark.parametrize("make", EVERYWHERE)
def test_first_in_first_out_of_all_types(make: Callable[[], Any]) -> None:
    fifo = make()
    items = [1, None, 2.5, "short", "long" * 50, b"bytes" * 30, (1, [2, {"three": {4}}]), 2**80]
    for item in items * 200:
        fifo.put(item)
    assert fifo.qsize() == len(items) * 200
    for item in items * 200:
        assert fifo.get() == item
    assert fifo.empty()


@pytest.mark.parametrize("make", EVERYWHERE)
def test_full_empty_and_the_ways_not_to_wait(make: Callable[..., Any]) -> None:
    fifo = make(2)
    assert fifo.empty() and not fifo.full() and fifo.qsize() == 0
    fifo.put(1, True, None)
    fifo.put("text" * 40, timeout=1)
    assert fifo.full() and not fifo.empty() and fifo.qsize() == 2
    for put in (
        lambda: fifo.put(3, False),
        lambda: fifo.put(3, block=0),
        lambda: fifo.put("text" * 40, False, 5),
        lambda: fifo.put_nowait(3),
        lambda: fifo.put(3, timeout=0.01),
    ):
        with pytest.raises(queue.Full) as full:
            put()
        assert type(full.value) is queue.Full and full.value.args == ()
    assert fifo.get(True, 5) == 1
    assert fifo.get_nowait() == "text" * 40
    for get in (
        lambda: fifo.get(False),
        lambda: fifo.get(block=0),
        lambda: fifo.get(timeout=0.01),
        fifo.get_nowait,
    ):
        with pytest.raises(queue.Empty) as empty:
            get()
        assert type(empty.value) is queue.Empty and empty.value.args == ()


@pytest.mark.parametrize("maxsize", [0, -1])
@pytest.mark.parametrize("make", EVERYWHERE)
def test_no_limit(make: Callable[..., Any], maxsize: int) -> None:
    fifo = make(maxsize)
    fifo.put_many(range(10_000))
    fifo.put_nowait(10_000)
    assert not fifo.full() and fifo.qsize() == 10_001


def test_negative_times_are_as_in_each_standard_class() -> None:
    for make in MANAGED:
        managed = make(1)
        with pytest.raises(ValueError, match="non-negative"):
            managed.get(timeout=-1)
        managed.put(1)
        with pytest.raises(ValueError, match="non-negative"):
            managed.put(2, timeout=-1)
    for make in TOP_LEVEL:
        ours = make(1)
        with pytest.raises(queue.Empty):
            ours.get(True, -1)
        ours.put(1)
        with pytest.raises(queue.Full):
            ours.put(2, True, -1)


def test_waits_last_as_long_as_they_are_asked_to() -> None:
    fifo = sharevar.Queue()
    start = time.monotonic()
    with pytest.raises(queue.Empty):
        fifo.get(True, 0.1)
    assert time.monotonic() - start >= 0.1


@pytest.mark.parametrize("make", [sharevar.JoinableQueue, *MANAGED, queue_in_memory])
def test_tasks(make: Callable[[], Any]) -> None:
    fifo = make()
    fifo.join()
    with pytest.raises(ValueError, match="called too many times"):
        fifo.task_done()
    fifo.put(1)
    fifo.put([2] * 50)
    joined = threading.Event()
    thread = threading.Thread(target=lambda: (fifo.join(), joined.set()))
    thread.start()
    fifo.get()
    fifo.task_done()
    assert not joined.wait(0.05)
    fifo.get()
    fifo.task_done()
    thread.join(30)
    assert joined.is_set()
    with pytest.raises(ValueError, match="called too many times"):
        fifo.task_done()


def test_shutdown() -> None:
    fifo = sharevar.QueueProxy(2)
    fifo.put(1)
    fifo.put(2)
    outcomes: list[type] = []

    def waiting(work: Callable[[], Any]) -> None:
        try:
            work()
        except Exception as error:
            outcomes.append(type(error))

    thread = threading.Thread(target=waiting, args=(lambda: fifo.put(3),))
    thread.start()
    fifo.shutdown()
    thread.join(30)
    with pytest.raises(sharevar.QueueShutDown) as caught:
        fifo.put(3)
    assert isinstance(caught.value, sharevar.SharevarError)
    if sys.version_info >= (3, 13):
        assert isinstance(caught.value, queue.ShutDown)
    assert [fifo.get(), fifo.get()] == [1, 2]
    for get in (fifo.get, fifo.get_nowait, lambda: fifo.get(timeout=5)):
        with pytest.raises(sharevar.QueueShutDown):
            get()
    assert outcomes == [sharevar.QueueShutDown]


def test_shutdown_at_once_empties_and_lets_joiners_go() -> None:
    fifo = sharevar.QueueProxy()
    fifo.put_many([[number] * 20 for number in range(2000)])
    thread = threading.Thread(target=fifo.join)
    thread.start()
    fifo.shutdown(immediate=True)
    thread.join(30)
    assert not thread.is_alive()
    assert fifo.empty()
    with pytest.raises(sharevar.QueueShutDown):
        fifo.get()
    with pytest.raises(ValueError, match="called too many times"):
        fifo.task_done()


def test_closing() -> None:
    for make in TOP_LEVEL:
        fifo = make()
        fifo.put(1)
        with pytest.raises(AssertionError):
            fifo.join_thread()
        other = copy.copy(fifo)
        fifo.cancel_join_thread()
        fifo.close()
        fifo.close()
        fifo.join_thread()
        for use, arguments in (
            (fifo.put, (2,)),
            (fifo.get, ()),
            (fifo.get_nowait, ()),
            (fifo.put_many, ([2],)),
        ):
            with pytest.raises(ValueError, match="is closed"):
                use(*arguments)
        with pytest.raises(OSError, match="is closed"):
            fifo.empty()
        assert other.get() == 1
    for unused in (sharevar.Queue(), sharevar.JoinableQueue()):
        unused.close()
        assert unused.empty()
    simple = sharevar.SimpleQueue()
    simple.put(1)
    assert not simple.empty()
    simple.close()
    simple.close()
    with pytest.raises(OSError, match="is closed"):
        simple.get()


def test_a_forked_child_may_use_what_its_parent_has_closed() -> None:
    fifo = sharevar.Queue()
    fifo.put("item")
    fifo.close()
    ours, theirs = fork.Pipe()
    child = fork.Process(target=lambda: theirs.send(fifo.get()))
    child.start()
    assert ours.recv() == "item"
    child.join()


def test_what_cannot_be_pickled_is_dropped_by_the_top_level_queues(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for make in TOP_LEVEL:
        fifo = make(1)
        fifo.put(Unpicklable())
        assert fifo.qsize() == 0
        fifo.put("next")
        assert fifo.get() == "next"
        assert "AttributeError: on purpose" in capsys.readouterr().err
    fifo.task_done()
    fifo.join()
    for raising in (sharevar.SimpleQueue(), *(make() for make in MANAGED)):
        with pytest.raises(AttributeError, match="on purpose"):
            raising.put(Unpicklable())
        assert raising.empty()
        raising.put("next")
        assert raising.get() == "next"


class Recording(sharevar.Queue[Any]):
    """As concurrent.futures derives from the standard class."""

    def __init__(self, name: str, size: int, *, ctx: Any) -> None:
        super().__init__(size, ctx=ctx)
        self.name = name
        self.dropped: list[tuple[Exception, object]] = []

    def _on_queue_feeder_error(self, e: Exception, obj: object) -> None:  # type: ignore[override]
        self.dropped.append((e, obj))


def test_a_derived_class_is_told_and_keeps_its_attributes() -> None:
    derived = Recording("mine", 3, ctx=fork)
    thing = Unpicklable()
    derived.put(thing)
    [(error, dropped)] = derived.dropped
    assert type(error) is AttributeError and dropped is thing
    derived.dropped.clear()
    derived.put(1)
    same = pickle.loads(pickle.dumps(derived))
    assert type(same) is Recording and same.name == "mine" and same._maxsize == 3
    assert same.get() == 1


def test_an_item_that_cannot_be_read_is_gone_and_the_next_one_is_not() -> None:
    for make in ALL:
        fifo = make()
        fifo.put(UnpicklableHere())
        fifo.put("next")
        with pytest.raises(ArithmeticError):
            fifo.get()
        assert fifo.get() == "next"


@pytest.mark.parametrize("make", [*EVERYWHERE, sharevar.PriorityQueue])
def test_an_item_that_cannot_be_read_takes_no_other_with_it(make: Callable[[], Any]) -> None:
    q = make()
    q.put_many([(1, "a"), (2, UnpicklableHere()), (3, "c")])
    taken: list[Any] = []
    with pytest.raises(ArithmeticError, match="not here") as caught:
        while True:
            taken += q.get_many(5, block=False)
    taken += getattr(caught.value, "others", ())
    while not q.empty():
        taken += q.get_many(5)
    assert taken == [(1, "a"), (3, "c")]


def test_many_at_once(maker: Any) -> None:
    fifo = maker.Queue(5000)
    items = [number if number % 7 else [number] * 10 for number in range(12_000)]
    thread = threading.Thread(target=fifo.put_many, args=(iter(items),))
    thread.start()
    got: list[Any] = []
    while len(got) < len(items):
        piece = fifo.get_many(3000)
        assert 0 < len(piece) <= 3000
        got += piece
    thread.join(30)
    assert got == items
    with pytest.raises(queue.Empty):
        fifo.get_many(5, False)
    assert fifo.get_many(0) == []


def test_variables_in_queues_are_handed_over() -> None:
    arena = sharevar._family.family.arena()
    fifo = sharevar.Queue()
    for make in (*ALL, sharevar.SimpleQueue):
        inner = make()
        inner.put("inside")
        fifo.put(inner)
        fifo.put({"nested": inner})
    del inner
    for make in (*ALL, sharevar.SimpleQueue):
        direct, nested = fifo.get(), fifo.get()["nested"]
        assert type(direct) is make and type(nested) is make
        assert nested.get() == "inside" and direct.empty()
    del direct, nested
    fifo.put(sharevar.ListProxy(arena))
    received = fifo.get()
    received.append(1)
    assert received.copy() == [1]


def test_what_the_classes_say() -> None:
    assert sharevar.Queue()._maxsize == multiprocessing.Queue()._maxsize  # type: ignore[attr-defined]
    assert sharevar.Queue(7)._maxsize == 7
    assert issubclass(sharevar.JoinableQueue, sharevar.Queue)
    assert queues.Empty is queue.Empty and queues.Full is queue.Full
    proxy = sharevar.QueueProxy()
    assert repr(proxy) == f"<QueueProxy object, typeid 'Queue' at {id(proxy):#x}>"
    assert proxy._callmethod("qsize") == 0
    assert str(proxy) == "<Queue of 0 items>"
    assert sharevar.Queue[int].__args__ == (int,)


def relay(source: Any, target: Any, count: int) -> None:
    for _ in range(count):
        target.put(source.get())
        if hasattr(source, "task_done"):
            source.task_done()


@pytest.mark.parametrize("make", [*ALL, sharevar.SimpleQueue])
def test_between_processes(context: BaseContext, make: Callable[[], Any]) -> None:
    there, back = make(), make()
    child = context.Process(target=relay, args=(there, back, 600))
    child.start()
    items = [number if number % 3 else str(number) * 50 for number in range(600)]
    for item in items:
        there.put(item)
    assert [back.get() for _ in items] == items
    child.join()
    assert there.empty() and back.empty()


def test_a_wait_blocks_no_other_thread() -> None:
    fifo = sharevar.Queue()
    got: list[Any] = []
    thread = threading.Thread(target=lambda: got.append(fifo.get()))
    thread.start()
    eventually(lambda: sleeps(os.getpid(), thread.native_id))
    # With the interpreter in its hands nothing would come after this.
    assert thread.is_alive()
    fifo.put("now")
    thread.join(30)
    assert got == ["now"]


def interrupted(work: Callable[[], Any], connection: Any) -> None:
    # pytest's own handlers are of no use in a child.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    connection.send("ready")
    try:
        work()
    except KeyboardInterrupt:
        connection.send("interrupted")


@pytest.mark.parametrize("wait", ["get", "put", "join"])
def test_ctrl_c_ends_every_wait_and_loses_nothing(wait: str) -> None:
    fifo = sharevar.JoinableQueue(1)
    if wait != "get":
        fifo.put("item")
    work: Callable[[], Any] = {
        "get": fifo.get,
        "put": lambda: fifo.put("other"),
        "join": fifo.join,
    }[wait]
    ours, theirs = fork.Pipe()
    child = fork.Process(target=interrupted, args=(work, theirs))
    child.start()
    assert ours.recv() == "ready"
    eventually(lambda: sleeps(child.pid))
    os.kill(child.pid, signal.SIGINT)
    assert ours.poll(30) and ours.recv() == "interrupted"
    child.join()
    assert fifo.qsize() == (0 if wait == "get" else 1)


def test_an_item_goes_to_another_when_its_consumer_is_killed_asleep() -> None:
    fifo, got = sharevar.Queue(), sharevar.Queue()
    children = [fork.Process(target=relay, args=(fifo, got, 1)) for _ in range(3)]
    for child in children:
        child.start()
    eventually(lambda: all_sleep(children))
    for child in children[:2]:
        os.kill(child.pid, signal.SIGKILL)
        child.join()
    fifo.put("item")
    assert got.get(timeout=30) == "item"
    children[2].join()


def produce(fifo: Any, producer: int, first: int, confirmed: Any) -> None:
    number = first
    while True:
        text = "x" * (number % 90)
        fifo.put((producer, number, text) if number % 2 else producer << 32 | number)
        confirmed[producer] = number
        number += 1


def test_killed_producers_leave_no_half_item_and_no_gap() -> None:
    fifo = sharevar.Queue(64)
    confirmed = sharevar.Array("q", 2, lock=False)
    first = [0, 0]
    seen: list[list[int]] = [[], []]

    def take(item: Any) -> None:
        if isinstance(item, int):
            seen[item >> 32].append(item & 0xFFFFFFFF)
        else:
            producer, number, text = item
            assert len(text) == number % 90
            seen[producer].append(number)

    rounds = 0
    while rounds < 25 or sum(map(len, seen)) <= 100:
        rounds += 1
        producers = []
        for producer in (0, 1):
            confirmed[producer] = first[producer] - 1
            arguments = (fifo, producer, first[producer], confirmed)
            producers.append(fork.Process(target=produce, args=arguments))
            producers[-1].start()
        until = time.monotonic() + 0.01
        while time.monotonic() < until:
            take(fifo.get(timeout=30))
        for process in producers:
            os.kill(process.pid, signal.SIGKILL)
            process.join()
        while not fifo.empty():
            take(fifo.get_nowait())
        for producer in (0, 1):
            last = confirmed[producer]
            # All that was confirmed, and at most the one that was under way.
            assert len(seen[producer]) in (last + 1, last + 2)
            first[producer] = len(seen[producer])
    for numbers in seen:
        assert numbers == list(range(len(numbers)))


def consume(fifo: Any, got: Any) -> None:
    while True:
        item = fifo.get()
        number = item if isinstance(item, int) else item[0]
        got[number] += 1


def test_killed_consumers_lose_at_most_the_item_in_their_hands() -> None:
    kills, each = 30, 400
    fifo = sharevar.JoinableQueue(32)
    got = sharevar.RawArray("B", kills * each)
    number = 0
    for _ in range(kills):
        consumers = [fork.Process(target=consume, args=(fifo, got)) for _ in range(2)]
        for consumer in consumers:
            consumer.start()
        for _ in range(each):
            fifo.put(number if number % 2 else (number, "x" * (number % 90)), timeout=30)
            number += 1
        for consumer in consumers:
            os.kill(consumer.pid, signal.SIGKILL)
            consumer.join()
    rest = []
    while not fifo.empty():
        item = fifo.get()
        rest.append(item if isinstance(item, int) else item[0])
    assert rest == list(range(number - len(rest), number))
    times = list(got)
    for item in rest:
        times[item] += 1
    assert max(times) == 1, "an item was got twice"
    assert times.count(0) <= 2 * kills
    assert sum(times) > 2 * kills


@pytest.mark.parametrize("make", EVERYWHERE)
def test_what_is_put_may_be_named(make: Any) -> None:
    # queue.Queue says item, multiprocessing.Queue obj.
    items = make()
    items.put(item=None)
    items.put(obj=1, block=False)
    items.put_nowait(item=2)
    items.put_nowait(obj=3)
    assert items.get_many(9) == [None, 1, 2, 3]
    for wrong in ({}, {"obj": 1, "item": 1}):
        with pytest.raises(TypeError, match="one item"):
            items.put(**wrong)
    assert items.empty()


@pytest.mark.parametrize("kind", ["Queue", "JoinableQueue", "SimpleQueue"])
def test_queues_pass_for_those_of_multiprocessing(kind: str) -> None:
    assert isinstance(getattr(sharevar, kind)(), getattr(multiprocessing.queues, kind))
