"""Pickles of the values and exceptions of no native type that hosts and clients send.

The native side calls these.
"""

from __future__ import annotations

import io
import sys
import traceback
from multiprocessing.reduction import ForkingPickler
from pickle import PicklingError
from typing import Any

from .._variables import standard
from .._variables.proxy import Proxy

# How a host in another language ends a stream.
_END = "builtins.StopIteration"


class Reference:
    """An object that must live until its message was received, as proxies must."""


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
    try:
        _WirePickler(stream, proxies).dump(value)
    except (TypeError, AttributeError, PicklingError) as error:
        if sys.version_info >= (3, 11) and "function" in str(error):
            error.add_note("a function is sent as sharevar.callback(function)")
        raise
    return stream.getvalue(), proxies


def describe(error: BaseException) -> tuple[str, str, str, bytes | None]:
    """An exception's type, message, traceback and pickle, if it can be pickled.

    It never raises, whatever the exception is like: else its caller would learn nothing.
    """
    typename = f"{type(error).__module__}.{type(error).__qualname__}"
    try:
        message = str(error)
    except BaseException:
        message = "(an exception whose str fails)"
    try:
        lines = traceback.format_exception(type(error), error, error.__traceback__)
    except BaseException:
        lines = [f"{typename}: {message}\n"]
    try:
        pickle, _ = dumps(error)
    except BaseException:
        pickle = None
    return _encodable(typename), _encodable(message), _encodable("".join(lines)), pickle


def _encodable(text: str) -> str:
    """A text as UTF-8 can have it: single surrogates are escaped."""
    return text.encode("utf-8", "backslashreplace").decode()


def revive(
    typename: str, message: str, remote: str, value: Any
) -> BaseException:
    """The exception to raise for one that was raised at the host.

    It is the exception itself, if it could be pickled, and else a `RemoteError`. Its cause
    has the traceback at the host.
    """
    if isinstance(value, BaseException):
        # Imported with the first exception, since pools come with it.
        from multiprocessing.pool import RemoteTraceback  # type: ignore[attr-defined]

        cause = RemoteTraceback(f'\n"""\n{remote}"""')
        # Past what its class says of setting attributes: it may be frozen.
        vars(BaseException)["__cause__"].__set__(value, cause)
        return value
    if typename == _END:
        return StopIteration()
    error: BaseException = standard.RemoteError(remote or f"{typename}: {message}\n")
    error.typename, error.message, error.value = typename, message, value  # type: ignore[attr-defined]
    return error
