"""Arrays and other objects with long buffers are copied once each way, as pickle makes them."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from multiprocessing.reduction import ForkingPickler
from typing import Any

import pytest

import sharevar

np = pytest.importorskip("numpy")

KIB = 1 << 10
MIB = 1 << 20
FORK = multiprocessing.get_context("fork")


class Tagged(np.ndarray):  # type: ignore[misc]
    """An array with an attribute, which NumPy's own pickling loses."""

    def __reduce__(self) -> Any:
        return make_tagged, (np.asarray(self), getattr(self, "tag", None))


def make_tagged(content: Any, tag: Any) -> Tagged:
    made = content.view(Tagged)
    made.tag = tag
    return made  # type: ignore[no-any-return]


class Owner:
    """A class with a buffer that it hands out by itself."""

    def __init__(self, content: bytearray, name: str) -> None:
        self.content, self.name = content, name

    def __reduce_ex__(self, protocol: Any) -> Any:
        return Owner, (pickle.PickleBuffer(self.content), self.name)


def numbers(count: int = 40_000) -> Any:
    return np.arange(count, dtype=np.float64)


def read_only() -> Any:
    array = numbers()
    array.flags.writeable = False
    return array


def structured() -> Any:
    array = np.zeros(10_000, dtype=[("x", "f4"), ("label", "U3"), ("at", "M8[s]")])
    array["x"] = np.arange(10_000)
    array["label"] = "abc"
    return array


def mapped() -> Any:
    with open(__file__, "rb") as source:
        size = os.fstat(source.fileno()).st_size
        return np.memmap(source, dtype="u1", mode="r", shape=(size,))


def tagged() -> Any:
    array = numbers().view(Tagged)
    array.tag = "tag"
    return array


def twice() -> Any:
    array = numbers()
    return [array, array, {"again": array}]


def in_a_cycle() -> Any:
    around: list[Any] = [numbers()]
    around.append(around)
    return around


MAKERS: dict[str, Callable[[], Any]] = {
    "floats": numbers,
    "just long": lambda: np.arange(64 * KIB, dtype="u1"),
    "just short": lambda: np.arange(64 * KIB - 1, dtype="u1"),
    "bools": lambda: np.arange(100_000) % 3 == 0,
    "big-endian": lambda: numbers().astype(">i8"),
    "three dimensions": lambda: numbers(60_000).reshape(30, 200, 10),
    "Fortran order": lambda: np.asfortranarray(numbers().reshape(100, 400)),
    "transposed": lambda: numbers().reshape(100, 400).T,
    "every other": lambda: numbers()[::2],
    "backwards": lambda: numbers()[::-1],
    "no dimension": lambda: np.array(3.5),
    "empty": lambda: np.empty((0, 5)),
    "broadcast": lambda: np.broadcast_to(np.float64(2), (100, 400)),
    "read-only": read_only,
    "structured": structured,
    "objects": lambda: np.array([1, "two", None] * 30_000, dtype=object),
    "memory-mapped": mapped,
    "record array": lambda: structured().view(np.recarray),
    "masked": lambda: np.ma.masked_greater(numbers(), 7),
    "subclass": tagged,
    "three of a dict": lambda: {"a": numbers(), "b": [read_only(), 7], "c": numbers(9000) * 2},
    "many short": lambda: [np.full(500, number) for number in range(200)],
    "short and long": lambda: (np.ones(3), numbers(), b"x" * 70_000, bytearray(b"y" * 70_000)),
    "twice": twice,
    "in a cycle": in_a_cycle,
    "scalar": lambda: np.float32(1.5),
    "bytearray": lambda: bytearray(range(256)) * 300,
    "bytearray, empty": bytearray,
    "of a class": lambda: Owner(bytearray(b"abc") * 30_000, "name"),
}


