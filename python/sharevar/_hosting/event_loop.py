"""The event loop of a host, which runs the coroutines of its objects."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any

from .current_call import Call, of_context
from .disconnects import Disconnects


class EventLoop:
    """One loop, and a thread for it that starts with the first coroutine."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: tuple[asyncio.AbstractEventLoop, Disconnects] | None = None

    def start(self) -> tuple[asyncio.AbstractEventLoop, Disconnects]:
        """Start the loop if it does not run; the loop, and the watch over its callers."""
        with self._lock:
            if self._running is None:
                loop = asyncio.new_event_loop()
                self._running = loop, Disconnects(loop)
                threading.Thread(
                    target=loop.run_forever, name="sharevar coroutines", daemon=True
                ).start()
            return self._running

    def run_coroutine(self, coroutine: Coroutine[Any, Any, Any], descriptor: int) -> Any:
        """Run a coroutine; its result. It is cancelled when its caller disconnects."""
        loop, disconnects = self.start()
        served = _serve(coroutine, descriptor, disconnects)
        result, error = asyncio.run_coroutine_threadsafe(served, loop).result()
        if error is not None:
            raise error
        return result


async def _serve(
    coroutine: Coroutine[Any, Any, Any], descriptor: int, disconnects: Disconnects
) -> tuple[Any, BaseException | None]:
    task = asyncio.current_task()
    assert task is not None
    call = Call()
    of_context.set(call)

    def on_disconnect() -> None:
        call.note_disconnect()
        task.cancel()

    disconnects.watch(descriptor, on_disconnect)
    try:
        return await coroutine, None
    except asyncio.CancelledError:
        raise
    except BaseException as error:
        # A SystemExit would end the loop.
        return None, error
    finally:
        disconnects.forget(descriptor)
