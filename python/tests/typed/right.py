"""A user's program: it type-checks under ``mypy --strict``, and it runs."""

from __future__ import annotations

import ctypes
import multiprocessing

import sharevar
from sharevar import (
    ArrayProxy,
    Condition,
    DictProxy,
    Event,
    ListProxy,
    Lock,
    PriorityQueue,
    Queue,
    QueueProxy,
    SetProxy,
    ValueProxy,
)
from sharevar.managers import SyncManager


class Stock:
    """A class over shared variables, handed to other processes as a whole."""

    def __init__(self, manager: SyncManager) -> None:
        self.counts: DictProxy[str, int] = manager.dict()
        self.names: ListProxy[str] = manager.list(["apple"])
        self.weight: ValueProxy[float] = manager.Value("d", 1.5)
        self.sizes: ArrayProxy = manager.Array("i", [1, 2])
        self.lock: Lock = manager.Lock()

    def add(self, name: str, count: int) -> int:
        with self.lock:
            self.counts[name] = self.counts.get(name, 0) + count
            if name not in self.names:
                self.names.append(name)
            self.weight.value += 0.5
        return self.counts[name]


@sharevar.monitor
class Account:
    """State in shared memory, code in the caller."""

    def __init__(self, owner: str, balance: int = 0) -> None:
        self.owner = owner
        self.balance = balance

    def deposit(self, amount: int) -> int:
        self.balance += amount
        return self.balance


class Orders:
    """Blocking variables, in a manager and without one."""

    def __init__(self, manager: SyncManager) -> None:
        self.waiting: QueueProxy[tuple[str, int]] = manager.Queue(10)
        self.known: SetProxy[str] = manager.set(["apple"])
        self.changed: Condition = manager.Condition()
        self.closed: Event = manager.Event()
        self.done: Queue[int] = sharevar.Queue()
        self.urgent: PriorityQueue[tuple[float, str]] = manager.PriorityQueue(10)
        self.later: PriorityQueue[int] = sharevar.PriorityQueue()

    def take(self) -> int:
        name, count = self.waiting.get(timeout=1.0)
        with self.changed:
            self.known.add(name)
            self.changed.notify_all()
        self.done.put(count)
        return self.done.get()

    def first(self) -> str:
        self.urgent.put_many([(2.5, "fig"), (1.0, "apple")])
        self.later.put(3)
        _rank, name = self.urgent.get_nowait()
        lowest: int = self.later.peek()
        return f"{name} {lowest}"


def total(counts: DictProxy[str, int]) -> int:
    return sum(counts.values())


def longest(names: ListProxy[str]) -> str:
    return max(names, key=len)


def nested(rows: ListProxy[DictProxy[str, int]]) -> list[int]:
    return [row["count"] for row in rows]


names: ListProxy[str] = sharevar.shared("names", list)
seen: DictProxy[str, bool] = sharevar.shared("seen", dict)
started: ValueProxy[int] = sharevar.shared("started", int)
guard: Lock = sharevar.shared("guard", Lock)


def told_by_what_is_given(manager: SyncManager) -> None:
    """The types of variables follow from what they are made of."""
    pairs: DictProxy[str, int] = manager.dict({"a": 1})
    named: DictProxy[str, int] = manager.dict(a=1)
    items: ListProxy[int] = manager.list([1])
    elements: SetProxy[str] = manager.set("ab")
    box: ValueProxy[float] = manager.Value("d", 1.5)
    kept: DictProxy[str, int] = sharevar.shared("kept", dict[str, int])
    fork = sharevar.get_context("fork")
    lock: Lock = fork.Lock()
    hits, sums = sharevar.Value("i", 1), sharevar.Array(ctypes.c_double, 2)
    with lock, hits, sums.get_lock():
        number: int = hits.value
        numbers: list[float] = sums[:]
        sums[0] = number + sum(numbers)
        raw: ctypes.c_int = sharevar.RawValue(ctypes.c_int, 2)
        assert sums[0] == 1.0 and raw.value == 2
        total: float = pairs["a"] + named["a"] + items[0] + box.value
        assert (total, elements.copy(), kept.copy()) == (4.5, {"a", "b"}, {})
    again, more = fork.Value("d", 1.5), fork.Array("i", [1, 2])
    bare: ctypes.c_int = fork.RawValue(ctypes.c_int, 3)
    with again, more.get_lock():
        half: float = again.value
        whole: int = more[0] + bare.value
        assert (half, whole) == (1.5, 4)


def main() -> None:
    with sharevar.Manager() as manager:
        stock = Stock(manager)
        stock.names.extend(("banana", "fig"))
        worker = multiprocessing.Process(target=stock.add, args=("kiwi", 2))
        worker.start()
        worker.join()
        first: str = stock.names[0]
        some: list[str] = stock.names[1:]
        count: int | None = stock.counts.get("kiwi")
        either: int | str = stock.counts.get("plum", "none")
        copied: dict[str, int] = stock.counts.copy()
        pairs: list[tuple[str, int]] = stock.counts.items()
        weight: float = stock.weight.value
        print(first, some, count, either, copied, pairs, weight)
        print(total(stock.counts), longest(stock.names), nested(manager.list()))
        orders = Orders(manager)
        orders.waiting.put(("fig", 3))
        taken: int = orders.take()
        elements: set[str] = orders.known.copy()
        orders.closed.set()
        waited: bool = orders.closed.wait(0.5)
        space = manager.Namespace(x=1)
        space.y = space.x + 1
        with manager.RLock(), manager.Semaphore(2), sharevar.BoundedSemaphore(1):
            place: int = manager.Barrier(1).wait()
        name: str = orders.first()
        print(taken, sorted(elements), waited, space.y, place, name)
        account: Account = manager.monitor(Account, "Ada", balance=2)
        balance: int = account.deposit(3)
        print(Account("Eve").deposit(1), account.owner, balance)
        told_by_what_is_given(manager)
        used: int = manager.info().used
        length: int | None = stock.counts.info().len
        held = stock.lock.info().lock
        holders = [] if held is None else [one.process for one in held.holders]
        print(used > 0, length, holders, sharevar.variable_info(space).kind)
        names.append("a")
        seen["a"] = True
        started.value += 1
        with guard:
            print(names, seen, started.value)


if __name__ == "__main__":
    main()
