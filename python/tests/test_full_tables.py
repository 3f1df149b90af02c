"""What has a fixed size can be filled, emptied and used again."""

from __future__ import annotations

import functools
import os
import threading
from time import monotonic
from typing import Any

import pytest

import sharevar


@pytest.fixture
def small() -> Any:
    with sharevar.Manager(capacity=2 << 20) as manager:
        yield manager
        manager.arena.sweep()
        assert manager.arena.check() == []


def fill(make: Any) -> list[Any]:
    made = []
    with pytest.raises(MemoryError):
        while True:
            made.append(make())
    return made


@pytest.mark.parametrize("kind", ["Lock", "Queue"])
def test_variables(small: Any, kind: str) -> None:
    make = getattr(small, kind)
    counts = []
    for _ in range(2):
        made = fill(make)
        counts.append(len(made))
        del made[::2]
        made += fill(make)
        assert len(made) >= counts[0] * 0.98
        del made
    assert min(counts) >= max(counts) * 0.98


@pytest.mark.parametrize("empty", ["del", "assign", "clear", "multiply"])
def test_a_list_that_has_taken_all_memory_is_emptied(small: Any, empty: str) -> None:
    items = small.list()
    counts = []
    for _ in range(2):
        fill(functools.partial(items.append, bytes(300)))
        counts.append(len(items))
        if empty == "del":
            del items[:]
        elif empty == "assign":
            items[:] = []
        elif empty == "clear":
            items.clear()
        else:
            items *= 0
        assert len(items) == 0
    assert min(counts) >= max(counts) * 0.98


def test_variables_of_others_that_died(small: Any) -> None:
    counts = small.list()
    for _ in range(2):
        pid = os.fork()
        if pid == 0:
            try:
                made = fill(small.Event)
                counts.append(len(made))
            finally:
                os.kill(os.getpid(), 9)
        os.waitpid(pid, 0)
    assert len(counts) == 2
    assert min(counts) >= max(counts) * 0.95


def test_keys_items_and_elements(small: Any) -> None:
    box, items, queue, group = small.dict(), small.list(), small.Queue(), small.set()
    ways: list[tuple[Any, Any]] = [
        (lambda number: box.__setitem__(f"key {number}", number), box.clear),
        (lambda number: box.__setitem__(number, "x" * (number % 500)), box.clear),
        (lambda number: items.append("y" * 50), items.clear),
        (
            lambda number: queue.put("z" * 200),
            lambda: [queue.get() for _ in range(queue.qsize())],
        ),
        (lambda number: group.add((number, "a tuple")), group.clear),
    ]
    for add, clear in ways:
        counts = []
        for _ in range(3):
            count = 0
            with pytest.raises(MemoryError):
                while True:
                    add(count)
                    count += 1
            counts.append(count)
            clear()
        assert min(counts) >= max(counts) * 0.9, counts


def test_references_that_a_process_holds(small: Any) -> None:
    box = small.list([small.Event() for _ in range(2000)])
    for _ in range(5):
        held = [box[index] for index in range(2000)]
        assert len(held) == 2000
    used = small.arena.used
    for _ in range(5):
        held = [box[index] for index in range(2000)]
        del held
    assert small.arena.used <= used + 65_536


def test_waiters_of_a_condition_and_a_barrier(small: Any) -> None:
    condition = small.Condition()
    event, barrier = small.Event(), small.Barrier(61)

    def wait() -> None:
        with condition:
            assert condition.wait(60)

    used = 0
    for round in range(4):
        for target in (wait, lambda: event.wait(60), lambda: barrier.wait(60)):
            threads = [threading.Thread(target=target) for _ in range(60)]
            for thread in threads:
                thread.start()
            end = monotonic() + 60
            while any(thread.is_alive() for thread in threads) and monotonic() < end:
                with condition:
                    condition.notify_all()
                event.set()
                if barrier.n_waiting == 60:
                    barrier.wait(60)
                for thread in threads:
                    thread.join(0.001)
            event.clear()
            assert not any(thread.is_alive() for thread in threads)
        if round == 0:
            used = small.arena.used
    assert small.arena.used <= used + 65_536


def test_holders_of_a_semaphore(small: Any) -> None:
    semaphore = small.Semaphore(60)
    used = 0
    for round in range(2):
        pids, (end, held) = [], (os.pipe(), os.pipe())
        for _ in range(20):
            pid = os.fork()
            if pid == 0:
                semaphore.acquire()
                os.write(held[1], b"x")
                os.read(end[0], 1)
                os.kill(os.getpid(), 9)
            pids.append(pid)
        for _ in pids:
            os.read(held[0], 1)
        for pipe in (end, held):
            for descriptor in reversed(pipe):
                os.close(descriptor)
        for pid in pids:
            os.kill(pid, 9)
            os.waitpid(pid, 0)
        assert all(semaphore.acquire(timeout=20) for _ in range(60))
        for _ in range(60):
            semaphore.release()
        if round == 0:
            used = small.arena.used
    assert small.arena.used <= used + 65_536
