"""The commonest operations of Python's side, for counting their instructions.

`instructions.py` runs this under `valgrind --tool=callgrind --dump-before=getppid`, so that
each mark ends a part of the report: between the first mark of an operation and its second it
is done `FEW` times, up to the third `MANY` times. The difference has neither start-up nor
marks in it. The names are printed in their order.

With ``--memory`` it prints the bytes of shared memory for an entry, of 100,000.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Callable
from itertools import repeat
from typing import Any

import sharevar
import sharevar.managers

FEW = 200
MANY = 1_200
# A call polls for its answer as long as that takes; the least of several counts has no waiting.
COUNTS_OF_CALLS = 5
TEXT = "x" * 100
RECORD = {
    "name": "Someone",
    "address": {"street": "Long Street 5", "city": "Town"},
    "orders": [1, 2, 3],
    "balance": 2.5,
    "active": True,
}
# Many keys, whose places are the same on average in every arena.
OTHERS = [f"other {number}" for number in range(MANY)]
ENTRIES = 100_000


class Counter:
    """The hosted object."""

    def __init__(self) -> None:
        self.count = 0

    def add(self, by: int) -> int:
        self.count += by
        return self.count


class Hosts(sharevar.managers.BaseManager):
    pass


Hosts.register("Counter", Counter)


def nothing(_: Any, rounds: int) -> None:
    for _ in repeat(None, rounds):
        pass


def dict_get(entries: Any, rounds: int) -> None:
    for _ in repeat(None, rounds):
        entries["key"]


def dict_set(entries: Any, rounds: int) -> None:
    for _ in repeat(None, rounds):
        entries["key"] = 7


def dict_contains(entries: Any, rounds: int) -> None:
    for _ in repeat(None, rounds):
        _ = "key" in entries


def dict_get_text(entries: Any, rounds: int) -> None:
    for _ in repeat(None, rounds):
        entries["text"]


def dict_get_record(entries: Any, rounds: int) -> None:
    for _ in repeat(None, rounds):
        entries["record"]


def dict_set_text(entries: Any, rounds: int) -> None:
    for _ in repeat(None, rounds):
        entries["text"] = TEXT


def dict_insert_remove(entries: Any, rounds: int) -> None:
    for key in OTHERS[:rounds]:
        entries[key] = 7
        del entries[key]


def dict_incr(entries: Any, rounds: int) -> None:
    for _ in repeat(None, rounds):
        entries.incr("key")


def list_index(items: Any, rounds: int) -> None:
    for _ in repeat(None, rounds):
        items[50]


def list_append(items: Any, rounds: int) -> None:
    for _ in repeat(None, rounds):
        items.append(7)


def acquire_release(lock: Any, rounds: int) -> None:
    for _ in repeat(None, rounds):
        lock.acquire()
        lock.release()


def queue_put_get(queue: Any, rounds: int) -> None:
    for _ in repeat(None, rounds):
        queue.put(7)
        queue.get()


def event_set_clear(event: Any, rounds: int) -> None:
    for _ in repeat(None, rounds):
        event.set()
        event.clear()


def condition_notify(condition: Any, rounds: int) -> None:
    for _ in repeat(None, rounds):
        with condition:
            condition.notify()


def value_get(value: Any, rounds: int) -> None:
    for _ in repeat(None, rounds):
        _ = value.value


def value_set(value: Any, rounds: int) -> None:
    for _ in repeat(None, rounds):
        value.value = 7


def set_add(members: Any, rounds: int) -> None:
    for _ in repeat(None, rounds):
        members.add("key")


def hosted_call(counter: Any, rounds: int) -> None:
    for _ in repeat(None, rounds):
        counter.add(1)


# All entries or items at once: of a variable that has as many as there are rounds, so that the
# count is that of one.


def dict_update(entries: Any, rounds: int) -> None:
    entries[rounds].update(dict.fromkeys(OTHERS[:rounds], 8))


def dict_items(entries: Any, rounds: int) -> None:
    entries[rounds].items()


def dict_iterate(entries: Any, rounds: int) -> None:
    for _ in entries[rounds]:
        pass


def list_slice(items: Any, rounds: int) -> None:
    items[rounds][:]


def list_iterate(items: Any, rounds: int) -> None:
    for _ in items[rounds]:
        pass


def list_extend(items: Any, rounds: int) -> None:
    items.extend(range(rounds))


def count(name: str, operation: Callable[[Any, int], None], subject: Any = None) -> None:
    # The interpreter rewrites a loop's instructions in its first rounds.
    operation(subject, FEW)
    os.getppid()
    operation(subject, FEW)
    os.getppid()
    operation(subject, MANY)
    os.getppid()
    print(name, FEW, MANY, flush=True)


def print_memory() -> None:
    keys = [f"key {number}" for number in range(ENTRIES)]

    def fill_dict(manager: Any, value: Any) -> Any:
        entries = manager.dict()
        for key in keys:
            entries[key] = value
        return entries

    def put_all(manager: Any) -> Any:
        queue = manager.Queue()
        for number in range(ENTRIES):
            queue.put(number)
        return queue

    fillers: dict[str, Callable[[Any], Any]] = {
        "dict_of_ints": lambda manager: fill_dict(manager, 7),
        "dict_of_texts": lambda manager: fill_dict(manager, TEXT),
        "dict_of_ints_at_once": lambda manager: manager.dict(dict.fromkeys(keys, 7)),
        "list_of_ints": lambda manager: manager.list(range(ENTRIES)),
        "set_of_texts": lambda manager: manager.set(keys),
        "queue_of_ints": put_all,
    }
    for name, fill in fillers.items():
        with sharevar.Manager() as manager:
            before = manager.info().used
            # The variable lives as long as its proxy.
            kept = fill(manager)
            print(name, (manager.info().used - before) / ENTRIES)
            del kept


def main() -> None:
    if "--memory" in sys.argv:
        return print_memory()
    with sharevar.Manager() as manager:
        # Few entries: how far a key of several is from its place depends on the arena's
        # random seed.
        entries, texts = manager.dict(key=1), manager.dict(text=TEXT)
        records = manager.dict(record=RECORD)
        count("nothing", nothing)
        count("dict_get", dict_get, entries)
        count("dict_set", dict_set, entries)
        count("dict_contains", dict_contains, entries)
        count("dict_get_text", dict_get_text, texts)
        count("dict_get_record", dict_get_record, records)
        count("dict_set_text", dict_set_text, texts)
        count("dict_insert_remove", dict_insert_remove, entries)
        count("dict_incr", dict_incr, entries)
        count("list_index", list_index, manager.list(range(100)))
        count("list_append", list_append, manager.list())
        count("lock_acquire_release", acquire_release, manager.Lock())
        count("rlock_acquire_release", acquire_release, manager.RLock())
        count("semaphore_acquire_release", acquire_release, manager.Semaphore(1))
        count("queue_put_get", queue_put_get, manager.Queue())
        count("event_set_clear", event_set_clear, manager.Event())
        count("condition_notify", condition_notify, manager.Condition())
        value = manager.Value("q", 0)
        count("value_get", value_get, value)
        count("value_set", value_set, value)
        count("set_add", set_add, manager.set(["key"]))
        sizes = (FEW, MANY)
        filled = {size: manager.dict(dict.fromkeys(OTHERS[:size], 7)) for size in sizes}
        count("dict_update", dict_update, filled)
        count("dict_items", dict_items, filled)
        count("dict_iterate", dict_iterate, filled)
        lists = {size: manager.list(range(size)) for size in sizes}
        count("list_slice", list_slice, lists)
        count("list_iterate", list_iterate, lists)
        count("list_extend", list_extend, manager.list())
    with Hosts(ctx=multiprocessing.get_context("spawn")) as hosts:
        counter = hosts.Counter()
        for _ in range(COUNTS_OF_CALLS):
            count("hosted_call", hosted_call, counter)


if __name__ == "__main__":
    main()
