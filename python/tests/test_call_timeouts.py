"""Time limits of calls of hosted objects."""

from __future__ import annotations

import asyncio
import multiprocessing
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from support.waiting import grown_limits

import sharevar
from sharevar.hosting import current_call
from sharevar.managers import BaseManager

pytestmark = pytest.mark.long


class Desk:
    def __init__(self) -> None:
        self._number = 0
        self._begun = threading.Semaphore(0)
        self._cancelled = threading.Semaphore(0)

    def add(self, number: int) -> int:
        self._number += number
        return self._number

    def until_cancelled(self) -> None:
        self._begun.release()
        call = current_call()
        while not call.cancelled:
            pass
        self._cancelled.release()

    async def stay(self) -> None:
        self._begun.release()
        try:
            await asyncio.Event().wait()
        finally:
            self._cancelled.release()

    def await_cancelled(self) -> bool:
        return self._cancelled.acquire(timeout=50)

    def has_begun(self, wait: float) -> bool:
        return self._begun.acquire(timeout=wait)

    def is_cancelled(self) -> bool:
        return current_call().cancelled

    def itself(self) -> Desk:
        return self


class Manager(BaseManager):
    pass


Manager.register("Desk", Desk)
Manager.register("RLock", threading.RLock)

WAITING = ("until_cancelled", "stay")


@pytest.fixture
def host() -> Iterator[Any]:
    with Manager() as manager:
        yield manager


@pytest.fixture
def desk(host: Any) -> Any:
    return host.Desk()


def test_in_time(desk: Any) -> None:
    limited = desk._within(50)
    assert limited.add(1) == 1
    assert desk.add(1) == 2
    assert not limited.is_cancelled()
    assert desk._within(None).add(1) == 3


def give_up(desk: Any, method: str, error: type[BaseException] = sharevar.CallTimedOut) -> None:
    """A call that has begun is given up; on a busy machine it may come too late for that."""
    for limit in grown_limits():
        with pytest.raises(error):
            getattr(desk._within(limit), method)()
        if desk.has_begun(limit):
            break


@pytest.mark.parametrize("method", WAITING)
def test_too_late(desk: Any, method: str) -> None:
    give_up(desk, method)
    # It was cancelled at the host, and the next call gets its own reply.
    assert desk.await_cancelled()
    assert desk._within(50).add(4) == 4


@pytest.mark.parametrize("method", WAITING)
def test_too_late_when_awaited(desk: Any, method: str) -> None:
    async def main() -> None:
        for limit in grown_limits():
            with pytest.raises(sharevar.CallTimedOut) as late:
                await getattr(desk._within(limit), f"{method}_async")()
            assert late.value.happened is None
            if await desk.has_begun_async(limit):
                break
        assert await desk.await_cancelled_async()
        assert await desk._within(50).add_async(4) == 4

    asyncio.run(main())


def test_the_error_is_what_programs_expect(desk: Any) -> None:
    for kind in (TimeoutError, multiprocessing.TimeoutError, sharevar.SharevarError):
        give_up(desk, "until_cancelled", kind)
        assert desk.await_cancelled()


def test_the_proxy_itself_has_no_limit(desk: Any) -> None:
    limited = desk._within(50)
    assert limited is not desk
    assert limited.itself() is limited
    assert desk.itself() is desk
    assert desk._options is None


def test_a_limited_proxy_keeps_the_object(host: Any) -> None:
    limited = host.Desk()._within(50)
    assert limited.add(2) == 2


def test_what_is_called_by_threads_has_no_limits(host: Any) -> None:
    with pytest.raises(TypeError, match="plain calls only"):
        host.RLock()._within(1)


def give_up_here(desk: Any) -> None:
    give_up(desk, "until_cancelled")
    assert desk.add(1) == 1


def test_in_other_processes(context: Any) -> None:
    with Manager(ctx=context) as host:
        desk = host.Desk()  # type: ignore[attr-defined]
        child = context.Process(target=give_up_here, args=(desk,))
        child.start()
        child.join()
        assert child.exitcode == 0
        assert desk.await_cancelled()
