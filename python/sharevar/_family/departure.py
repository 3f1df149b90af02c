"""Telling the arenas when this process ends in order, and not by a signal.

A lock that it holds then stays held, as in the standard library. A program's end is
noticed below Python, by what ``exit`` calls. A child that multiprocessing has forked
ends by ``os._exit`` and is told of here, after the last of its finalizers: they may
still use locks.
"""

from __future__ import annotations

from multiprocessing import util

from .._native import depart

_AFTER_ALL_OTHERS = -(2**31)


def arrange() -> None:
    """Register the departure of this process, and of every child that is forked from it."""
    _arrange_here()
    # A child begins by forgetting the finalizers of its parent.
    util.register_after_fork(_arrange_here, lambda arrange_here: arrange_here())


def _arrange_here() -> None:
    util.Finalize(None, depart, exitpriority=_AFTER_ALL_OTHERS)
