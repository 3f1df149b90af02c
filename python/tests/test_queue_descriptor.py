"""The descriptor of a queue: readable while there are items, in any process that asks."""

from __future__ import annotations

import asyncio
import fcntl
import multiprocessing.connection
import os
import select
import selectors
import signal
import subprocess
import sys
import threading
from typing import Any

import pytest
from support.waiting import eventually

import sharevar

# A queue whose descriptor is asked for has a thread; Python 3.12 warns of forks beside one.
pytestmark = [
    pytest.mark.long,
    pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning"),
]

KINDS = ("Queue", "JoinableQueue", "SimpleQueue", "m.Queue", "m.JoinableQueue")
# Operations of other processes are followed a moment later; in less than this, on any machine.
LIMIT = 30


@pytest.fixture(params=KINDS)
def queue(request: pytest.FixtureRequest, manager: Any) -> Any:
    home = manager if request.param.startswith("m.") else sharevar
    return getattr(home, request.param.removeprefix("m."))()


def is_readable(thing: Any, timeout: float = 0) -> bool:
    return bool(select.select([thing], [], [], timeout)[0])


def test_it_is_readable_when_there_is_an_item(queue: Any) -> None:
    descriptor = queue.fileno()
    assert descriptor == queue.fileno() == queue._reader.fileno()
    for thing in (queue, queue._reader, descriptor):
        for _ in range(100):
            assert not is_readable(thing)
            queue.put(1)
            assert is_readable(thing)
            queue.put(2)
            queue.get()
            assert is_readable(thing)
            queue.get()
            assert not is_readable(thing)


def test_items_that_were_there_before_are_seen(queue: Any) -> None:
    queue.put("x" * 1000)
    assert is_readable(queue)
    queue.get()
    assert not is_readable(queue)


def put(queue: Any, item: Any) -> None:
    queue.put(item)


def get(queue: Any) -> None:
    queue.get()


@pytest.mark.one_version
def test_other_processes_put_and_get(queue: Any, context: Any) -> None:
    descriptor = queue.fileno()
    for item in (1, "x" * 10_000):
        child = context.Process(target=put, args=(queue, item))
        child.start()
        assert is_readable(descriptor, LIMIT)
        child.join()
        assert is_readable(descriptor)
        child = context.Process(target=get, args=(queue,))
        child.start()
        child.join()
        eventually(lambda: not is_readable(descriptor))


def follow(queue: Any, told: Any, go_on: Any) -> None:
    told.put((is_readable(queue, LIMIT), queue.get(), is_readable(queue)))
    go_on.wait()


def test_each_process_that_asks_has_one(queue: Any, context: Any) -> None:
    here, told, go_on = queue.fileno(), sharevar.SimpleQueue(), sharevar.Event()
    children = [context.Process(target=follow, args=(queue, told, go_on)) for _ in range(2)]
    for child in children:
        child.start()
        queue.put(child.name)
        # Here the item is gone, whichever process got it.
        assert told.get() == (True, child.name, False)
        eventually(lambda: not is_readable(here))
    go_on.set()
    for child in children:
        child.join()


def test_an_item_is_not_lost_to_who_looks(queue: Any) -> None:
    """Those that look are woken besides those that take, not instead of them."""
    got: list[Any] = []
    takers = [threading.Thread(target=lambda: got.append(queue.get())) for _ in range(3)]
    lookers = [threading.Thread(target=queue._reader.poll, args=(LIMIT,)) for _ in range(3)]
    queue.fileno()
    for thread in (*lookers, *takers):
        thread.start()
    for item in range(3):
        queue.put(item)
    for taker in takers:
        taker.join(LIMIT)
    assert sorted(got) == [0, 1, 2]
    queue.put(3)
    for looker in lookers:
        looker.join(LIMIT)
        assert not looker.is_alive()
    assert queue.get() == 3


def test_poll_takes_nothing(queue: Any) -> None:
    reader = queue._reader
    assert reader.poll() is reader.poll(0) is reader.poll(0.01) is False
    queue.put(1)
    assert reader.poll() is reader.poll(5) is reader.poll(None) is True
    assert reader.recv() == 1
    queue._writer.send(2)
    assert queue.get() == 2


