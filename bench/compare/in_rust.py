"""Runs the Rust program, and reads the results that it prints."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from .loops import Result, describe
from .table import Table

MOST_SECONDS = 300


def run(program: Path, *arguments: str) -> Any:
    """Returns the document that the program prints.

    Raises OSError, ValueError or SubprocessError if there is none.
    """
    done = subprocess.run(
        [program, *arguments],
        capture_output=True,
        text=True,
        timeout=MOST_SECONDS,
        # Its error is told by the last line, and a trace would be the last.
        env=os.environ | {"RUST_BACKTRACE": "0"},
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        raise subprocess.SubprocessError(lines[-1] if lines else f"exit {done.returncode}")
    return json.loads(done.stdout)


def operations(program: Path) -> tuple[Table, dict[str, str]]:
    """The table of single operations, and the libraries that did not start."""
    table = Table("rust", "In Rust (100 entries or items)", {})
    try:
        with tempfile.TemporaryDirectory() as folder:
            document = run(program, "operations", folder)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        return table, {"Rust": describe(error)}
    for row in document["rows"]:
        results = {each["library"]: Result(**each["result"]) for each in row["results"]}
        table.rows[row["operation"]] = results
    missing = {f"{name}, Rust": reason for name, reason in document["missing"].items()}
    return table, missing
