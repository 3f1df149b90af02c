"""A test that hangs is ended when its time is over, whatever it waits for then.

pytest-timeout raises once, in the main thread. That ends a wait, and not always the test:
what `with` or `finally` does next may wait for the same child, for ever. So those that are
waited for are killed first, it is raised again and again, the end of a test that has failed
has a limit of its own, and what hears no signal at all ends with the whole process.
"""

from __future__ import annotations

import ctypes
import os
import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import pytest_timeout

# From one attempt to the next, and from the first to the end of the process.
AGAIN, LAST = 5.0, 60.0

SETTINGS = pytest.StashKey[Any]()

_TICKS = os.sysconf("SC_CLK_TCK")


@pytest.hookimpl(tryfirst=True)
def pytest_timeout_set_timer(item: pytest.Item, settings: Any) -> bool | None:
    """Instead of pytest-timeout's own way, whose options and marks hold."""
    if settings.method != "signal" or threading.current_thread() is not threading.main_thread():
        return None
    item.stash[SETTINGS] = settings
    begun, owner = _now(), os.getpid()

    def expired(number: int, frame: Any) -> None:
        __tracebackhide__ = True
        if os.getpid() != owner:
            # A forked child has inherited the handler, and set an alarm of its own.
            os._exit(1)
        if not settings.disable_debugger_detection and pytest_timeout.is_debugging():
            return
        kill_descendants(begun)
        pytest_timeout.timeout_sigalrm(item, settings)

    def cancel() -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)

    item.cancel_timeout = cancel  # type: ignore[attr-defined]
    signal.signal(signal.SIGALRM, expired)
    signal.setitimer(signal.ITIMER_REAL, settings.timeout, AGAIN)
    _abort_after(settings.timeout + LAST)
    return True


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Iterator[None]:
    """What has failed is not interrupted while pytest writes about it."""
    if call.excinfo is not None and SETTINGS in item.stash:
        signal.setitimer(signal.ITIMER_REAL, 0)
    yield


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    """It has as long again: the clock was stopped if the test has failed."""
    settings = item.stash.get(SETTINGS, None)
    if settings is not None and not settings.func_only:
        pytest_timeout_set_timer(item, settings)
    yield


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    yield
    _abort_after(0)


def pytest_unconfigure() -> None:
    """A thread that a test has left may keep the interpreter from its end."""
    _abort_after(LAST)


def kill_descendants(since: int) -> None:
    """All processes below this one that began since then."""
    parents: dict[int, int] = {}
    births: dict[int, int] = {}
    for name in os.listdir("/proc"):
        if name.isdecimal():
            try:
                with open(f"/proc/{name}/stat") as stat:
                    fields = stat.read().rpartition(")")[2].split()
            except OSError:
                continue
            parents[int(name)], births[int(name)] = int(fields[1]), int(fields[19])
    for pid, birth in births.items():
        if birth >= since and os.getpid() in _ancestors(pid, parents):
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                continue


def _ancestors(pid: int, parents: dict[int, int]) -> Iterator[int]:
    while pid := parents.get(pid, 0):
        yield pid


def _now() -> int:
    """As the kernel notes when a process began."""
    return int(time.clock_gettime(time.CLOCK_BOOTTIME) * _TICKS)


class _Event(ctypes.Structure):
    """``struct sigevent``: which signal a timer sends."""

    _fields_ = (
        ("value", ctypes.c_void_p),
        ("signal", ctypes.c_int),
        ("notify", ctypes.c_int),
        ("rest", ctypes.c_byte * 48),
    )


class _Times(ctypes.Structure):
    """``struct itimerspec``: again and again after so long, and first after so long."""

    _fields_ = (
        ("again_seconds", ctypes.c_long),
        ("again_nanoseconds", ctypes.c_long),
        ("first_seconds", ctypes.c_long),
        ("first_nanoseconds", ctypes.c_long),
    )


_timers: list[ctypes.c_void_p] = []


def _abort_after(seconds: float) -> None:
    """Send SIGABRT, which tells where each thread is and ends the process; 0 is never.

    A timer of the kernel does it: Python may not come to run a handler, and a thread
    would be one that forks warn of. No child inherits it.
    """
    library = ctypes.CDLL(None, use_errno=True)
    if not hasattr(library, "timer_create"):
        library = ctypes.CDLL("librt.so.1", use_errno=True)
    if not _timers:
        timer = ctypes.c_void_p()
        event = _Event(signal=signal.SIGABRT, notify=0)
        if library.timer_create(time.CLOCK_MONOTONIC, ctypes.byref(event), ctypes.byref(timer)):
            raise OSError(ctypes.get_errno(), "timer_create")
        _timers.append(timer)
    times = _Times(0, 0, int(seconds), int(seconds % 1 * 1e9))
    if library.timer_settime(_timers[0], 0, ctypes.byref(times), None):
        raise OSError(ctypes.get_errno(), "timer_settime")
