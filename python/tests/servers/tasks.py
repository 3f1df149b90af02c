"""Tasks of Celery, whose broker is a folder."""

from __future__ import annotations

import os

from celery import Celery

import sharevar

folder = os.environ["TEST_BROKER"]
celery = Celery("tasks", broker="filesystem://")
celery.conf.broker_transport_options = {
    "data_folder_in": folder, "data_folder_out": folder, "control_folder": folder,
}  # fmt: skip
celery.conf.worker_hijack_root_logger = False

# The application's name comes from the environment: `app=` or SHAREVAR_APP.
_named = {"app": os.environ["TEST_APP"]} if "TEST_APP" in os.environ else {}
sent = sharevar.shared("sent", int, **_named)
done = sharevar.shared("done", int, **_named)
workers = sharevar.shared("workers", set, **_named)


@celery.task
def count() -> None:
    """Count one task."""
    workers.add(os.getpid())
    done.incr()
