"""The objects of `multiprocessing.sharedctypes`, in memory of the family.

The wrappers with locks are the standard library's. Memory and lock are ours: they
can be handed to any process of the family at any time, not only while it is being
started, and the lock outlives its holder.

ctypes stores into the memory as into any other: of a slice in whose store a process is
killed, a part stays stored. `Manager().Array` keeps all of it or nothing.
"""

from __future__ import annotations

import copyreg
import ctypes
from collections.abc import Callable, Iterable
from multiprocessing import sharedctypes
from multiprocessing.reduction import ForkingPickler
from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

from .. import _native
from .._family import family
from .._family.module_level import founding
from .._family.reduction import reduce_variable
from .._public import public_in
from .recursive_lock import RLock

# The stubs of the standard library lack many of the names that are used here.
standard: Any = sharedctypes
# By name it would be ours after install().
_standard_synchronized = standard.synchronized

__all__ = ["Array", "RawArray", "RawValue", "Value", "copy", "synchronized"]

if TYPE_CHECKING:
    from ctypes import _CData, _SimpleCData
    from multiprocessing.sharedctypes import (
        Synchronized,
        SynchronizedArray,
        SynchronizedBase,
        SynchronizedString,
    )

    _CT = TypeVar("_CT", bound=_CData)
_T = TypeVar("_T")
_Int = Literal["b", "B", "h", "H", "i", "I", "l", "L", "q", "Q"]
_Float = Literal["f", "d"]


class ObjectMemory(_native.Array):
    """The bytes of one ctypes object; plays the standard `heap.BufferWrapper`."""

    __slots__ = ()

    @classmethod
    def create(cls, size: int) -> ObjectMemory:
        """Zeroed memory."""
        return cls(family.home(), "B", max(size, 1))

    def create_memoryview(self) -> memoryview:
        return memoryview(self)

    def __reduce__(self) -> tuple[Any, ...]:
        return reduce_variable(self)


@overload
def RawValue(typecode_or_type: type[_CT], *arguments: Any) -> _CT: ...
@overload
def RawValue(typecode_or_type: str, *arguments: Any) -> Any: ...
@public_in("sharevar")
@founding
def RawValue(typecode_or_type: Any, *arguments: Any) -> Any:
    """A ctypes object in shared memory, without a lock."""
    value = _new_object(_ctypes_type(typecode_or_type))
    value.__init__(*arguments)
    return value


@overload
def RawArray(
    typecode_or_type: type[_CT], size_or_initializer: int | Iterable[Any]
) -> ctypes.Array[_CT]: ...
@overload
def RawArray(typecode_or_type: str, size_or_initializer: int | Iterable[Any]) -> Any: ...
@public_in("sharevar")
@founding
def RawArray(typecode_or_type: Any, size_or_initializer: Any) -> Any:
    """A ctypes array in shared memory, without a lock."""
    item_type = _ctypes_type(typecode_or_type)
    if isinstance(size_or_initializer, int):
        return _new_object(item_type * size_or_initializer)
    array = _new_object(item_type * len(size_or_initializer))
    array.__init__(*size_or_initializer)
    return array


@overload
def Value(
    typecode_or_type: type[_CT], *arguments: Any, lock: Literal[False], ctx: Any = None
) -> _CT: ...
@overload
def Value(
    typecode_or_type: str, *arguments: Any, lock: Literal[False], ctx: Any = None
) -> Any: ...
@overload
def Value(
    typecode_or_type: _Int, *arguments: Any, lock: Any = True, ctx: Any = None
) -> Synchronized[int]: ...
@overload
def Value(
    typecode_or_type: _Float, *arguments: Any, lock: Any = True, ctx: Any = None
) -> Synchronized[float]: ...
@overload
def Value(
    typecode_or_type: type[_SimpleCData[_T]], *arguments: Any, lock: Any = True, ctx: Any = None
) -> Synchronized[_T]: ...
@overload
def Value(
    typecode_or_type: type[_CT], *arguments: Any, lock: Any = True, ctx: Any = None
) -> SynchronizedBase[_CT]: ...
@overload
def Value(
    typecode_or_type: str, *arguments: Any, lock: Any = True, ctx: Any = None
) -> Any: ...
@public_in("sharevar")
@founding
def Value(typecode_or_type: Any, *arguments: Any, lock: Any = True, ctx: Any = None) -> Any:
    """A ctypes object in shared memory, with a lock around every access."""
    return _locked(RawValue(typecode_or_type, *arguments), lock, ctx)


