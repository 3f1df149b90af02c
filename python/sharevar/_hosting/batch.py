"""Many calls with one message."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any, Protocol

from .._native import CallOptions, HostClient, HostedReference
from .._public import public_in
from . import async_calls
from .attributes import ATTRIBUTE


class BatchedProxy(Protocol):
    """As much of a `BaseProxy` as a batch needs: that class makes batches itself."""

    _options: CallOptions | None

    def _require_host(self) -> tuple[HostClient, int]: ...

    def _turns(self) -> async_calls.Turns: ...

    def _proxy_of(self, host: HostClient, reference: HostedReference) -> Any: ...


@public_in("sharevar.hosting")
class Outcome:
    """The result of one call of a batch, once the batch is carried out."""

    __slots__ = ("_given",)

    def __init__(self) -> None:
        self._given: tuple[bool, Any] | None = None

    def result(self) -> Any:
        """The value that the call returned; raises the exception that it raised."""
        returned, given = self._require()
        if not returned:
            raise given
        return given

    def exception(self) -> BaseException | None:
        """The exception that the call raised, or None."""
        returned, given = self._require()
        return None if returned else given

    def _require(self) -> tuple[bool, Any]:
        if self._given is None:
            raise RuntimeError(
                "the batch was not carried out: its results are there after the with block, "
                "unless the block raised or the host died"
            )
        return self._given


@public_in("sharevar.hosting")
class Batch:
    """Calls of a proxy, and of others of the same host, that are made in order when the
    block of a ``with`` or an ``async with`` ends; each has its own `Outcome`.

    A method is called as it is of the proxy; an attribute is read by a call without
    arguments. If the block raises, nothing is called.
    """

    def __init__(self, proxy: BatchedProxy) -> None:
        self._proxy = proxy
        self._host, _ = proxy._require_host()
        self._calls: list[tuple[int, str, tuple[Any, ...], dict[str, Any]]] = []
        self._outcomes: list[tuple[BatchedProxy, Outcome]] = []

    def _on(self, proxy: Any) -> Calls:
        """The calls of another object of the same host."""
        host, _ = proxy._require_host()
        if host is not self._host:
            raise ValueError(
                f"{proxy!r} is at another host than {self._proxy!r}: use a batch for each"
            )
        return Calls(self, proxy)

    def __getattr__(self, name: str) -> Callable[..., Outcome]:
        found: Callable[..., Outcome] = getattr(Calls(self, self._proxy), name)
        # The next time it is found without this; all names of our own begin with _.
        self.__dict__[name] = found
        return found

    def __enter__(self) -> Batch:
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if kind is None and self._calls:
            given = self._host.batch(self._calls, self._proxy._options)
            self._settle(self._host, given)

    async def __aenter__(self) -> Batch:
        return self

    async def __aexit__(self, kind: Any, error: Any, trace: Any) -> None:
        if kind is None and self._calls:
            pending = self._host.begin_batch(self._calls, self._proxy._options)
            proxies = {id(proxy._turns()): proxy for proxy, _ in self._outcomes}
            async with AsyncExitStack() as stack:
                # It takes the turn of each proxy, always in the same order, so that
                # two batches never wait for each other.
                for _, proxy in sorted(proxies.items()):
                    await stack.enter_async_context(proxy._turns().lock())
                given = await async_calls.complete(pending, async_calls.Turns())
            self._settle(self._host, given)

    def _settle(self, host: HostClient, given: list[tuple[bool, Any]]) -> None:
        self._calls.clear()
        for (proxy, outcome), (returned, value) in zip(self._outcomes, given, strict=True):
            if returned and type(value) is HostedReference:
                value = proxy._proxy_of(host, value)
            outcome._given = returned, value
        self._outcomes.clear()


class Calls:
    """The calls of one object in a batch."""

    def __init__(self, batch: Batch, proxy: BatchedProxy) -> None:
        self._batch = batch
        self._proxy = proxy

    def __getattr__(self, name: str) -> Callable[..., Outcome]:
        exposed = getattr(type(self._proxy), "_exposed_", None)
        if exposed is not None and ATTRIBUTE + name in exposed:
            name = ATTRIBUTE + name
        elif name.startswith("_") or (exposed is not None and name not in exposed):
            raise AttributeError(f"{name!r} is not exposed by {type(self._proxy).__name__!r}")
        # Not the batch itself, which keeps the function.
        proxy, calls, outcomes = self._proxy, self._batch._calls, self._batch._outcomes
        _, number = proxy._require_host()

        def call(*args: Any, **kwds: Any) -> Outcome:
            outcome = Outcome()
            calls.append((number, name, args, kwds))
            outcomes.append((proxy, outcome))
            return outcome

        return call
