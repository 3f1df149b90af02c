"""The event loop of a host, which runs the coroutines of its objects."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any

from .current_call import Call, of_context
from .disconnects import HangUps


class EventLoop:
    """One loop, and a thread for it that starts with the first coroutine."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: tuple[asyncio.AbstractEventLoop, HangUps] | None = None

    def start(self) -> tuple[asyncio.AbstractEventLoop, HangUps]:
        """The loop, which runs, and what watches its callers."""
        with self._lock:
            if self._running is None:
                loop = asyncio.new_event_loop()
                self._running = loop, HangUps(loop)
                threading.Thread(
                    target=loop.run_forever, name="sharevar coroutines", daemon=True
                ).start()
            return self._running

    def complete(self, coroutine: Coroutine[Any, Any, Any], descriptor: int) -> Any:
        """What a coroutine gives. It is cancelled when its caller hangs up."""
        loop, hang_ups = self.start()
        served = _serve(coroutine, descriptor, hang_ups)
        result, error = asyncio.run_coroutine_threadsafe(served, loop).result()
        if error is not None:
            raise error
        return result


async def _serve(
    coroutine: Coroutine[Any, Any, Any], descriptor: int, hang_ups: HangUps
) -> tuple[Any, BaseException | None]:
    task = asyncio.current_task()
    assert task is not None
    call = Call()
    of_context.set(call)

    def hang_up() -> None:
        call.note_hang_up()
        task.cancel()

    hang_ups.watch(descriptor, hang_up)
    try:
        return await coroutine, None
    except asyncio.CancelledError:
        raise
    except BaseException as error:
        # A SystemExit would end the loop.
        return None, error
    finally:
        hang_ups.forget(descriptor)
