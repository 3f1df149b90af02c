"""Calls of hosted objects that are awaited."""

from __future__ import annotations

import asyncio
import concurrent.futures
import copy
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sharevar._hosting import async_calls
from sharevar._native import HostClient
from sharevar.hosting import current_call
from sharevar.managers import BaseManager


class Desk:
    """Keeps what was asked for in order, and can be made to wait."""

    def __init__(self) -> None:
        self.width = 3
        self._asked: list[int] = []
        self._threads: set[int] = set()
        self._begun = threading.Semaphore(0)
        self._open = threading.Semaphore(0)
        self._cancelled = threading.Semaphore(0)

    def ask(self, number: int) -> int:
        self._asked.append(number)
        return number

    def asked(self) -> list[int]:
        return self._asked

    def fail(self) -> None:
        raise LookupError("at the desk")

    def wait(self) -> str:
        self._begun.release()
        self._open.acquire()
        return "opened"

    def open(self) -> None:
        self._open.release()

    def await_begun(self) -> bool:
        return self._begun.acquire(timeout=50)

    def until_cancelled(self) -> None:
        self._begun.release()
        call = current_call()
        while not call.cancelled:
            pass
        self._cancelled.release()

    def await_cancelled(self) -> bool:
        return self._cancelled.acquire(timeout=50)

    async def meet(self) -> int:
        await asyncio.sleep(0)
        return threading.get_ident()

    async def fail_later(self) -> None:
        await asyncio.sleep(0)
        raise LookupError("in the coroutine")

    async def stay(self) -> None:
        self._begun.release()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            if current_call().cancelled:
                self._cancelled.release()
            raise

    def itself(self) -> Desk:
        return self

    def large(self, size: int) -> bytes:
        return bytes(size)

    def length(self, data: bytes) -> int:
        return len(data)


class Manager(BaseManager):
    pass


Manager.register("Desk", Desk)
Manager.register("WideDesk", Desk, exposed=("width", "ask"))


@pytest.fixture
def host() -> Iterator[Any]:
    with Manager() as manager:
        yield manager


@pytest.fixture
def desk(host: Any) -> Any:
    return host.Desk()


def test_any_method_can_be_awaited(desk: Any) -> None:
    async def main() -> None:
        assert await desk.ask_async(1) == 1
        assert await desk.ask_async(number=2) == 2
        assert await desk.asked_async() == [1, 2]
        assert await desk.itself_async() is desk

    asyncio.run(main())


def test_an_attribute_can_be_awaited(host: Any) -> None:
    desk = host.WideDesk()
    assert asyncio.run(_attribute(desk)) == 3


async def _attribute(desk: Any) -> Any:
    return await desk.width_async()


def test_an_error_is_as_that_of_a_plain_call(desk: Any) -> None:
    async def main() -> None:
        for failing in (desk.fail_async, desk.fail_later_async):
            with pytest.raises(LookupError) as caught:
                await failing()
            assert "fail" in str(caught.value.__cause__)
        assert await desk.ask_async(1) == 1

    asyncio.run(main())


def test_long_requests_and_replies(desk: Any) -> None:
    async def main() -> None:
        assert await desk.length_async(bytes(1 << 23)) == 1 << 23
        assert len(await desk.large_async(1 << 23)) == 1 << 23

    asyncio.run(main())


def test_calls_of_one_proxy_are_made_in_order(desk: Any) -> None:
    async def main() -> None:
        given = await asyncio.gather(*(desk.ask_async(number) for number in range(200)))
        assert given == list(range(200))

    asyncio.run(main())
    assert desk.asked() == list(range(200))


@pytest.mark.parametrize("limit", [None, 50])
def test_a_call_of_one_proxy_waits_for_the_one_before(desk: Any, limit: Any) -> None:
    async def main() -> None:
        other, limited = copy.copy(desk), desk._within(limit)
        first = asyncio.ensure_future(limited.wait_async())
        second = asyncio.ensure_future(limited.ask_async(7))
        assert await other.await_begun_async()
        # The second would have been there long before all of these.
        for _ in range(50):
            assert await other.asked_async() == []
        await other.open_async()
        assert (await first, await second) == ("opened", 7)
        assert await other.asked_async() == [7]

    asyncio.run(main())


