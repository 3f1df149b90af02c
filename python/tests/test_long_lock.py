"""Operations that call user code, or take long, beside changes of the same variable."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from support.waiting import interrupted

# The attempts of an operation that it makes with no lock.
WITHOUT_LOCK = 3


@contextmanager
def churn(*lists: Any) -> Iterator[None]:
    """A process that appends to the lists and takes away again, all the time."""
    pid = os.fork()
    if pid == 0:
        signal.alarm(60)
        while True:
            for each in lists:
                each.append(-1)
                each.pop()
    try:
        yield
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


class Sorter:
    """A process that sorts a list, and tells when it has its long lock, with a key running."""

    def __init__(self, shared: Any, then: Callable[[], object]) -> None:
        ours, theirs = multiprocessing.Pipe(False)
        self.pid = os.fork()
        if self.pid == 0:
            signal.alarm(60)
            calls = [0]

            def key(item: int) -> int:
                calls[0] += item == 0
                if item == 0 and calls[0] <= WITHOUT_LOCK:
                    # So that this attempt is in vain.
                    shared.append(9)
                elif item == 0:
                    theirs.send("holds it")
                    then()
                return item

            try:
                shared.sort(key=key)
            finally:
                os._exit(0)
        assert ours.poll(60)
        ours.recv()

    def end(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


def test_nothing_starves_beside_a_writer(manager: Any) -> None:
    shared = manager.list(range(30_000))
    begin = time.monotonic()
    with churn(shared):
        shared.remove(20_000)
        shared.sort()
        shared.sort(key=lambda item: -item)
        assert shared[0] >= 29_998
        shared.reverse()
        assert shared.index(15_000) > 0 and 29_000 in shared and shared.count(77) == 1
        shared[10:20_000:2] = shared[10:20_000:2]
        del shared[10:20_000]
        shared *= 2
        with pytest.raises(ValueError, match="not in list"):
            shared.remove("nothing")
    # Each takes milliseconds alone.
    assert time.monotonic() - begin < 30


def test_variables_that_are_replaced_all_the_time_are_read_and_taken(manager: Any) -> None:
    shared = manager.dict(there=manager.list([0]))
    pid = os.fork()
    if pid == 0:
        signal.alarm(60)
        while True:
            shared["there"] = manager.list([0])
    try:
        for number in range(2_000):
            assert shared.setdefault("there", number)[0] == 0
            assert [item[0] for item in shared.values()] == [0]
            assert next(iter(shared.copy().values()))[0] == 0
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def test_two_processes_add_and_remove_their_own(manager: Any) -> None:
    shared = manager.list([f"old {number}" for number in range(20_000)])

    def work(name: int) -> None:
        for number in range(100):
            shared.append(f"{name}-{number}")
            shared.remove(f"{name}-{number}")

    children = [multiprocessing.Process(target=work, args=(name,)) for name in range(2)]
    for child in children:
        child.start()
    for child in children:
        child.join(60)
        assert child.exitcode == 0
    assert len(shared) == 20_000


def test_two_processes_sort_at_once(manager: Any) -> None:
    shared = manager.list(range(3_000))
    children = []
    for sign in (1, -1):
        children.append(
            multiprocessing.Process(
                target=lambda sign=sign: [
                    shared.sort(key=lambda item: sign * item) for _ in range(5)
                ]
            )
        )
    with churn(shared):
        for child in children:
            child.start()
        for child in children:
            child.join(60)
            assert child.exitcode == 0
    items = [item for item in shared.copy() if item >= 0]
    assert items in (sorted(items), sorted(items, reverse=True))


def test_a_key_that_changes_the_list_is_told_so(manager: Any) -> None:
    shared = manager.list([3, 1, 2])
    with pytest.raises(ValueError, match="list modified during sort"):
        shared.sort(key=lambda item: (shared.append(0), item)[1])
    assert shared.copy()[:3] == [3, 1, 2]
    other = manager.list()
    shared = manager.list([3, 1, 2])
    shared.sort(key=lambda item: (other.append(0), item)[1])
    assert shared.copy() == [1, 2, 3] and len(other) == 3


def test_an_eq_that_changes_the_list(manager: Any) -> None:
    shared = manager.list([0, 1, 2])

    class Needle:
        def __eq__(self, item: object) -> bool:
            shared.append("asked")
            return item == 2

        __hash__ = None  # type: ignore[assignment]

    shared.remove(Needle())
    assert shared[:2] == [0, 1] and set(shared[2:]) == {"asked"}
    shared = manager.list([0, 1, 2])
    assert Needle() in shared and shared.index(Needle()) == 2


def test_a_sum_that_changes_its_value_is_told_so(manager: Any) -> None:
    value = manager.Value("i", 0)

    class Step(int):
        def __radd__(self, old: int) -> int:
            value.value = old + 1
            return old

    with pytest.raises(RuntimeError, match="changed in each of"):
        value.incr(Step())


def test_others_wait_and_readers_do_not(manager: Any) -> None:
    shared = manager.list([2, 1, 0])
    go = multiprocessing.get_context("fork").Semaphore(0)
    sorter = Sorter(shared, go.acquire)
    assert (
        len(shared.copy()) == len(shared) == 3 + WITHOUT_LOCK and 2 in shared and shared[0] == 2
    )
    writer = threading.Thread(target=shared.append, args=(5,))
    writer.start()
    writer.join(0.3)
    assert writer.is_alive(), "a change did not wait for the long lock"
    go.release()
    writer.join(60)
    assert not writer.is_alive()
    os.waitpid(sorter.pid, 0)
    assert shared.copy() == [0, 1, 2, 9, 9, 9, 5]


def test_a_killed_holder_holds_up_no_other(manager: Any) -> None:
    shared = manager.list([2, 1, 0])
    sorter = Sorter(shared, signal.pause)
    writer = threading.Thread(target=shared.append, args=(5,))
    writer.start()
    begin = time.monotonic()
    sorter.end()
    writer.join(60)
    assert shared.copy() == [2, 1, 0, 9, 9, 9, 5]
    shared.sort()
    assert shared.copy() == [0, 1, 2, 5, 9, 9, 9]
    # Not as long as one waits for a holder that lives.
    assert time.monotonic() - begin < 8


def test_ctrl_c_ends_the_wait_and_changes_nothing(manager: Any) -> None:
    shared, other = manager.list([2, 1, 0]), manager.dict()
    sorter = Sorter(shared, signal.pause)
    for change in (
        lambda: shared.append(1),
        lambda: shared.sort(),
        lambda: shared.__setitem__(0, 7),
    ):
        with pytest.raises(KeyboardInterrupt), interrupted():
            change()
    other["a"] = 1
    assert shared.copy() == [2, 1, 0, 9, 9, 9]
    sorter.end()


def test_a_shut_down_ends_the_wait() -> None:
    import sharevar

    manager = sharevar.Manager()
    shared = manager.list([2, 1, 0])
    sorter = Sorter(shared, signal.pause)
    errors: list[type] = []

    def append() -> None:
        try:
            shared.append(1)
        except sharevar.ClosedError as error:
            errors.append(type(error))

    writer = threading.Thread(target=append)
    writer.start()
    writer.join(0.1)
    manager.shutdown()
    writer.join(60)
    assert errors == [sharevar.ClosedError]
    sorter.end()


@pytest.mark.parametrize("child_writes", [False, True])
def test_a_fork_in_an_eq(manager: Any, child_writes: bool) -> None:
    shared = manager.list([0, 1, 2])
    forks: list[int] = []
    attempts = [0]

    class Needle:
        def __eq__(self, item: object) -> bool:
            attempts[0] += item == 0
            if item == 0 and attempts[0] <= WITHOUT_LOCK:
                # So that this attempt is in vain.
                shared.append("x")
            elif not forks:
                forks.append(os.fork())
                if forks[0] == 0:
                    signal.alarm(30)
                    if child_writes:
                        shared.append("child")
                    os._exit(0)
                assert os.waitpid(forks[0], 0)[1] == 0
            return item == 2

        __hash__ = None  # type: ignore[assignment]

    begin = time.monotonic()
    shared.remove(Needle())
    assert 2 not in shared and forks
    assert ("child" in shared) == child_writes
    assert time.monotonic() - begin < 8


def test_sorts_that_wait_for_each_other(manager: Any) -> None:
    one, two = manager.list(range(5)), manager.list(range(5))
    both = multiprocessing.get_context("fork").Barrier(2)

    def work(mine: Any, other: Any) -> None:
        calls = [0]

        def key(item: int) -> int:
            calls[0] += item == 0
            if item == 0 and calls[0] <= WITHOUT_LOCK:
                mine.append(9)
            elif item == 0 and calls[0] == WITHOUT_LOCK + 1:
                both.wait(60)
                other.append(8)
            return -item

        mine.sort(key=key)

    children = [
        multiprocessing.Process(target=work, args=pair) for pair in ((one, two), (two, one))
    ]
    begin = time.monotonic()
    for child in children:
        child.start()
    for child in children:
        child.join(60)
        assert child.exitcode == 0
    assert time.monotonic() - begin < 20
    assert sorted(one) == sorted(two) == [0, 1, 2, 3, 4, 8, 9, 9, 9]
