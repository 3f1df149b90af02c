"""A hit counter and a rate limit for a web server, whichever of its workers answers.

    gunicorn -w 4 --chdir examples/python hit_counter:application

An application of WSGI. The variables are found by the name of the application, so that it is
the same under uWSGI, under gunicorn with and without --preload, and in a shell:

    >>> sharevar.attach("hit-counter")["hits"]
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from typing import Any

import sharevar

REQUESTS, SECONDS = 100, 60

APP = os.environ.get("SHAREVAR_APP", "hit-counter")
hits = sharevar.shared("hits", dict, app=APP)
windows = sharevar.shared("windows", dict, app=APP)


def is_allowed(client: str) -> bool:
    """Whether a client has made at most `REQUESTS` in this window of `SECONDS`."""
    window = int(time.time() // SECONDS)
    # One operation, so that two workers never count two requests as one.
    if windows.incr((window, "all")) == 1:
        for key in windows.keys():
            if key[0] < window:
                windows.pop(key, None)
    return windows.incr((window, client)) <= REQUESTS


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    if not is_allowed(environ.get("REMOTE_ADDR", "")):
        start_response("429 Too Many Requests", [("Retry-After", str(SECONDS))])
        return [b"too many requests\n"]
    count = hits.incr(environ["PATH_INFO"])
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"request {count} of {environ['PATH_INFO']}\n".encode()]
