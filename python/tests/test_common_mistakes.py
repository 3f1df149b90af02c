"""The commonest mistakes get an error that says what to write instead."""

from __future__ import annotations

import asyncio
import io
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest

import sharevar


@sharevar.monitor
class WithThreadingLock:
    def __init__(self) -> None:
        self.lock = threading.Lock()


async def _enter(lock: Any) -> None:
    async with lock:
        pass


MISTAKES: dict[str, tuple[Callable[[Any], Any], str]] = {
    "a value as the kind": (lambda m: sharevar.shared("x", {}), r"shared\('x', dict, \{\}\)"),
    "the kind first": (lambda m: sharevar.shared(list, "x"), r'shared\("names", list\)'),
    "no type code": (lambda m: sharevar.Array("z", 3), "give one of the codes"),
    "a Python type as a code": (lambda m: sharevar.Value(int), "ctypes.c_int"),
    "a lock of threading": (lambda m: WithThreadingLock(), r"sharevar.Lock\(\)"),
    "a recursive one": (lambda m: m.dict(a=threading.RLock()), r"sharevar.RLock\(\)"),
    "an event of threading": (lambda m: m.list([threading.Event()]), r"Event\(\)"),
    "an open file": (lambda m: m.list([io.TextIOWrapper(io.BytesIO())]), "sharevar.open"),
    "a file of bytes": (lambda m: m.list([io.BufferedReader(io.BytesIO())]), "sharevar.open"),
    "one without a buffer": (lambda m: m.list([io.FileIO(0, closefd=False)]), "sharevar.open"),
    "a lambda": (lambda m: m.list([lambda: 1]), "top level of a module"),
    "a generator": (lambda m: m.list([(i for i in ())]), "into a list"),
    "a module": (lambda m: m.list([sys]), "store its name"),
    "a unit that is none": (lambda m: sharevar.Manager(capacity="1X"), '"1G"'),
    "a float of bytes": (lambda m: sharevar.Manager(capacity=1.5), '"1G"'),
    "a file to be read": (lambda m: sharevar.open("f", "r"), "'a' or 'ab'"),
    "async with": (lambda m: asyncio.run(_enter(sharevar.Lock())), "to_thread"),
    "a published variable": (lambda m: m.publish("a", m.dict()), "sharevar.shared"),
    "a name with a blank": (lambda m: sharevar.Manager(name="a b"), "letters"),
    "no such manager": (lambda m: sharevar.attach("no-such-manager"), "make it first"),
    "a shared Counter": (
        lambda m: sharevar.shared("c", __import__("collections").Counter), "incr",
    ),
    "a shared deque": (
        lambda m: sharevar.shared("q", __import__("collections").deque), "sharevar.Queue",
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_the_error_says_what_to_write(manager: Any, mistake: str) -> None:
    make, said = MISTAKES[mistake]
    with pytest.raises(Exception, match=said):
        make(manager)


def test_a_length_makes_an_array_of_zeros(manager: Any) -> None:
    assert manager.Array("d", 1000)[:].tolist() == [0.0] * 1000


@pytest.mark.parametrize(
    ("text", "size"), [("64M", 64 << 20), ("1 GiB", 1 << 30), ("16777216", 16 << 20)]
)
def test_a_capacity_may_be_a_text(text: str, size: int) -> None:
    with sharevar.Manager(capacity=text) as made, sharevar.Manager(capacity=size) as same:
        assert made.arena.capacity == same.arena.capacity


OWN_LOCK = """
import signal, sharevar
lock = sharevar.Lock()
lock.acquire()
signal.signal(signal.SIGUSR1, lambda *_: lock.release())
lock.acquire()          # line 6
print("taken")
"""


@pytest.mark.long
def test_a_thread_that_waits_for_itself_is_told_where() -> None:
    command = [sys.executable, "-c", OWN_LOCK]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stderr is not None
        said = process.stderr.readline()
        process.send_signal(signal.SIGUSR1)
        printed, further = process.communicate(timeout=50)
    said += further
    assert (printed, process.returncode) == ("taken\n", 0)
    assert said.count("its own thread holds") == 1
    assert "<string>:6" in said and "RLock" in said


OTHER_THREAD = """
import threading, sharevar
lock = sharevar.Lock()
lock.acquire()
threading.Timer(2.5, lock.release).start()
lock.acquire()
"""


@pytest.mark.long
def test_another_thread_may_give_it_back_so_that_nothing_is_said() -> None:
    done = subprocess.run(
        [sys.executable, "-c", OTHER_THREAD], capture_output=True, text=True, timeout=50
    )
    assert (done.returncode, done.stderr) == (0, "")