def test_selectors_and_sentinels(queue: Any, context: Any) -> None:
    if sys.version_info < (3, 11) and context.get_start_method() == "fork":
        # The child takes the lock of the list of threads before it makes it anew: it waits for
        # ever where a thread had it, such as that of the queue of the test before.
        pytest.skip("Python 3.10 cannot fork while a thread begins or ends")
    child = context.Process(target=put, args=(queue, 5))
    child.start()
    ready: list[Any] = []
    while queue._reader not in ready:
        ready = multiprocessing.connection.wait([queue._reader, child.sentinel], LIMIT)
        assert ready
    child.join()
    with selectors.DefaultSelector() as selector:
        selector.register(queue, selectors.EVENT_READ, "items")
        assert [key.data for key, _ in selector.select(LIMIT)] == ["items"]
        assert queue.get() == 5
        assert selector.select(0) == []


def test_an_event_loop_reads(queue: Any) -> None:
    async def read(count: int) -> list[int]:
        loop = asyncio.get_running_loop()
        items: list[int] = []
        done = loop.create_future()

        def take() -> None:
            items.append(queue.get())
            if len(items) == count:
                done.set_result(None)

        loop.add_reader(queue.fileno(), take)
        threading.Thread(target=lambda: [queue.put(item) for item in range(count)]).start()
        await asyncio.wait_for(done, LIMIT)
        loop.remove_reader(queue.fileno())
        return items

    assert asyncio.run(read(200)) == list(range(200))


def test_who_puts_and_is_killed_leaves_it_right(queue: Any) -> None:
    descriptor = queue.fileno()
    for _ in range(5):
        child = os.fork()
        if child == 0:
            while True:
                queue.put(1)
        assert is_readable(descriptor, LIMIT)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        while not queue.empty():
            queue.get()
        eventually(lambda: not is_readable(descriptor))
        queue.put(2)
        assert is_readable(descriptor)
        queue.get()


def test_it_shows_that_nothing_will_come(queue: Any) -> None:
    if not hasattr(queue, "shutdown"):
        pytest.skip("this queue cannot be shut down")
    descriptor = queue.fileno()
    child = os.fork()
    if child == 0:
        queue.shutdown()
        os._exit(0)
    os.waitpid(child, 0)
    assert is_readable(descriptor, LIMIT)


def test_it_shows_that_the_manager_is_gone() -> None:
    manager = sharevar.Manager()
    queue = manager.Queue()
    descriptor = queue.fileno()
    assert not is_readable(descriptor)
    manager.shutdown()
    assert is_readable(descriptor, LIMIT)
    with pytest.raises(sharevar.ClosedError):
        queue.get()


def test_the_writers_end_is_writable(queue: Any) -> None:
    writer = queue._writer
    fcntl.fcntl(writer.fileno(), fcntl.F_GETFD)
    assert select.select([], [writer], [], 0)[1] == [writer]
    assert not writer.closed


def test_descriptors_are_given_back(manager: Any) -> None:
    before = os.listdir("/proc/self/fd")
    for _ in range(50):
        manager.Queue().fileno()
    assert len(os.listdir("/proc/self/fd")) <= len(before) + 1
    queue = manager.list([manager.Queue()])
    # One for all objects of the same queue.
    assert len({(each := queue[0]).fileno() for _ in range(3)} | {each.fileno()}) == 1


def test_a_program_may_close_all_descriptors(tmp_path: Any) -> None:
    source = (
        "import os, select, sys, sharevar\n"
        "queue = sharevar.Queue()\n"
        "first = queue.fileno()\n"
        "os.closerange(3, 256)\n"
        "files = [open(sys.argv[1], 'w') for _ in range(20)]\n"
        "for _ in range(10):\n"
        "    queue.put(1); queue.get()\n"
        "[file.close() for file in files]\n"
        "assert open(sys.argv[1]).read() == ''\n"
        "queue.put(1)\n"
        "assert select.select([queue], [], [], 0)[0]\n"
        "queue.get()\n"
        "assert not select.select([queue], [], [], 0)[0]\n"
    )
    file = tmp_path / "file"
    subprocess.run([sys.executable, "-c", source, str(file)], check=True, timeout=60)


def test_a_forked_child_asks_for_its_own(queue: Any) -> None:
    queue.put(1)
    assert is_readable(queue)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            assert is_readable(queue)
            queue.get()
            assert not is_readable(queue)
            queue.put(2)
            assert is_readable(queue)
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    assert is_readable(queue, LIMIT)
    assert queue.get() == 2
    assert not is_readable(queue)


def test_a_process_that_waits_for_a_queue_ends() -> None:
    source = (
        "import sharevar\n"
        "queues = [sharevar.Queue() for _ in range(3)]\n"
        "print(len({queue.fileno() for queue in queues}))\n"
    )
    shown = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, timeout=60, check=True
    )
    assert (shown.stdout, shown.stderr) == ("3\n", "")
