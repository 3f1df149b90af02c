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
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar, overload

from .. import _native
from .._family import family
from .._family.module_level import founding
from .._family.reduction import arena_of, reduce_variable
from .._native import Store
from .._public import public_in
from ..errors import ReadOnly, WrongKind
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
# The codes of numbers: ctypes has those of arrays.
_NUMBERS = frozenset("bBhHiIlLqQfd")
_Int = Literal["b", "B", "h", "H", "i", "I", "l", "L", "q", "Q"]
_Float = Literal["f", "d"]


class ObjectMemory(_native.Array):
    """The bytes of one ctypes object; plays the standard `heap.BufferWrapper`."""

    __slots__ = ()

    @classmethod
    def create(cls, object_type: Any) -> ObjectMemory:
        """Zeroed memory for an object, of numbers if it is one or an array of them."""
        size, item_type = ctypes.sizeof(object_type), object_type
        if issubclass(object_type, ctypes.Array):
            item_type = object_type._type_
        code = getattr(item_type, "_type_", None)
        if code not in _NUMBERS or size == 0:
            return cls(family.home(), "B", max(size, 1))
        return cls(family.home(), code, size // ctypes.sizeof(item_type))

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
def Value(typecode_or_type: str, *arguments: Any, lock: Any = True, ctx: Any = None) -> Any: ...
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


def memory_of(value: Any) -> ObjectMemory:
    """The memory of a ctypes object of ours, or of a wrapper's."""
    if isinstance(value, standard.SynchronizedBase):
        value = value.get_obj()
    memory: ObjectMemory = value._wrapper
    return memory


class Form(NamedTuple):
    """The type of a ctypes object in shared memory, but for the length of an array."""

    item: Any
    """The class of the object or of the array's items; None stands for any."""
    is_array: bool
    is_locked: bool

    def includes(self, other: Form) -> bool:
        """Whether the other one is of this form."""
        return self == other or self == other._replace(item=None)

    def __str__(self) -> str:
        item = "" if self.item is None else f" of {_full_name(self.item)}"
        shape = "array" if self.is_array else "value"
        return f"{shape}{item} {'with' if self.is_locked else 'without'} a lock"


def _full_name(cls: Any) -> str:
    module = "" if cls.__module__ == "ctypes" else f"{cls.__module__}."
    return f"{module}{cls.__qualname__}"


def form(value: Any) -> Form:
    """The form of a ctypes object of ours, or of a wrapper."""
    is_locked = isinstance(value, standard.SynchronizedBase)
    cls, length = _type_and_length(value.get_obj() if is_locked else value)
    return Form(cls, length is not None, is_locked)


def form_to_be(
    maker: Any, typecode_or_type: Any = None, *_: Any, lock: Any = True, **__: Any
) -> Form:
    """The form of what `Value`, `Array`, `RawValue` or `RawArray` makes."""
    is_locked = maker in (Value, Array) and lock is not False
    is_array = maker in (Array, RawArray)
    if typecode_or_type is None:
        return Form(None, is_array, is_locked)
    cls = _ctypes_type(typecode_or_type)
    if not is_array and issubclass(cls, ctypes.Array):
        is_array, cls = True, cls._type_
    return Form(cls, is_array, is_locked)


def locked_by(value: Any, arena: Store, name: str) -> Any:
    """The same object, with the lock of that name if it has one."""
    if not isinstance(value, standard.SynchronizedBase):
        return value
    return synchronized(value.get_obj(), arena.named(name, RLock))


def moved(value: Any, memory: ObjectMemory) -> Any:
    """The same ctypes object in other memory, of whose length an array is; None if that
    memory is of another type."""
    is_locked = isinstance(value, standard.SynchronizedBase)
    own, there = memoryview(memory_of(value)), memoryview(memory)
    cls, length = _type_and_length(value.get_obj() if is_locked else value)
    if _element(own) != _element(there):
        return None
    if length is None:
        if own.nbytes != there.nbytes:
            return None
    else:
        length, rest = divmod(there.nbytes, ctypes.sizeof(cls))
        if rest:
            return None
    found = _object_over(cls, length, memory)
    return synchronized(found, value.get_lock()) if is_locked else found


def _element(view: memoryview) -> tuple[str, int]:
    """The type of the elements of memory. The same one has several letters."""
    for letters in "bhilqn", "BHILQN":
        if view.format in letters:
            return letters, view.itemsize
    return view.format, view.itemsize


def described(memory: Any) -> str:
    """The kind of memory that stands for no object of ctypes, for errors."""
    view = memoryview(memory)
    return f"array of {len(view)} {view.format!r}"


def not_for_reading(arena: Store) -> ReadOnly:
    """The error of memory that cannot be changed."""
    return ReadOnly(
        f"ctypes has no object of memory that cannot be changed, and this process has the "
        f"manager {arena.name!r} for reading only; its arena.find(name) is an array of it"
    )


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
    return _object_over(cls, None, ObjectMemory.create(cls))


def _object_over(
    cls: Any, length: int | None, memory: ObjectMemory, layout: str | None = None
) -> Any:
    arena = arena_of(memory)
    if arena.is_read_only:
        raise not_for_reading(arena)
    here = None if layout is None else _layout(cls)
    if here != layout:
        raise WrongKind(
            f"the class {_full_name(cls)} has the layout {here} in this process, and {layout} "
            "in the one that has made the shared object; give one of them another name"
        )
    value = standard.rebuild_ctype(cls, memory, length)
    # The standard library has just registered its reducer, which works only while a
    # process is being started. The one for plain pickle replaces a silent copy.
    ForkingPickler.register(type(value), _reduce_object)
    copyreg.pickle(type(value), _reduce_object)
    return value


def _reduce_object(value: Any) -> Any:
    memory = getattr(value, "_wrapper", None)
    if isinstance(memory, ObjectMemory):
        cls, length = _type_and_length(value)
        return _object_over, (cls, length, memory, *_known_layout(cls))
    if memory is not None:
        return standard.reduce_ctype(value)
    return value.__reduce_ex__(2)


def _type_and_length(value: Any) -> tuple[Any, int | None]:
    # The types of arrays are made on the fly and cannot be pickled by name.
    if isinstance(value, ctypes.Array):
        return value._type_, value._length_
    return type(value), None


def _known_layout(cls: Any) -> tuple[str, ...]:
    """The layout of a class that another program may have changed."""
    return (_layout(cls),) if issubclass(cls, (ctypes.Structure, ctypes.Union)) else ()


def _layout(cls: Any) -> str:
    """The fields of a structure with their places, or the name of another type."""
    if issubclass(cls, ctypes.Array):
        return f"{_layout(cls._type_)} * {cls._length_}"
    if not issubclass(cls, (ctypes.Structure, ctypes.Union)):
        name: str = cls.__name__
        return name
    fields = []
    for base in reversed(cls.__mro__):
        for name, of_field, *bits in vars(base).get("_fields_", ()):
            place = vars(base)[name]
            # The size of a field of bits has their number, and the first one.
            width = f":{place.size:x}" if bits else ""
            fields.append(f"{name}: {_layout(of_field)}{width} at {place.offset}")
    order = " in swapped order" if hasattr(cls, "_swappedbytes_") else ""
    return f"{{{', '.join(fields)}}} of {ctypes.sizeof(cls)} bytes{order}"


def require_no_address(name: str, value: Any) -> None:
    """Refuse memory for addresses, which lead nowhere in other processes."""
    cls, _ = _type_and_length(
        value.get_obj() if isinstance(value, standard.SynchronizedBase) else value
    )
    if _has_address(cls):
        raise TypeError(
            f"shared({name!r}, ...): {_full_name(cls)} holds an address, at which other "
            f'processes have something else; use shared({name!r}, sharevar.Array, "c", ...) '
            f"for bytes, or shared({name!r}, str) for a text"
        )


def _has_address(cls: Any) -> bool:
    if issubclass(cls, ctypes.Array):
        return _has_address(cls._type_)
    if issubclass(cls, (ctypes.Structure, ctypes.Union)):
        fields = (field for base in cls.__mro__ for field in vars(base).get("_fields_", ()))
        return any(_has_address(field[1]) for field in fields)
    # Of a pointer it is a class; a function has none that is a letter of these.
    kind = getattr(cls, "_type_", None)
    return not isinstance(kind, str) or kind in "zZPO"


def _reduce_wrapper(wrapper: Any) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    value = wrapper.get_obj()
    cls, length = _type_and_length(value)
    parts = (cls, length, value._wrapper, wrapper.get_lock(), *_known_layout(cls))
    return _wrapper_over, parts


def _wrapper_over(
    cls: Any,
    length: int | None,
    memory: ObjectMemory,
    lock: Any,
    layout: str | None = None,
) -> Any:
    return synchronized(_object_over(cls, length, memory, layout), lock)


_picklable_classes: dict[type, type] = {}


def _picklable(cls: type) -> type:
    """The standard wrapper class, picklable at any time."""
    if cls not in _picklable_classes:
        namespace = {"__reduce__": _reduce_wrapper}
        _picklable_classes[cls] = type(cls.__name__, (cls,), namespace)
    return _picklable_classes[cls]