@overload
def Array(
    typecode_or_type: type[_CT],
    size_or_initializer: int | Iterable[Any],
    *,
    lock: Literal[False],
    ctx: Any = None,
) -> ctypes.Array[_CT]: ...
@overload
def Array(
    typecode_or_type: str,
    size_or_initializer: int | Iterable[Any],
    *,
    lock: Literal[False],
    ctx: Any = None,
) -> Any: ...
@overload
def Array(
    typecode_or_type: _Int,
    size_or_initializer: int | Iterable[Any],
    *,
    lock: Any = True,
    ctx: Any = None,
) -> SynchronizedArray[int]: ...
@overload
def Array(
    typecode_or_type: _Float,
    size_or_initializer: int | Iterable[Any],
    *,
    lock: Any = True,
    ctx: Any = None,
) -> SynchronizedArray[float]: ...
@overload
def Array(
    typecode_or_type: Literal["c"],
    size_or_initializer: int | Iterable[Any],
    *,
    lock: Any = True,
    ctx: Any = None,
) -> SynchronizedString: ...
@overload
def Array(
    typecode_or_type: type[_SimpleCData[_T]],
    size_or_initializer: int | Iterable[Any],
    *,
    lock: Any = True,
    ctx: Any = None,
) -> SynchronizedArray[_T]: ...
@overload
def Array(
    typecode_or_type: Any,
    size_or_initializer: int | Iterable[Any],
    *,
    lock: Any = True,
    ctx: Any = None,
) -> Any: ...
@public_in("sharevar")
@founding
def Array(
    typecode_or_type: Any, size_or_initializer: Any, *, lock: Any = True, ctx: Any = None
) -> Any:
    """A ctypes array in shared memory, with a lock around every access."""
    return _locked(RawArray(typecode_or_type, size_or_initializer), lock, ctx)


@public_in("sharevar.sharedctypes")
def copy(value: Any) -> Any:
    """A ctypes object in shared memory of its own, with the same contents."""
    duplicate = _new_object(type(value))
    ctypes.pointer(duplicate)[0] = value
    return duplicate


@public_in("sharevar.sharedctypes")
def synchronized(value: Any, lock: Any = None, ctx: Any = None) -> Any:
    """A wrapper that takes the lock around every access."""
    wrapper = _standard_synchronized(value, RLock() if lock is None else lock, ctx)
    if isinstance(getattr(value, "_wrapper", None), ObjectMemory):
        wrapper.__class__ = _picklable(type(wrapper))
    return wrapper


def is_shared(value: Any) -> bool:
    """Whether something is a ctypes object in shared memory of ours, or a wrapper of one."""
    if isinstance(value, standard.SynchronizedBase):
        value = value.get_obj()
    return isinstance(getattr(value, "_wrapper", None), ObjectMemory)


def _locked(value: Any, lock: Any, ctx: Any) -> Any:
    if lock is False:
        return value
    if lock is True or lock is None:
        lock = RLock()
    if not hasattr(lock, "acquire"):
        raise AttributeError(f"{lock!r} has no method 'acquire'")
    return synchronized(value, lock, ctx)


def _ctypes_type(typecode_or_type: Any) -> Any:
    cls = standard.typecode_to_type.get(typecode_or_type, typecode_or_type)
    try:
        ctypes.sizeof(cls)
    except TypeError:
        codes = " ".join(standard.typecode_to_type)
        raise TypeError(
            f"{typecode_or_type!r} is no type of machine memory: give one of the codes "
            f"{codes}, or a type of ctypes such as ctypes.c_int. "
            "shared(name, int) is a box for any value"
        ) from None
    return cls


def _new_object(cls: Any) -> Any:
    return _object_over(cls, None, ObjectMemory.create(ctypes.sizeof(cls)))


def _object_over(cls: Any, length: int | None, memory: ObjectMemory) -> Any:
    value = standard.rebuild_ctype(cls, memory, length)
    # The standard library has just registered its reducer, which works only while a
    # process is being started. The one for plain pickle replaces a silent copy.
    ForkingPickler.register(type(value), _reduce_object)
    copyreg.pickle(type(value), _reduce_object)
    return value


def _reduce_object(value: Any) -> Any:
    memory = getattr(value, "_wrapper", None)
    if isinstance(memory, ObjectMemory):
        return _object_over, (*_type_and_length(value), memory)
    if memory is not None:
        return standard.reduce_ctype(value)
    return value.__reduce_ex__(2)


def _type_and_length(value: Any) -> tuple[Any, int | None]:
    # The types of arrays are made on the fly and cannot be pickled by name.
    if isinstance(value, ctypes.Array):
        return value._type_, value._length_
    return type(value), None


def _reduce_wrapper(wrapper: Any) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    value = wrapper.get_obj()
    return _wrapper_over, (*_type_and_length(value), value._wrapper, wrapper.get_lock())


def _wrapper_over(cls: Any, length: int | None, memory: ObjectMemory, lock: Any) -> Any:
    return synchronized(_object_over(cls, length, memory), lock)


_picklable_classes: dict[type, type] = {}


def _picklable(cls: type) -> type:
    """The standard wrapper class, picklable at any time."""
    if cls not in _picklable_classes:
        namespace = {"__reduce__": _reduce_wrapper}
        _picklable_classes[cls] = type(cls.__name__, (cls,), namespace)
    return _picklable_classes[cls]
