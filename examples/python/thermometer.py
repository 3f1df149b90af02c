"""The Python half of a pair: it computes with what a Rust program measures.

    cargo run --release -p sharevar --example thermometer &
    python examples/python/thermometer.py

With the path of the Rust program as its argument it starts that program itself.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys

import sharevar


def main() -> None:
    own = sys.argv[1] if len(sys.argv) > 1 else None
    name = f"thermometer-{os.getpid()}" if own else "example-thermometer"
    # Both open the manager by its name, and the first one makes it.
    station = sharevar.Manager(name=name)
    readings = station.list(name="readings")
    has_ended = station.Event(name="has ended")
    program = subprocess.Popen([own, name]) if own else None
    seen = 0
    while not has_ended.wait(0.1):
        # A slice is read at one moment, as a whole.
        new = readings[seen:]
        seen += len(new)
        if new:
            print(f"{seen:5} readings, the last {len(new)} at {statistics.fmean(new):.2f} °C")
    if program is not None and program.wait(30) != 0:
        sys.exit("the Rust program has failed")
    print(f"{len(readings)} readings, at {statistics.fmean(readings[:]):.2f} °C on average")


if __name__ == "__main__":
    main()
