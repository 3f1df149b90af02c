"""What large values cost beside one copy of their bytes, and what a view costs.

``python python/benches/arrays.py [--rounds N]``; needs NumPy. The rounds are interleaved, and
the best of each is printed. A set writes to other memory each time, as *a copy by turns* does:
its two targets are shared memory.
"""

from __future__ import annotations

import argparse
import itertools
import mmap
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import sharevar

MIB = 1 << 20


def best(
    calls: dict[str, Callable[[], Any]], rounds: int, repeat: int = 20
) -> dict[str, float]:
    """The shortest time of a call, in seconds, of so many rounds."""
    found = dict.fromkeys(calls, float("inf"))
    for _ in range(rounds):
        for name, call in calls.items():
            begin = time.perf_counter()
            for _ in range(repeat):
                call()
            found[name] = min(found[name], (time.perf_counter() - begin) / repeat)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=100)
    rounds = parser.parse_args().rounds
    manager = sharevar.Manager()
    for size in (MIB // 16, MIB, 16 * MIB):
        array = np.arange(size // 8, dtype=np.int64)
        raw, changed = array.tobytes(), bytearray(array.tobytes())
        target = np.empty_like(array)
        box = manager.dict(array=array, raw=raw, changed=changed)

        shared = mmap.mmap(-1, 2 * size)
        targets = itertools.cycle(
            [np.frombuffer(shared, "i8", size // 8, start) for start in (0, size)]
        )

        def set_to(key: str, value: Any, box: Any = box) -> Callable[[], None]:
            return lambda: box.__setitem__(key, value)

        def get(key: str, box: Any = box) -> Callable[[], Any]:
            return lambda: box[key]

        times = best(
            {
                "copy": lambda target=target, array=array: np.copyto(target, array),  # type: ignore[misc]
                "a copy by turns": lambda targets=targets, array=array: np.copyto(  # type: ignore[misc]
                    next(targets), array
                ),
                "new copy": array.copy,
                "get of bytes": get("raw"),
                "set of bytes": set_to("raw", raw),
                "get of a bytearray": get("changed"),
                "set of a bytearray": set_to("changed", changed),
                "get of an array": get("array"),
                "set of an array": set_to("array", array),
            },
            rounds,
            20 if size <= MIB else 2,
        )
        print(f"{size >> 10} KiB: a copy {times['copy'] * 1e6:.1f} us, ", end="")
        print(f"into new memory {times['new copy'] * 1e6:.1f} us")
        for name, seconds in times.items():
            ratio = seconds / times["copy"]
            print(f"  {name:22} {seconds * 1e6:8.1f} us {ratio:6.2f} copies")
    box = manager.dict(array=np.zeros(MIB, dtype="u1"), raw=bytes(MIB))
    local = bytes(MIB)
    for name, seconds in best(
        {
            "memoryview(bytes)": lambda: memoryview(local),
            "view of bytes": lambda: box.view("raw"),
            "view of an array": lambda: box.view("array"),
        },
        rounds,
        1000,
    ).items():
        print(f"{name:24} {seconds * 1e9:8.0f} ns")


if __name__ == "__main__":
    main()
