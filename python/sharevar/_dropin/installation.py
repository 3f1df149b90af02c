"""Putting sharevar in multiprocessing's place, for programs that do not know of it."""

from __future__ import annotations

import multiprocessing

# A standard context imports these with its first queue or lock, and programs count on it.
import multiprocessing.queues
import multiprocessing.synchronize
from multiprocessing import context as standard_context
from multiprocessing import sharedctypes as standard_sharedctypes

from .._family.installed import is_installed, note_installed
from .._hosting.base_manager import BaseManager
from .._managers.sync_manager import SyncManager
from .._public import public_in
from .._variables import sharedctypes, standard
from .context import METHODS


@public_in("sharevar")
def install() -> None:
    """Make all that multiprocessing shares ours: managers, values, locks, queues.

    Children are installed as well. Call it before ``from multiprocessing import ...``.
    """
    if is_installed():
        return
    note_installed(install)
    standard.rename_managers()
    standard.managers.BaseManager = BaseManager
    standard.managers.SyncManager = SyncManager
    for name, method in METHODS.items():
        setattr(standard_context.BaseContext, name, method)
        # The top-level names are methods of the default context, bound long ago.
        bound = getattr(standard_context._default_context, name)
        setattr(multiprocessing, name, bound)
    for name in sharedctypes.__all__:
        setattr(standard_sharedctypes, name, getattr(sharedctypes, name))


@public_in("sharevar.installation")
def installed() -> bool:
    """Whether multiprocessing is sharevar here: by `install`, the runner, or the parent."""
    return is_installed()
