"""What travels between a host and its clients that is of no native type.

The native side calls these.
"""

from __future__ import annotations

import io
import traceback
from multiprocessing.reduction import ForkingPickler
from typing import Any

from .. import standard
from ..proxy import Proxy


class Reference:
    """What must live until it was received, as proxies must."""


class _WirePickler(ForkingPickler):
    """Protocol 5; it notes the proxies that it meets."""

    def __init__(self, stream: io.BytesIO, proxies: list[Any]) -> None:
        super().__init__(stream, 5)
        self._proxies = proxies

    def reducer_override(self, value: Any) -> Any:
        # By its type: our own proxies pose as standard ones.
        if issubclass(type(value), (standard.BaseProxy, Proxy, Reference)):
            self._proxies.append(value)
        return NotImplemented


def dumps(value: Any) -> tuple[bytes, list[Any]]:
    """A value's pickle, and the proxies in it, which must live until it is read."""
    stream = io.BytesIO()
    proxies: list[Any] = []
    _WirePickler(stream, proxies).dump(value)
    return stream.getvalue(), proxies


def describe(error: BaseException) -> tuple[str, str, str, bytes | None]:
    """An exception's type, message, traceback and pickle, if it can be pickled."""
    lines = traceback.format_exception(type(error), error, error.__traceback__)
    try:
        message = str(error)
    except Exception:
        message = "(an exception whose str fails)"
    try:
        pickle, _ = dumps(error)
    except Exception:
        pickle = None
    typename = f"{type(error).__module__}.{type(error).__qualname__}"
    return typename, message, "".join(lines), pickle


def revive(
    typename: str, message: str, remote: str, value: Any
) -> BaseException:
    """The exception to raise for one that was raised at the host.

    It is the exception itself, if it could travel, and else a `RemoteError`. Where it
    comes from there, its cause says.
    """
    if isinstance(value, BaseException):
        # With the first exception, since pools come with it.
        from multiprocessing.pool import RemoteTraceback  # type: ignore[attr-defined]

        value.__cause__ = RemoteTraceback(f'\n"""\n{remote}"""')
        return value
    error: BaseException = standard.RemoteError(remote or f"{typename}: {message}\n")
    error.typename, error.message, error.value = typename, message, value  # type: ignore[attr-defined]
    return error
