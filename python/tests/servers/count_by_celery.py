"""A worker of Celery that a program starts, and tasks that the program sends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

from tasks import count, done, sent

if __name__ == "__main__":
    command = [sys.executable, "-m", "celery", "-A", "tasks:celery", "worker", "-c", "2"]
    worker = subprocess.Popen(
        [*command, "--without-gossip", "--without-mingle", "--without-heartbeat"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        for _ in range(40):
            sent.incr()
            count.delay()
        end = time.monotonic() + 90
        while done.get() < 40 and time.monotonic() < end:
            time.sleep(0.01)
        assert sent.get() == 40
        print(done.get())
    finally:
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()
