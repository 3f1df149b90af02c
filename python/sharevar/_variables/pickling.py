"""How values of no native type are encoded: pickle, as multiprocessing does it."""

from __future__ import annotations

import io
import pickle
import sys
import types
from collections.abc import Callable, Iterator
from multiprocessing.reduction import ForkingPickler
from typing import Any

from ..errors import NotShareable, SharevarError

# The proxies of a manager process that were stored in shared variables, by token.
_kept: set[tuple[Any, Any]] = set()


class ValuePickler(ForkingPickler):
    """Protocol 5, and whatever multiprocessing can send over a connection."""

    def __init__(
        self, stream: io.BytesIO, keep: Callable[[pickle.PickleBuffer], bool] | None
    ) -> None:
        super().__init__(stream, 5, True, keep)

    def reducer_override(self, value: Any) -> Any:
        managers = sys.modules.get("multiprocessing.managers")
        # By its type: our own proxies pose as these.
        if managers is not None and issubclass(type(value), managers.BaseProxy):
            _keep_on_server(managers, value)
        numpy = sys.modules.get("numpy")
        array = getattr(numpy, "ndarray", None)
        # One that the program pickles in a way of its own stands in this table.
        if numpy is not None and type(value) is array and array not in self.dispatch_table:
            return _reduce_array(value)
        return NotImplemented


def _reduce_array(array: Any) -> Any:
    """Reduce an array to a buffer also where its elements do not lie one behind the other, in
    which case NumPy makes bytes of them: the array that is read is the same."""
    flags = array.flags
    if flags.forc or array.nbytes < _SHORTEST_BUFFER or array.dtype.hasobject:
        return NotImplemented
    return array.copy("C").__reduce_ex__(5)


def _keep_on_server(managers: Any, proxy: Any) -> None:
    """Have a manager process keep an object whose proxy is now in shared memory.

    It counts the proxies that live in processes; one that is only bytes in a shared
    variable is none, and its object would be gone when it is read back. So
    the object is counted once more, and stays until its manager is shut down.
    """
    token = proxy._token
    if (token.address, token.id) in _kept:
        return
    with proxy._Client(token.address, authkey=proxy._authkey) as connection:
        managers.dispatch(connection, None, "incref", (token.id,))
    _kept.add((token.address, token.id))


# Shorter buffers stand in the pickle. A longer one makes a long value of any.
_SHORTEST_BUFFER = 1 << 16


def dumps(value: Any, buffers: list[memoryview] | None = None) -> bytes:
    """Encode a value. If `buffers` is given, the long buffers of the value's objects are
    appended to it, and not in the result. A refusal by pickle is raised as `NotShareable`; an
    exception from code of the value's own is raised as it is."""

    def is_pickled(buffer: pickle.PickleBuffer) -> bool:
        try:
            content = buffer.raw()
        except BufferError:
            # Not contiguous: pickle says what it does not take.
            return True
        if content.nbytes < _SHORTEST_BUFFER:
            return True
        kept.append(content)
        return False

    stream = io.BytesIO()
    kept = [] if buffers is None else buffers
    try:
        ValuePickler(stream, None if buffers is None else is_pickled).dump(value)
    except (TypeError, AttributeError, pickle.PicklingError) as error:
        if isinstance(error, SharevarError) or not _is_pickles_own(error):
            raise
        said = str(error)
        hint = next((hint for part, hint in _INSTEAD.items() if part in said), "")
        raise NotShareable(
            f"cannot share this {type(value).__qualname__}: {said}{hint}"
        ) from error
    return stream.getvalue()


def was_raised_in(error: Exception) -> bool:
    """Whether an error comes from the encoding of a value."""
    return any(frame.f_code is dumps.__code__ for frame in _frames(error))


def _is_pickles_own(error: Exception) -> bool:
    """Whether pickle itself has raised an error, and no method of a value's."""
    *_, innermost = _frames(error)
    return innermost.f_globals.get("__name__") in _PICKLES_OWN


def _frames(error: Exception) -> Iterator[types.FrameType]:
    traceback = error.__traceback__
    while traceback is not None:
        yield traceback.tb_frame
        traceback = traceback.tb_next


_PICKLES_OWN = (__name__, "copyreg", "pickle", ForkingPickler.__module__)


_OF_FILE = (
    "; sharevar.open(path, 'a') is a file for many writers, and a host keeps any other"
    " (sharevar.managers.BaseManager)"
)

# By a part of what pickle says of an object: what there is instead of it.
_INSTEAD = {
    "'_thread.lock'": "; sharevar.Lock(), Event(), Condition() ... can be shared",
    "'_thread.RLock'": "; sharevar.RLock() can be shared",
    "'_io.": _OF_FILE,
    # From Python 3.13 on without the module.
    "'TextIOWrapper'": _OF_FILE,
    "'Buffered": _OF_FILE,
    "'FileIO'": _OF_FILE,
    "generator": "; put its items into a list, or have a host keep it",
    "lambda>": "; a function is found by its name, so define it at the top level of a module",
    "local object": "; it is found by its name, so define it at the top level of a module",
    "'module'": "; store its name",
}


loads = pickle.loads
