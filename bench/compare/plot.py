"""A plot for each table: the libraries of each operation, quickest first, on one scale.

A bar is the median of the rounds, the mark in it the best round.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("svg")

import matplotlib.pyplot as pyplot

from .table import Table

OURS, FLOOR, OTHERS = "#1b6ca8", "#b8c4cc", "#8f8f8f"
# Objects of one process, in Python and in Rust.
FLOORS = ("one process", "one process, Rust", "Mutex<HashMap>", "dashmap")


def colour(name: str) -> str:
    if name.startswith("sharevar"):
        return OURS
    return FLOOR if name in FLOORS else OTHERS


def as_time(nanoseconds: float) -> str:
    for unit, size in (("ms", 1e6), ("µs", 1e3)):
        if nanoseconds >= 0.9995 * size:
            return f"{nanoseconds / size:.3g} {unit}"
    return f"{nanoseconds:.3g} ns"


def draw(tables: list[Table], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    # Text stays text, and the same numbers give the same file.
    matplotlib.rcParams.update(
        {"svg.fonttype": "none", "svg.hashsalt": "sharevar", "font.size": 8}
    )
    for table in filter(lambda table: table.has_plot, tables):
        draw_one(table, folder / f"benchmark-{table.name}.svg")


def draw_one(table: Table, path: Path) -> None:
    rows = {
        operation: sorted(
            (max(result.median, 0.1), max(result.best or 0, 0.1), name)
            for name, result in results.items()
            if result.median is not None
        )
        for operation, results in table.rows.items()
    }
    rows = {operation: bars for operation, bars in rows.items() if bars}
    if not rows:
        return
    columns = 1 if len(rows) == 1 else 2
    lines = -(-len(rows) // columns)
    height = 0.6 + 0.19 * max(map(len, rows.values()))
    figure, axes = pyplot.subplots(
        lines, columns, figsize=(4.4 * columns, height * lines), squeeze=False, sharex=True
    )
    longest = max(time for bars in rows.values() for time, _, _ in bars)
    shortest = min(best for bars in rows.values() for _, best, _ in bars)
    for axis in axes.flat[len(rows) :]:
        axis.set_visible(False)
    for axis, (operation, bars) in zip(axes.flat, rows.items(), strict=False):
        times, bests, names = zip(*bars, strict=True)
        axis.barh(names, times, color=[colour(name) for name in names], height=0.7)
        axis.plot(bests, range(len(bests)), "|", color="white", markersize=6)
        axis.invert_yaxis()
        axis.set_xscale("log")
        axis.set_xlim(shortest / 2, longest * 20)
        axis.set_title(operation, loc="left", fontsize=9, fontweight="bold")
        axis.tick_params(bottom=False, labelbottom=False, left=False, which="both")
        for side in axis.spines.values():
            side.set_visible(False)
        for place, time in enumerate(times):
            axis.text(time * 1.15, place, as_time(time), va="center")
    figure.suptitle(f"{table.title}; less is better, scale logarithmic", fontsize=10)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