def test_the_loop_goes_on_and_copies_are_independent(desk: Any) -> None:
    async def main() -> None:
        other = copy.copy(desk)
        waiting = asyncio.ensure_future(desk.wait_async())
        assert await other.await_begun_async()
        assert not waiting.done()
        # Behind the one that waits.
        behind = asyncio.ensure_future(desk.ask_async(2))
        assert await other.ask_async(1) == 1
        assert not behind.done()
        await other.open_async()
        assert await waiting == "opened"
        assert await behind == 2

    asyncio.run(main())
    assert desk.asked() == [1, 2]


def test_no_thread_for_a_call_that_waits(desk: Any) -> None:
    before = {thread.name for thread in threading.enumerate()}

    async def main() -> None:
        copies = [copy.copy(desk) for _ in range(20)]
        await asyncio.gather(*(one.ask_async(0) for one in copies))
        calls = [asyncio.ensure_future(one.wait_async()) for one in copies]
        for _ in copies:
            assert await desk.await_begun_async()
        names = {thread.name.split("_")[0] for thread in threading.enumerate()}
        waiting = [call for call in calls if not call.done()]
        assert len(waiting) == 20
        # The loop's own threads connect, and are idle again.
        assert names <= {*before, "asyncio"}
        for _ in copies:
            await desk.open_async()
        assert set(await asyncio.gather(*calls)) == {"opened"}

    asyncio.run(main())


@pytest.mark.parametrize("method", ["stay", "until_cancelled"])
def test_cancelling_reaches_the_host(desk: Any, method: str) -> None:
    async def main() -> None:
        call = asyncio.ensure_future(getattr(desk, f"{method}_async")())
        assert await copy.copy(desk).await_begun_async()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert await desk.await_cancelled_async()
        assert await desk.ask_async(5) == 5

    asyncio.run(main())


def test_coroutines_run_on_one_loop(desk: Any) -> None:
    # Plain calls wait for them, too.
    first = desk.meet()

    async def main() -> None:
        assert await desk.meet_async() == first

    asyncio.run(main())
    assert desk.meet() == first


def in_child(desk: Any) -> None:
    async def main() -> None:
        assert await desk.ask_async(7) == 7

    asyncio.run(main())


def test_in_other_processes(context: Any) -> None:
    with Manager(ctx=context) as host:
        desk = host.Desk()  # type: ignore[attr-defined]
        child = context.Process(target=in_child, args=(desk,))
        child.start()
        child.join()
        assert child.exitcode == 0
        assert desk.asked() == [7]


def test_an_awaited_call_waits_for_the_next_host_as_a_plain_one(tmp_path: Path) -> None:
    path, elsewhere = str(tmp_path / "host"), str(tmp_path / "next")
    with BaseManager(address=elsewhere, authkey=b"key"):
        client = HostClient(f"unix:{path}", b"key")
        client.expect_next(True)

        async def ask() -> Any:
            pending = client.begin(0, "number_of_objects", (), {})
            return await async_calls.complete(pending, async_calls.Turns())

        threads = concurrent.futures.ThreadPoolExecutor()
        with threads, socket.socket(socket.AF_UNIX) as dying:
            dying.bind(path)
            dying.listen()
            replies = [
                threads.submit(asyncio.run, ask()),
                threads.submit(client.call, 0, "number_of_objects", ()),
            ]
            # A host dies while it is connected to, for longer than a host may have no name.
            begin = time.monotonic()
            while time.monotonic() < begin + 1.5:
                dying.accept()[0].close()
            # The next one takes the name a moment later.
            os.unlink(path)
            dying.close()
            time.sleep(0.05)
            os.rename(elsewhere, path)
            try:
                assert [reply.result(30) for reply in replies] == [0, 0]
            finally:
                client.expect_next(False)
                os.rename(path, elsewhere)
