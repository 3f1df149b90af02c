"""Telling the arenas that this process ends in order, and not by a signal.

A lock that the process still holds then stays held, as in the standard library. The
native module registers a function that ``exit`` calls. A child that multiprocessing has
forked ends by ``os._exit``, so that this module tells the arenas, after the last of the
child's finalizers: they may still use locks.
"""

from __future__ import annotations

from multiprocessing import util

from .._native import depart

_AFTER_ALL_OTHERS = -(2**31)


def register() -> None:
    """Register the finalizer in this process, and in every child that is forked from it."""
    _register_here()
    # A child begins by forgetting the finalizers of its parent.
    util.register_after_fork(_register_here, lambda register_here: register_here())


def _register_here() -> None:
    util.Finalize(None, depart, exitpriority=_AFTER_ALL_OTHERS)
