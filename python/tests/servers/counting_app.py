"""A web application that counts its requests, for every kind of server."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import sharevar

# The application's name comes from the environment: `app=` or SHAREVAR_APP.
_named = {"app": os.environ["TEST_APP"]} if "TEST_APP" in os.environ else {}
hits = sharevar.shared("hits", int, **_named)
workers = sharevar.shared("workers", set, **_named)
both = sharevar.shared("both", sharevar.Event, **_named)


def count() -> bytes:
    """Count one request; the answer names the process that did.

    The first worker waits a moment for the second, which might get no request otherwise. Not
    for long: granian accepts connections for a worker that is not ready.
    """
    workers.add(os.getpid())
    if len(workers) > 1:
        both.set()
    both.wait(0.2)
    return b"%d %d" % (hits.incr(), os.getpid())


def wsgi(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """For gunicorn and uWSGI."""
    body = count()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


async def asgi(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[dict[str, Any]]],
    send: Callable[[dict[str, Any]], Awaitable[None]],
) -> None:
    """For uvicorn, granian and hypercorn."""
    if scope["type"] == "lifespan":
        while True:
            event = (await receive())["type"]
            await send({"type": f"{event}.complete"})
            if event == "lifespan.shutdown":
                return
    body = count()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
