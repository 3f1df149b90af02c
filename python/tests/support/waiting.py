"""Waiting for what others do, and seeing that they wait."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any


def eventually(condition: Callable[[], Any]) -> Any:
    """Others need a moment for it; a hang is a failure. Gives what the condition gave."""
    end = time.monotonic() + 50
    while not (found := condition()):
        assert time.monotonic() < end, "it never came"
        time.sleep(0.001)
    return found


def eventually_raises(error: type[Exception], operation: Callable[[], Any]) -> None:
    """Others need a moment until an operation raises that error."""

    def has_raised() -> bool:
        try:
            operation()
        except error:
            return True
        return False

    eventually(has_raised)


def sleeps(process: int, thread: int | None = None) -> bool:
    """Whether a thread, or else the first of a process, sleeps in the kernel for some time.

    Two looks: one that only waits for the interpreter, which the looking thread has taken from
    it, runs in between.
    """
    looks = []
    for _ in range(2):
        try:
            with open(f"/proc/{process}/task/{thread or process}/status") as status:
                lines = dict(line.split(":", 1) for line in status)
        except (FileNotFoundError, ProcessLookupError):
            return False
        looks.append((lines["State"].split()[0], lines["voluntary_ctxt_switches"]))
        time.sleep(0.002)
    return looks[0] == looks[1] and looks[0][0] == "S"


def all_sleep(children: Iterable[Any]) -> bool:
    """Whether all these processes do."""
    return all(sleeps(child.pid) for child in children)


@contextmanager
def interrupted(number: int = signal.SIGINT) -> Iterator[None]:
    """One signal to this thread, once it sleeps in the kernel.

    It stands inside of what expects the error: a machine under load may be anywhere in it.
    SIGALRM and its clock belong to the limit of the test.
    """
    main, over = threading.current_thread(), threading.Event()

    def interrupt() -> None:
        while not sleeps(os.getpid(), main.native_id):
            if over.is_set():
                return
        assert main.ident is not None
        signal.pthread_kill(main.ident, number)

    interrupter = threading.Thread(target=interrupt)
    interrupter.start()
    try:
        yield
    finally:
        over.set()
        interrupter.join()


class Promise:
    """A time within which something is promised, however often it is tried.

    A machine under load may be late, again and again, but not always: one attempt of many
    that is in time shows that nothing in the way takes longer.
    """

    ATTEMPTS = 10

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.taken: list[float] = []

    def attempts(self) -> Iterator[int]:
        """Until one has been in time."""
        for number in range(self.ATTEMPTS):
            yield number
            if self.taken[-1] < self.seconds:
                return
        raise AssertionError(f"not once within {self.seconds} s: {self.taken}")

    @contextmanager
    def measured(self) -> Iterator[None]:
        begin = time.monotonic()
        yield
        self.taken.append(time.monotonic() - begin)


def grown_limits() -> Iterator[float]:
    """Time limits for what must begin within one and not end: each is twice the one before."""
    limit = 0.05
    while limit < 20:
        yield limit
        limit *= 2
    raise AssertionError("it did not begin within any limit")
