"""An item for which there is no room is an error in the caller, and nothing is lost."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

import sharevar

pytestmark = [pytest.mark.long, pytest.mark.one_version]

MIB = 1 << 20
ROOM = 8 * MIB


class Box:
    """Of no native type."""

    def __init__(self, content: bytes) -> None:
        self.content = content


TOO_LARGE: list[Callable[[], Any]] = [
    lambda: bytes(2 * ROOM),
    lambda: "é" * ROOM,
    lambda: bytearray(2 * ROOM),
    lambda: [1, (bytes(2 * ROOM), 2)],
    lambda: Box(bytes(2 * ROOM)),
]


@pytest.fixture
def small() -> Any:
    with sharevar.Manager(capacity=ROOM) as manager:
        yield manager


@pytest.mark.parametrize("large", TOO_LARGE)
def test_every_variable_refuses_it_and_is_as_it_was(
    small: Any, large: Callable[[], Any]
) -> None:
    item = large()
    box, items, value = small.dict(a=1), small.list([1, 2]), small.Value("O", 5)
    space, queue, joinable = small.Namespace(x=1), small.Queue(), small.JoinableQueue()
    attempts: list[Callable[[], Any]] = [
        lambda: box.__setitem__("a", item),
        lambda: box.update({"a": item, "b": 1}),
        lambda: box.setdefault("b", item),
        lambda: items.append(item),
        lambda: items.__setitem__(0, item),
        lambda: items.__setitem__(slice(0, 1), [item]),
        lambda: items.insert(0, item),
        lambda: items.extend([3, item]),
        lambda: value.set(item),
        lambda: setattr(value, "value", item),
        lambda: setattr(space, "x", item),
        lambda: queue.put(item),
        lambda: queue.put_nowait(item),
        lambda: queue.put(item, timeout=0.1),
        lambda: queue.put_many([1, item]),
        lambda: joinable.put(item),
    ]
    for attempt in attempts:
        with pytest.raises(MemoryError):
            attempt()
    assert dict(box) == {"a": 1} and list(items) == [1, 2]
    assert value.get() == 5 and space.x == 1 and joinable.qsize() == 0
    # Items before it in `put_many` may have come in.
    while queue.qsize():
        assert queue.get() == 1
    queue.put("next")
    assert queue.get(timeout=10) == "next"
    box["a"] = bytes(ROOM // 4)
    assert box["a"] == bytes(ROOM // 4)


@pytest.mark.parametrize("form", ["Queue", "JoinableQueue", "SimpleQueue"])
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_queue_of_processes_drops_nothing_for_its_size(
    tmp_path: Any, form: str, method: str
) -> None:
    """The family's arena is small where files may not be large."""
    path = tmp_path / "program.py"
    path.write_text(f"""
import sharevar

class Queue(sharevar.Queue):
    def _on_queue_feeder_error(self, error, item):
        raise AssertionError("it was dropped")

def take(queue, back):
    back.put(queue.get())

if __name__ == "__main__":
    context = sharevar.get_context({method!r})
    queue, back = context.{form}(), context.{form}()
    child = context.Process(target=take, args=(queue, back), daemon=True)
    child.start()
    for item in (bytes(100 << 20), bytearray(100 << 20), ["x" * (100 << 20)]):
        for put in (queue.put, getattr(queue, "put_nowait", queue.put), Queue().put):
            try:
                put(item)
            except sharevar.OutOfSharedMemory as error:
                assert error.asked > 90 << 20
            else:
                raise AssertionError("it was taken or dropped")
    queue.put("next")
    assert back.get() == "next"
    child.join()
    print("OK")
""")
    most = 60 * MIB
    done = subprocess.run(
        [sys.executable, str(path)],
        capture_output=True,
        text=True,
        timeout=60,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)),
    )
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "OK\n")


def test_a_copy_for_which_a_process_has_no_memory_is_an_error() -> None:
    program = """
import resource
import sharevar

box = sharevar.Manager(capacity=1 << 30).dict()
queue = sharevar.Queue()
size = 150 << 20
large, changed, pickled = bytes(size), bytearray(size), [bytearray(size)]
box["large"], box["changed"], box["pickled"] = large, changed, pickled
queue.put(large)
with open("/proc/self/statm") as statm:
    used = int(statm.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (100 << 20), resource.RLIM_INFINITY))
attempts = [
    lambda: box["large"],
    lambda: box["changed"],
    lambda: box["pickled"],
    lambda: box.__setitem__("new", pickled),
    lambda: queue.put(pickled),
]
for attempt in attempts:
    try:
        attempt()
    except MemoryError:
        continue
    raise AssertionError("there was memory")
# Bytes go straight to shared memory, and so does a bytearray.
box["large"], box["changed"] = large, changed
queue.put(large)
resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
assert sorted(box.keys()) == ["changed", "large", "pickled"]
assert box["large"] == large and box["changed"] == changed and box["pickled"] == pickled
assert queue.qsize() == 2 and queue.get() == queue.get() == large
print("OK")
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "OK\n")
