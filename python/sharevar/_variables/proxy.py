"""The base of the proxies of all kinds."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from multiprocessing import process
from typing import TYPE_CHECKING, Any, ClassVar

from .._family import module_level
from .._family.callers import is_inside
from .._family.reduction import arena_of, handle_of, reduce_variable
from . import standard

if TYPE_CHECKING:
    from .._native import Store
    from .._native import Variable as _Base
    from .info import VariableInfo
    from .standard import Token

    _Type = type
else:

    class _Type(type):
        """The class of the proxies' classes.

        Any class of proxies may be registered for objects that a host process keeps
        (``register("defaultdict", defaultdict, DictProxy)``) and is then called with
        an object's token. It is the standard class that knows what to do with it.
        """

        def __call__(cls, /, *arguments, **named):
            if arguments and isinstance(arguments[0], standard.Token):
                return standard.hosted_class(cls)(*arguments, **named)
            make = super().__call__
            if is_inside(sys._getframe(1).f_globals):
                return make(*arguments, **named)
            return module_level.found_or_made(make, *arguments, **named)

        @property
        def __signature__(cls):
            """The arguments that a class takes, and not those of the function above."""
            import inspect

            for name in ("__init__", "__new__"):
                written = inspect.getattr_static(cls, name)
                function = getattr(written, "__func__", written)
                if isinstance(function, types.FunctionType):
                    signature = inspect.signature(function)
                    return signature.replace(parameters=[*signature.parameters.values()][1:])
            for base in cls.__mro__:
                if base.__module__ == "sharevar._native":
                    return inspect.signature(base)
            raise AttributeError(f"{cls.__name__} has no signature in Python")

        def __dir__(cls):
            """Without the parts that the package itself calls."""
            return sorted({*super().__dir__()} - _INSIDE)

    _Base = object


# Methods between the classes and the native ones below them.
_INSIDE = frozenset((
    "MAX_CHANGE", "add_all", "change_by", "create", "elements", "handle", "repeat",
    "key_iterator", "page_of_keys", "update_items",
))  # fmt: skip


class _Hosts:
    """The functions that a proxy calls for its arena's host. `_managers.tokens` fills them in:
    a host is made of proxies, and so stands above this module."""

    token: Callable[[Proxy], Token]
    authkey: Callable[[Store], bytes | None]


hosts = _Hosts()


class PlainAttribute:
    """A native attribute that is only read, and that an object may have its own of instead.

    The standard library's objects have no such attribute, so a program may set one.
    """

    def __init__(self, native: types.GetSetDescriptorType) -> None:
        self._read = native.__get__
        self.__doc__ = native.__doc__

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else self._read(instance, owner)


_PLAIN = (
    "arena", "closed", "handle", "held", "kind", "lost", "maxsize", "maxvalue", "owner_died",
    "token",
)  # fmt: skip

# Not listed by `dir`: code that reads all that is listed must not start a process.
_STARTING_A_HOST = frozenset(("_authkey", "_id", "_token"))


class Proxy(_Base, metaclass=_Type):
    """The methods of `multiprocessing.managers.BaseProxy`, without a server.

    A class of its own, placed before the native class: the protocol slots (``[]``,
    ``len``, ``in``) stay the native ones. Attributes that a program sets on an object are
    kept in its ``__dict__``, in this process, as with a standard proxy.
    """

    __slots__ = ("__dict__", "__weakref__")

    _typeid_: ClassVar[str]
    _exposed_: ClassVar[tuple[str, ...]]
    # The methods whose results the host keeps, for proxies on its wire.
    _method_to_typeid_: ClassVar[Mapping[str, str]] = {}

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for name in _PLAIN:
            native = getattr(cls, name, None)
            if isinstance(native, types.GetSetDescriptorType):
                setattr(cls, name, PlainAttribute(native))

    @classmethod
    def create(cls, arena: Store, /, *arguments: Any, **named: Any) -> Any:
        """A new variable, from the arguments that a manager's method takes."""
        return cls(*arguments, arena=arena, **named)  # type: ignore[call-arg]

    @property
    def __class__(self) -> type:
        """The class that ``isinstance`` accepts besides the type.

        Programs ask whether something is a ``multiprocessing.managers.DictProxy``.
        The name itself cannot be replaced, because programs also derive from that
        class, and register it, for servers of their own.
        """
        return standard.counterpart(type(self))

    @__class__.setter
    def __class__(self, cls: type) -> None:
        raise TypeError("the class of a proxy cannot be changed")

    @property
    def _token(self) -> Token:
        """The token by which other processes reach the variable through the host process."""
        return hosts.token(self)

    @property
    def _id(self) -> str:
        return str(self._token.id)

    @property
    def _authkey(self) -> bytes:
        """The key of the host process."""
        return hosts.authkey(arena_of(self)) or process.current_process().authkey

    def __dir__(self) -> Iterable[str]:
        """The attributes of the proxy, not those of the class that ``isinstance`` accepts."""
        return sorted({*dir(type(self)), *self.__dict__} - _STARTING_A_HOST)

    def info(self) -> VariableInfo:
        """Its kind, length, number of changes and bytes, and the holders of a lock.

        The blocks that its content is in are counted while its writers wait.
        """
        from .info import variable_info

        return variable_info(self)

    def _getvalue(self) -> Any:
        """A copy of the value that the variable has now."""
        raise TypeError(f"a {type(self).__name__} has no value that can be copied")

    def _callmethod(
        self,
        methodname: str,
        args: Sequence[Any] = (),
        kwds: Mapping[str, Any] = types.MappingProxyType({}),
    ) -> Any:
        """Call a method by name, as a standard proxy does over its connection."""
        if methodname == "__getattribute__" and methodname in self._exposed_:
            # The attributes of some are found by `__getattr__` only.
            return getattr(self, *args)
        if methodname in self._exposed_:
            return getattr(self, methodname)(*args, **kwds)
        if methodname == "#GETVALUE":
            return self._getvalue()
        if methodname in ("__str__", "__repr__"):
            return str(self)
        raise standard.RemoteError(
            f"method {methodname!r} of {self._typeid_!r} object is not in "
            f"exposed={self._exposed_!r}\n"
        )

    def __copy__(self) -> Proxy:
        return arena_of(self).open(type(self), *handle_of(self))

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return self._getvalue()

    def __reduce__(self) -> tuple[Any, ...]:
        return reduce_variable(self)

    def __repr__(self) -> str:
        name = type(self).__name__
        return f"<{name} object, typeid {self._typeid_!r} at {id(self):#x}>"

    def __str__(self) -> str:
        try:
            return self._shown()
        except Exception:
            # Shut down, for example: an object can always be printed.
            return f"{Proxy.__repr__(self)[:-1]}; '__str__()' failed>"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """In IPython and Jupyter: what it is and, as far as it is short, what is in it."""
        from . import summary

        printer.text(summary.text(self))

    def _repr_html_(self) -> str:
        """The same in a notebook that shows HTML."""
        from . import summary

        return summary.html(self)

    def _shown(self) -> str:
        return repr(self._getvalue())

    __class_getitem__: Any = classmethod(types.GenericAlias)
