"""Tasks of Celery, whose broker is a folder."""

from __future__ import annotations

import os
import signal
import time
import uuid
from pathlib import Path
from typing import Any

from celery import Celery
from kombu.transport import filesystem
from kombu.utils.json import dumps

import sharevar


class WholeFiles(filesystem.Channel):
    """Messages that appear in the folder with their contents.

    Kombu's own makes an empty file first and writes the message then. A worker that takes the
    file in between ends, since an empty file is no JSON.
    """

    def _put(self, queue: str, payload: Any, **_: Any) -> None:
        # The oldest comes first, by name.
        name = f"{time.monotonic_ns():020}_{uuid.uuid4()}.{queue}.msg"
        file = Path(self.data_folder_out, name)
        unfinished = file.with_suffix(".unfinished")
        unfinished.write_text(dumps(payload))
        unfinished.rename(file)


class Folder(filesystem.Transport):
    """The transport of such messages."""

    Channel = WholeFiles


folder = os.environ["TEST_BROKER"]
celery = Celery("tasks")
celery.conf.broker_transport = f"{__name__}:Folder"
celery.conf.broker_transport_options = {
    "data_folder_in": folder, "data_folder_out": folder, "control_folder": folder,
}  # fmt: skip
celery.conf.worker_hijack_root_logger = False

# The application's name comes from the environment: `app=` or SHAREVAR_APP.
_named = {"app": os.environ["TEST_APP"]} if "TEST_APP" in os.environ else {}
sent = sharevar.shared("sent", int, **_named)
done = sharevar.shared("done", int, **_named)
workers = sharevar.shared("workers", set, **_named)
killed = sharevar.shared("killed", set, **_named)


@celery.task
def count() -> None:
    """Count one task."""
    workers.add(os.getpid())
    done.incr()


@celery.task
def count_and_die() -> None:
    """Count one task, whose process is killed in it.

    A process that waits for a task may hold the lock of the pool's queue, as those of
    ``multiprocessing.Pool`` do: killed there, it stops the whole pool.
    """
    killed.add(os.getpid())
    done.incr()
    os.kill(os.getpid(), signal.SIGKILL)
