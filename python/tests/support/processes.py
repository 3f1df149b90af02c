"""Ending and stopping processes, and looking at their threads and descriptors."""

from __future__ import annotations

import multiprocessing.connection
import os
import signal
from typing import Any

from support.waiting import eventually, sleeps


def kill_host(manager: Any) -> None:
    """Kills a manager's host, and waits for its end: until then it may begin a call."""
    pid = manager._process.pid
    descriptor = os.pidfd_open(pid)
    os.kill(pid, signal.SIGKILL)
    assert multiprocessing.connection.wait([descriptor], timeout=30)
    os.close(descriptor)


def kill_child(child: Any) -> None:
    """Kills a process of multiprocessing, and reaps it."""
    os.kill(child.pid, signal.SIGKILL)
    child.join()
    assert child.exitcode == -signal.SIGKILL


def stop(pid: int) -> None:
    """Stops a process, and waits until all its threads stand."""
    os.kill(pid, signal.SIGSTOP)

    def all_stand() -> bool:
        try:
            return all(state(pid, thread) == "T" for thread in threads(pid))
        except (FileNotFoundError, ProcessLookupError):
            # A thread has ended meanwhile.
            return False

    eventually(all_stand)


def stop_in_wait(pid: int) -> None:
    """Stops a process whose first thread sleeps, in that sleep.

    A process that is stopped inside of an operation may hold a lock for which others wait.
    """
    while True:
        eventually(lambda: sleeps(pid))
        asleep = _system_call(pid)
        stop(pid)
        if _system_call(pid) == asleep:
            return
        os.kill(pid, signal.SIGCONT)


def _system_call(pid: int) -> str:
    """The call in which the kernel has the first thread, with its arguments."""
    with open(f"/proc/{pid}/syscall") as call:
        return call.read()


def threads(pid: int) -> list[int]:
    return [int(name) for name in os.listdir(f"/proc/{pid}/task")]


def state(pid: int, thread: int) -> str:
    with open(f"/proc/{pid}/task/{thread}/stat") as stat:
        return stat.read().rpartition(")")[2].split()[0]


def descriptors(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))
