"""The types that live in shared memory, by the names that managers have for them."""

from __future__ import annotations

from .array_proxy import ArrayProxy
from .dict_proxy import DictProxy
from .list_proxy import ListProxy
from .lock import Lock
from .proxy import Proxy
from .recursive_lock import RLock
from .value_proxy import ValueProxy

CLASSES: dict[str, type[Proxy]] = {
    cls._typeid_: cls
    for cls in (
        ArrayProxy,
        DictProxy,
        ListProxy,
        Lock,
        RLock,
        ValueProxy,
    )
}
