"""A table of results, as text and as JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .loops import Result


@dataclass
class Table:
    name: str
    title: str
    # By operation, and by library.
    rows: dict[str, dict[str, Result]]
    notes: list[str] = field(default_factory=list)
    has_plot: bool = True

    def libraries(self) -> list[str]:
        names: dict[str, None] = {}
        for results in self.rows.values():
            names.update(dict.fromkeys(results))
        return list(names)

    def as_json(self) -> dict[str, Any]:
        rows = {
            operation: {name: result._asdict() for name, result in results.items()}
            for operation, results in self.rows.items()
        }
        return {"name": self.name, "title": self.title, "rows": rows, "notes": self.notes}


def show(table: Table) -> str:
    """Markdown, in nanoseconds; what failed is told below."""
    libraries = table.libraries()
    lines = [
        f"\n{table.title}, ns\n",
        f"| | {' | '.join(libraries)} |",
        f"|---|{'---|' * len(libraries)}",
    ]
    failures = []
    for operation, results in table.rows.items():
        cells = []
        for name in libraries:
            result = results.get(name)
            if result is None:
                cells.append("-")
            elif result.median is None:
                cells.append("failed")
                failures.append(f"{name}, {operation}: {result.failure}")
            else:
                cells.append(f"{result.median:,.0f}")
        lines.append(f"| {operation} | {' | '.join(cells)} |")
    for note in [*table.notes, *failures]:
        lines.append(f"\n{note}")
    return "\n".join(lines)
