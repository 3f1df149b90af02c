"""Threads that are started inside a monitor's method.

Such a thread may wait for the monitor while the method waits for the thread. So it knows
where it was started, and its call of the monitor ends with an error.
"""

from __future__ import annotations

import functools
import threading

from .. import _native


@functools.cache
def arrange() -> None:
    """Have every ``threading.Thread`` that is started from now on know where that was."""
    standard = threading.Thread.start

    @functools.wraps(standard)
    def start(thread: threading.Thread) -> None:
        _native.note_thread_started_inside(thread)
        standard(thread)

    threading.Thread.start = start  # type: ignore[assignment, method-assign]
