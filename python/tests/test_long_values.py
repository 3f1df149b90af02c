"""Values of 64 KiB and more stand for themselves in all variables, and are copied whole."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import sharevar

KIB = 1 << 10
MIB = 1 << 20
FORK = multiprocessing.get_context("fork")


class Box:
    """Of no native type."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Box) and self.content == other.content

    def __hash__(self) -> int:
        return hash(self.content)


VALUES: list[Any] = [
    bytes(range(256)) * 300,
    *(b"x" * (64 * KIB + more) for more in range(-7, 3)),
    "ascii " * 20_000,
    "é" * 40_000,
    "𝄞" * 20_000 + "\udc80",
    bytearray(b"abc" * 30_000),
    Box(b"box" * 30_000),
    list(range(40_000)),
    {"text": "t" * 70_000, "more": [1, 2]},
]


@pytest.fixture(scope="module")
def manager() -> Iterator[Any]:
    with sharevar.Manager() as manager:
        yield manager


@pytest.mark.parametrize(
    "value", VALUES, ids=lambda value: f"{type(value).__name__}-{id(value)}"
)
def test_every_variable_gives_the_value_back(manager: Any, value: Any) -> None:
    box = manager.dict(a=1)
    box["a"] = value
    assert box["a"] == value and type(box["a"]) is type(value)
    assert box.get("a") == value and box.setdefault("a", 1) == value
    assert box.setdefault("b", value) == value == box["b"]
    box.update({"c": value, "d": 1})
    assert box.values() == [value, value, value, 1]
    assert box.copy()["c"] == value and dict(box.items())["c"] == value
    assert box.pop("c") == value and "c" not in box
    items = manager.list([value, 1])
    items.append(value)
    items.insert(0, value)
    items[2] = value
    assert list(items) == items[:] == [value] * 4
    assert items.count(value) == 4 and value in items and items.index(value, 1) == 1
    items.extend([value, 2])
    assert items.pop() == 2 and items.pop(0) == value and len(items) == 4
    items *= 2
    assert items[:] == [value] * 8
    for queue in (manager.Queue(), sharevar.Queue(), sharevar.SimpleQueue()):
        queue.put(value)
        assert queue.get() == value
    queue = manager.Queue()
    queue.put_many([value, 1, value])
    assert queue.get_many(3) + [queue.get() for _ in range(queue.qsize())] == [value, 1, value]
    space, one = manager.Namespace(x=1), manager.Value("O", 1)
    space.x = one.value = value
    assert space.x == one.value == value


def test_a_value_that_refers_to_a_variable(manager: Any) -> None:
    inner = manager.list([1])
    outer = manager.dict(a=[inner, "x" * 70_000])
    del inner
    found, text = outer["a"]
    found.append(2)
    assert outer["a"][0][:] == [1, 2] and len(text) == 70_000
    del outer["a"]
    assert found[:] == [1, 2]


def test_long_values_are_sorted_and_compared(manager: Any) -> None:
    values = ["b" * 70_000, "a" * 70_000, "c"]
    items = manager.list(values)
    items.sort()
    assert items[:] == sorted(values)
    assert items.index("b" * 70_000) == 1
    items.remove("a" * 70_000)
    assert len(items) == 2


@sharevar.monitor
class Held:
    def __init__(self) -> None:
        self.text = bytearray(70_000)
        self.other = 0

    def change(self) -> None:
        self.text[0] += 1


def test_a_monitor_changes_one_in_place() -> None:
    held = Held()
    held.change()
    held.change()
    assert held.text[0] == 2 and len(held.text) == 70_000


def test_what_is_replaced_is_given_back() -> None:
    with sharevar.Manager(capacity=8 * MIB) as manager:
        box, items, queue = manager.dict(), manager.list([None]), manager.Queue()
        for number in range(60):
            box["a"] = items[0] = bytes([number]) * MIB
            queue.put(bytes([number]) * MIB)
            assert queue.get()[0] == box["a"][-1] == items[0][0] == number


def test_a_manager_is_dumped_with_them(tmp_path: Any) -> None:
    name, value = f"long-{os.getpid()}", "é" * 50_000
    with sharevar.Manager(name=name) as manager:
        manager.dict(name="box")["a"] = value
        assert sharevar.attach(name, read_only=True)["box"]["a"] == value
        manager.dump(tmp_path / "dump")
    with sharevar.Manager(name=f"{name}-again", load=tmp_path / "dump") as again:
        assert again["box"]["a"] == value


def write_for_ever(box: Any, started: Any) -> None:
    started.set()
    for number in range(1 << 30):
        box["a"] = bytes([number % 256]) * (128 * KIB + number % 7)
        box[number % 50] = number
        del box[number % 50]


def test_a_reader_beside_writers_sees_whole_values() -> None:
    with sharevar.Manager(capacity=32 * MIB) as manager:
        box, started = manager.dict(a=bytes(128 * KIB)), manager.Event()
        writers = [FORK.Process(target=write_for_ever, args=(box, started)) for _ in range(2)]
        for writer in writers:
            writer.start()
        started.wait()
        seen: set[bytes] = set()
        reads = 0
        # A writer may not run for a while.
        while reads < 300 or len(seen) < 3:
            value = box["a"]
            assert value.count(value[:1]) == len(value)
            seen.add(value[:1])
            reads += 1
        for writer in writers:
            os.kill(writer.pid or 0, signal.SIGKILL)
            writer.join()


@pytest.mark.parametrize(
    "use", [lambda box: box["a"], lambda box: box.__setitem__("a", b"y" * 2 * MIB)]
)
def test_what_killed_processes_had_is_given_back(use: Callable[[Any], Any]) -> None:
    with sharevar.Manager(capacity=12 * MIB) as manager:
        box = manager.dict(a=b"x" * 2 * MIB)

        def work(started: Any) -> None:
            started.set()
            while True:
                use(box)

        for _ in range(15):
            started = manager.Event()
            worker = FORK.Process(target=work, args=(started,))
            worker.start()
            started.wait()
            os.kill(worker.pid or 0, signal.SIGKILL)
            worker.join()
        # Room for what there was room for: one more, and the next one before the last is gone.
        for number in range(20):
            box["a"] = bytes([number]) * (3 * MIB)
        assert box["a"] == bytes([19]) * (3 * MIB)
