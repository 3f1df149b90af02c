"""The names of `multiprocessing.sharedctypes`, over shared memory of the family."""

from __future__ import annotations

from multiprocessing import sharedctypes
from typing import TYPE_CHECKING

from ._public import export, listing

if TYPE_CHECKING:
    from ._variables.sharedctypes import Array as Array
    from ._variables.sharedctypes import RawArray as RawArray
    from ._variables.sharedctypes import RawValue as RawValue
    from ._variables.sharedctypes import Value as Value
    from ._variables.sharedctypes import copy as copy
    from ._variables.sharedctypes import synchronized as synchronized
else:
    # All other names, as those of the wrapper classes, are the standard module's.
    __getattr__ = export(
        __name__,
        {
            "Array": "._variables.sharedctypes",
            "RawArray": "._variables.sharedctypes",
            "RawValue": "._variables.sharedctypes",
            "Value": "._variables.sharedctypes",
            "copy": "._variables.sharedctypes",
            "synchronized": "._variables.sharedctypes",
        },
        sharedctypes,
    )

__all__ = ["Array", "RawArray", "RawValue", "Value", "copy", "synchronized"]

__dir__ = listing(__name__)