def form(value: Any, seen: dict[int, int] | None = None) -> Any:
    """All that tells values apart: classes, flags, contents, and which are the same object."""
    seen = {} if seen is None else seen
    if isinstance(value, (np.ndarray, list, dict, Owner)):
        if id(value) in seen:
            return "again", seen[id(value)]
        seen[id(value)] = len(seen)
    if isinstance(value, np.ndarray):
        content = value.tolist() if value.dtype.hasobject else value.tobytes()
        mask = (
            np.ma.getmaskarray(value).tobytes()
            if isinstance(value, np.ma.MaskedArray)
            else None
        )
        flags = value.flags
        return (
            type(value),
            value.dtype,
            value.shape,
            value.strides,
            flags.writeable,
            flags.c_contiguous,
            flags.f_contiguous,
            content,
            mask,
            getattr(value, "tag", None),
        )
    if isinstance(value, (list, tuple)):
        return type(value), [form(item, seen) for item in value]
    if isinstance(value, dict):
        return dict, [(key, form(item, seen)) for key, item in value.items()]
    if isinstance(value, Owner):
        return Owner, value.name, type(value.content), bytes(value.content)
    return type(value), value


@pytest.fixture(scope="module")
def manager() -> Iterator[Any]:
    with sharevar.Manager() as manager:
        yield manager


@pytest.mark.parametrize("maker", MAKERS.values(), ids=MAKERS.keys())
def test_every_variable_gives_what_pickle_gives(manager: Any, maker: Callable[[], Any]) -> None:
    value = maker()
    wanted = form(pickle.loads(pickle.dumps(value, 5)))
    box = manager.dict(a=value)
    found = [box["a"], box.get("a"), box.copy()["a"], dict(box.items())["a"], box.values()[0]]
    box["a"] = value
    box.update({"b": value})
    found += [box["a"], box.setdefault("c", value), *box.get_many(["a", "b"]), box.pop("b")]
    items = manager.list([value])
    items.append(value)
    items.insert(0, value)
    items[1] = value
    items.extend([value])
    items[3:] = [value]
    found += [*items, *items[:], items.pop(), items.pop(0)]
    for queue in (manager.Queue(), sharevar.Queue(), sharevar.SimpleQueue()):
        queue.put(value)
        found.append(queue.get())
    queue = manager.Queue()
    queue.put_many([value, value])
    found += queue.get_many(2)
    space, one = manager.Namespace(x=value), manager.Value("O", value)
    found += [space.x, one.value]
    space.x = one.value = value
    found += [space.x, one.value]
    for one_found in found:
        assert form(one_found) == wanted


def test_a_reader_may_change_what_it_has_read(manager: Any) -> None:
    box = manager.dict(a=numbers(), b=bytearray(100_000))
    first, second = box["a"], box["b"]
    first[:] = 7
    second[:3] = b"abc"
    second.append(1)
    assert (box["a"] == numbers()).all() and box["b"] == bytearray(100_000)
    array = numbers()
    box["a"] = array
    array[:] = 0
    assert (box["a"] == numbers()).all()


def test_other_objects_with_buffers(manager: Any) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    table = pyarrow.table({"n": list(range(30_000)), "text": ["word"] * 30_000})
    box = manager.dict(a=table)
    assert box["a"].equals(table)


def test_an_array_beside_a_variable(manager: Any) -> None:
    inner = manager.list([1])
    outer = manager.dict(a=[numbers(), inner])
    del inner
    array, found = outer["a"]
    found.append(2)
    assert outer["a"][1][:] == [1, 2] and (array == numbers()).all()
    del outer["a"]
    assert found[:] == [1, 2]


def test_arrays_travel_between_processes(manager: Any) -> None:
    box = manager.dict(a=numbers())

    def double() -> None:
        box["a"] *= 2

    worker = FORK.Process(target=double)
    worker.start()
    worker.join()
    assert (box["a"] == numbers() * 2).all()


def test_arrays_in_a_shared_global_and_a_monitor() -> None:
    box = sharevar.shared("arrays of the test", sharevar.ValueProxy, numbers())
    assert form(box.value) == form(numbers())
    held = Held()
    held.change()
    held.change()
    assert held.array[0] == 2 and held.array.shape == (40_000,)
    with pytest.raises(ValueError, match="undone"):
        held.fail()
    assert held.array[0] == 2


@sharevar.monitor
class Held:
    def __init__(self) -> None:
        self.array = numbers()

    def change(self) -> None:
        self.array[0] += 1

    def fail(self) -> None:
        self.array[0] = 99
        raise ValueError("undone")


