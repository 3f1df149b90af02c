"""A progress bar for each of many workers, drawn by one process.

    python examples/python/progress_bars.py
"""

from __future__ import annotations

import random
import sys
import time
from concurrent.futures import ProcessPoolExecutor, wait

import sharevar

WORKERS = 8
STEPS = 200
WIDTH = 40


def work(name: str, progress: sharevar.DictProxy[str, int]) -> None:
    for _ in range(STEPS):
        time.sleep(random.uniform(0, 0.01))
        # A function call and no message: it may stand in an inner loop.
        progress.incr(name)


def draw(progress: dict[str, int]) -> None:
    for name, step in progress.items():
        filled = WIDTH * step // STEPS
        print(f"{name:10} {'#' * filled:{WIDTH}} {100 * step // STEPS:3} %")
    sys.stdout.flush()


def main() -> None:
    with sharevar.Manager() as manager, ProcessPoolExecutor(WORKERS) as pool:
        progress = manager.dict({f"worker {number}": 0 for number in range(WORKERS)})
        workers = [pool.submit(work, name, progress) for name in progress.keys()]
        pending = set(workers)
        while pending:
            pending = wait(pending, timeout=0.1).not_done
            if sys.stdout.isatty():
                # All of one moment.
                draw(progress.copy())
                print(f"\x1b[{WORKERS}F", end="")
        for worker in workers:
            worker.result()
        draw(progress.copy())


if __name__ == "__main__":
    main()
