"""The whole life of a program that makes one shared dict, sets an entry and gets it."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

from .loops import Result, describe

ROUNDS = 7

USE = "; entries = manager.dict(); entries['a'] = 1; assert entries['a'] == 1"
PROGRAMS = {
    # Nothing but the interpreter.
    "one process": "entries = {}; entries['a'] = 1; assert entries['a'] == 1",
    "sharevar": f"import sharevar; manager = sharevar.Manager(){USE}",
    "multiprocessing.Manager": f"import multiprocessing as m; manager = m.Manager(){USE}",
    "UltraDict2": "from UltraDict2 import UltraDict as D; d = D(); d['a'] = 1; assert d['a']",
}


def measure_start_up() -> dict[str, Result]:
    times: dict[str, list[float]] = {name: [] for name in PROGRAMS}
    results = {}
    for _ in range(ROUNDS):
        for name, program in PROGRAMS.items():
            if name in results:
                continue
            start = time.perf_counter()
            try:
                subprocess.run(
                    [sys.executable, "-c", program], check=True, capture_output=True, timeout=30
                )
            except (OSError, subprocess.SubprocessError) as error:
                results[name] = Result(failure=describe(error))
            times[name].append((time.perf_counter() - start) * 1e9)
    return {
        name: results.get(name) or Result(statistics.median(taken), min(taken))
        for name, taken in times.items()
    }