def test_named_managers_refuse_arrays_as_any_pickle(tmp_path: Any) -> None:
    name = f"arrays-{os.getpid()}"
    with sharevar.Manager(name=name) as manager:
        box = manager.dict(name="box")
        for value in (numbers(), bytearray(100_000), [numbers()]):
            with pytest.raises(sharevar.PickleRefused):
                box["a"] = value
    with sharevar.Manager(name=f"{name}-pickle", pickle=True) as manager:
        box = manager.dict(name="box")
        box["a"], box["b"] = numbers(), [read_only(), bytearray(70_000)]
        program = f"""
import sharevar

box = sharevar.attach({name + "-pickle"!r})["box"]
for read in (lambda: box["a"], lambda: box.view("a"), lambda: box["b"]):
    try:
        read()
    except sharevar.PickleRefused:
        continue
    raise AssertionError("it was read")
"""
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=60)
        assert (done.returncode, done.stderr) == (0, b"")
        with sharevar.attach(f"{name}-pickle", read_only=True, pickle=True) as reader:
            assert form(reader["box"]["a"]) == form(numbers())
            assert form(reader["box"]["b"]) == form([read_only(), bytearray(70_000)])
        manager.dump(tmp_path / "dump")
    with sharevar.Manager(name=f"{name}-again", load=tmp_path / "dump", pickle=True) as again:
        assert form(again["box"]["b"]) == form([read_only(), bytearray(70_000)])


def test_arrays_of_an_engine_without_long_values() -> None:
    with sharevar.Manager("memory:") as manager:
        assert form(manager.dict(a=numbers())["a"]) == form(numbers())


def test_what_is_replaced_is_given_back() -> None:
    with sharevar.Manager(capacity=8 * MIB) as manager:
        box, queue = manager.dict(), manager.Queue()
        for number in range(60):
            array = np.full(MIB, number, dtype="u1")
            box["a"] = [array, bytearray(100_000)]
            queue.put(array)
            assert queue.get()[0] == box["a"][0][-1] == number


def test_a_value_that_finds_no_room_changes_nothing() -> None:
    with sharevar.Manager(capacity=8 * MIB) as manager:
        box, items = manager.dict(a=1), manager.list([1])
        for value in (np.zeros(9 * MIB, dtype="u1"), bytearray(9 * MIB)):
            for attempt in (box.__setitem__, items.insert):
                with pytest.raises(sharevar.OutOfSharedMemory):
                    attempt(0, value)
        assert dict(box) == {"a": 1} and items[:] == [1]
        box["a"] = np.zeros(2 * MIB, dtype="u1")
        assert box["a"].shape == (2 * MIB,)


def write_for_ever(box: Any, started: Any) -> None:
    started.set()
    for number in range(1 << 30):
        box["a"] = [np.full(128 * KIB + number % 7, number % 256, dtype="u1"), number % 256]
        box[number % 50] = number
        del box[number % 50]


def test_a_reader_beside_writers_that_are_killed_sees_whole_values() -> None:
    with sharevar.Manager(capacity=32 * MIB) as manager:
        box, started = manager.dict(a=[np.zeros(128 * KIB, dtype="u1"), 0]), manager.Event()
        writers = [FORK.Process(target=write_for_ever, args=(box, started)) for _ in range(2)]
        for writer in writers:
            writer.start()
        started.wait()
        seen: set[int] = set()
        reads = 0
        # A writer may not run for a while.
        while reads < 300 or len(seen) < 3:
            array, number = box["a"]
            assert (array == number).all()
            seen.add(number)
            reads += 1
        for writer in writers:
            os.kill(writer.pid or 0, signal.SIGKILL)
            writer.join()
        for number in range(40):
            box["a"] = np.full(4 * MIB, number, dtype="u1")
        assert (box["a"] == 39).all()


def test_an_array_that_another_thread_changes_is_stored_in_some_state(manager: Any) -> None:
    array, box, ended = np.zeros(MIB, dtype="u1"), manager.dict(), threading.Event()

    def change() -> None:
        while not ended.is_set():
            array[:] = array[0] ^ 1

    changer = threading.Thread(target=change)
    changer.start()
    try:
        for _ in range(50):
            box["a"] = array
            assert box["a"].max() <= 1
    finally:
        ended.set()
        changer.join()


def test_a_programs_own_way_to_pickle_arrays_counts(
    manager: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    reducers = ForkingPickler._extra_reducers
    monkeypatch.setitem(reducers, np.ndarray, lambda array: (list, ("own",)))
    whole = np.zeros((300, 300))
    for array in (whole, whole[:, ::2], whole.T, whole[:2, :2]):
        assert manager.list([array])[0] == ["o", "w", "n"]
