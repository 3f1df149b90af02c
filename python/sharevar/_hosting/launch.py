"""How a host process is started: at first, and again after its death."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import connection, process
from typing import Any, NamedTuple

from .._variables.dict_proxy import DictProxy

# The threads that start a host in the place of a dead one, and its address.
_starting: dict[int, Any] = {}


class HostSource(NamedTuple):
    """The types and the memory that a host is made from."""

    registry: dict[str, tuple[Any, ...]]
    memory: DictProxy[str, Any] | None


class Launch(NamedTuple):
    """All that is needed to start a host."""

    context: Any
    run: Callable[..., None]
    # None when the memory is gone.
    source: Callable[[], HostSource | None]
    authkey: bytes
    serializer: str
    arguments: tuple[Any, ...]

    def process(self, address: Any) -> tuple[Any, Any]:
        """A process that is not started yet, and where it will tell its address.

        Once it is started, `close` the other end that comes with it.
        """
        source = self.source()
        if source is None:
            raise EOFError("the manager is gone")
        reader, writer = connection.Pipe(duplex=False)
        memory = {} if source.memory is None else {"memory": source.memory}
        made = self.context.Process(
            target=self.run,
            args=(
                source.registry,
                address,
                self.authkey,
                self.serializer,
                writer,
                *self.arguments,
            ),
            kwargs=memory,
            # The first process is not daemonic either, wherever it is started.
            daemon=False,
        )
        return made, (reader, writer)

    def restart(self, address: Any) -> tuple[Any, Any]:
        """Start a process in the place of one that has died, from whatever thread."""
        made, (reader, writer) = self.process(address)
        with _in_place_of(address), writer:
            _start(made)
        return made, reader


@contextmanager
def _in_place_of(address: Any) -> Iterator[None]:
    _starting[threading.get_ident()] = address
    try:
        yield
    finally:
        del _starting[threading.get_ident()]


def _start(made: Any) -> None:
    """`Process.start`, but a daemonic process may have no children, except for its
    managers' hosts; for a moment in which it was none its other threads could have some."""
    process._cleanup()  # type: ignore[attr-defined]
    made._popen = made._Popen(made)
    made._sentinel = made._popen.sentinel
    # They may refer to objects that wait for the process.
    del made._target, made._args, made._kwargs
    process._children.add(made)  # type: ignore[attr-defined]


def is_to_be_host(address: Any = None) -> bool:
    """Whether this is a forked child that is about to take a host's place, at an address."""
    own = _starting.get(threading.get_ident()) if _starting else None
    return own is not None and address in (None, own)
