"""Arrays of NumPy whose elements are in shared memory."""

from __future__ import annotations

import math
import operator
import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, SupportsIndex

from .._public import public_in
from .array_proxy import ArrayProxy

if TYPE_CHECKING:
    import numpy as np

# The types of elements that the variable has itself. Any other lies in bytes.
_OWN_LETTERS = "bBhHiIlLqQfd"
# Two letters of one type, where a long has 64 bits.
_SAME = {"l": "q", "L": "Q"} if struct.calcsize("l") == struct.calcsize("q") else {}


@public_in("sharevar")
class SharedArray:
    """An array of NumPy in shared memory, as ``manager.array(shape, dtype)`` makes it.

    It is passed to other processes, and stored in variables, as any variable is. ``numpy()`` is
    the array itself, over the memory of all processes.
    """

    __slots__ = ("__weakref__", "dtype", "memory", "shape")

    memory: ArrayProxy
    """The variable that has the elements, in the order of C. In Rust it is an `Array`."""
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def __init__(self, memory: ArrayProxy, shape: tuple[int, ...], dtype: Any) -> None:
        import numpy as np

        self.memory, self.dtype = memory, np.dtype(dtype)
        self.shape, letter, count = memory_of(shape, self.dtype)
        found, length = memory._typecode, len(memory)
        if (_SAME.get(found, found), length) != (_SAME.get(letter, letter), count):
            raise ValueError(
                f"an array of {shape} and {self.dtype} has {count} elements of type "
                f"{letter!r}; this one has {length} of {found!r}"
            )

    def numpy(self) -> np.ndarray[Any, Any]:
        """The array, whose elements all processes see and change. It keeps the memory alive."""
        import numpy as np

        # A checker knows of buffers from Python 3.12 on.
        memory: Any = self.memory
        array: np.ndarray[Any, Any] = np.ndarray(self.shape, self.dtype, buffer=memory)
        return array

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        import numpy as np

        array = self.numpy()
        if copy or (dtype is not None and np.dtype(dtype) != self.dtype):
            if copy is False:
                raise ValueError(f"an array of {self.dtype} is one of {dtype} only as a copy")
            return np.array(array, dtype=dtype)
        return array

    def __buffer__(self, flags: int, /) -> memoryview:
        array: Any = self.numpy()
        return memoryview(array)

    def __len__(self) -> int:
        return len(self.numpy())

    def __getitem__(self, place: Any) -> Any:
        return self.numpy()[place]

    def __setitem__(self, place: Any, value: Any) -> None:
        self.numpy()[place] = value

    def __iter__(self) -> Iterator[Any]:
        return iter(self.numpy())

    def __reduce__(self) -> Any:
        return SharedArray, (self.memory, self.shape, self.dtype)

    def __deepcopy__(self, memo: dict[int, Any]) -> np.ndarray[Any, Any]:
        # A plain copy, as every variable's.
        copied: np.ndarray[Any, Any] = self.numpy().copy()
        return copied

    def __repr__(self) -> str:
        return f"<SharedArray of {self.shape} and {self.dtype}>"


def memory_of(shape: Any, dtype: Any) -> tuple[tuple[int, ...], str, int]:
    """The shape of an array as a tuple, and the letter and number of its memory's elements."""
    import numpy as np

    sides: tuple[int, ...] = (
        (operator.index(shape),)
        if isinstance(shape, SupportsIndex)
        else tuple(map(operator.index, shape))
    )
    if any(side < 0 for side in sides):
        raise ValueError(f"an array has no negative side, as in {shape}")
    kind: np.dtype[Any] = np.dtype(dtype)
    if kind.hasobject or kind.itemsize == 0:
        raise TypeError(f"an array in shared memory has elements of a fixed size, not {kind}")
    count = math.prod(sides)
    if kind.char in _OWN_LETTERS and kind.isnative:
        return sides, kind.char, count
    return sides, "B", count * kind.itemsize
