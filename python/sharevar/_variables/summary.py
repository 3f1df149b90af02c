"""How IPython and Jupyter show a variable: what it is and, if that is short, what is in it."""

from __future__ import annotations

import itertools
import reprlib
from collections.abc import Sized
from html import escape
from typing import Any

# A variable that is longer is not read for this.
_LONGEST = 1_000

_ROWS = 20

_SHORT = reprlib.Repr()
_SHORT.maxdict = _SHORT.maxlist = _SHORT.maxset = _SHORT.maxarray = _SHORT.maxtuple = _ROWS
_SHORT.maxstring = _SHORT.maxlong = _SHORT.maxother = 80


def html(variable: Any) -> str:
    """The same for a notebook; a dict is a table. All of its text is escaped."""
    cls = type(variable)
    shown = text(variable)
    if cls.__name__ != "DictProxy" or not shown.startswith("DictProxy({"):
        return f"<code>{escape(shown)}</code>"
    entries = list(itertools.islice(variable.copy().items(), _ROWS + 1))
    rows = [
        "".join(f"<td><code>{escape(_SHORT.repr(part))}</code></td>" for part in entry)
        for entry in entries[:_ROWS]
    ]
    if len(entries) > _ROWS:
        rows.append("<td>...</td><td></td>")
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return f"<code>{cls.__name__}</code><table>{body}</table>"


def text(variable: Any) -> str:
    """The variable in a line or a few."""
    # By the type: `isinstance` accepts the standard library's classes, too.
    cls = type(variable)
    try:
        if issubclass(cls, Sized) and len(variable) > _LONGEST:
            return f"<{cls.__name__} of {len(variable):,} items>"
        value = variable._getvalue()
    except TypeError:
        # A lock or a queue.
        return str(variable)
    except Exception:
        # Shut down, for example: an object can always be shown.
        return repr(variable)
    if cls.__name__ == "ValueProxy":
        value = value.value
    return f"{cls.__name__}({_SHORT.repr(value)})"
