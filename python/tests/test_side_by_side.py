"""The same statements on the standard library's managers and on ours."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

STATEMENTS = Path(__file__).parent / "side_by_side" / "statements.py"

# Statements that are meant to differ.
DIFFERENT = {
    "Manager(manager.address).start()": "what has failed there is raised here",
    "manager.Series()._exposed_": "objects are used in statements",
    "list(manager.Series())": "objects are used in statements",
    "list(manager.Series().generate())": "generators stay at the host",
    "callable(manager.Numbered().number)": "attributes are read",
    "manager.Numbered()._exposed_": "attributes are read",
    'manager.register("TooLate", Thing)': "the host would not learn of it",
}


def run(*options: str) -> dict[str, Any]:
    """What each statement gave, in order; the later of two that are the same."""
    done = subprocess.run(
        [sys.executable, *options, str(STATEMENTS)],
        stdout=subprocess.PIPE,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0
    outcomes: dict[str, Any] = {}
    for line in done.stdout.splitlines():
        statement, outcome = json.loads(line)
        while statement in outcomes:
            statement += " # again"
        outcomes[statement] = outcome
    return outcomes


def is_as_good(ours: Any, theirs: Any) -> bool:
    """Whether a program that knows the one understands the other."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        return theirs["raised"][0] in ours["raised"]
    return bool(ours == theirs)


@pytest.mark.timeout(240)
def test_statements() -> None:
    theirs, ours = run(), run("-m", "sharevar")
    assert list(ours) == list(theirs)
    assert len(ours) > 200
    found = {
        statement: (ours[statement], theirs[statement])
        for statement in ours
        if not is_as_good(ours[statement], theirs[statement])
    }
    assert found.keys() - DIFFERENT.keys() == set(), found
    # And what is said to be otherwise is.
    assert DIFFERENT.keys() - found.keys() == set()
