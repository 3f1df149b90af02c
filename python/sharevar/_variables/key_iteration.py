"""Iterating over the keys of a dict or set."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .. import _native


def iterate_keys(keyed: _native.Dict[Any, Any] | _native.Set[Any], kind: str) -> Iterator[Any]:
    """Over the keys, of which the first ones are read now; a change of the length raises.

    In shared memory all are of this moment, and the length is looked at for each. In another
    engine that would take a message: a thousand keys come with one, and the length is looked at
    with them and after one key of them, two, four and so on.
    """
    found = keyed.key_iterator(kind)
    return _pages(keyed, kind, keyed.page_of_keys(None)) if found is None else found


def _pages(keyed: Any, kind: str, page: tuple[list[Any], int | None, int]) -> Iterator[Any]:
    keys, last, length = page
    while True:
        for number, key in enumerate(keys):
            is_checked = number > 0 and number & (number - 1) == 0
            if is_checked and len(keyed) != length:
                raise RuntimeError(f"{kind} changed size during iteration")
            yield key
        if last is None:
            return
        keys, last, now = keyed.page_of_keys(last)
        if now != length:
            raise RuntimeError(f"{kind} changed size during iteration")
