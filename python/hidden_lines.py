"""A hook of MkDocs: the site's examples of Rust are without the lines that rustdoc hides.

Those begin with ``# ``, and are there so that the tests can run the example.
"""

from __future__ import annotations

import re

_EXAMPLE = re.compile(r"^```rust\b.*?^```$", re.MULTILINE | re.DOTALL)
_HIDDEN = re.compile(r"^#( .*)?\n", re.MULTILINE)


def on_page_markdown(markdown: str, **_: object) -> str:
    """The page as the site shows it."""
    return _EXAMPLE.sub(lambda example: _HIDDEN.sub("", example[0]), markdown)
