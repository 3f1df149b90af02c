"""The capacity of a manager as programs give it: bytes, or a text such as "1G"."""

from __future__ import annotations

import operator

_UNITS = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4}


def bytes_of(capacity: int | str) -> int:
    """A capacity in bytes. The units are powers of 1024."""
    if not isinstance(capacity, str):
        try:
            size: int = operator.index(capacity)
        except TypeError:
            raise TypeError(f"{capacity!r} is no capacity: {_WANTED}") from None
        return size
    text = capacity.strip().upper().removesuffix("B").removesuffix("I")
    number = text.rstrip("KMGT")
    unit = text[len(number) :]
    if unit not in _UNITS or not number.strip().isdecimal():
        raise ValueError(f"{capacity!r} is no capacity: {_WANTED}")
    units: int = 1024 ** _UNITS[unit]
    return int(number) * units


_WANTED = 'give a number of bytes, or a whole number with K, M, G or T, such as "512M" or "1G"'
