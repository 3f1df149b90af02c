"""What sorts and searches of a long list cost, next to `multiprocessing.Manager().list`.

    python python/benches/lists.py [--items 100000] [--rounds 5] [kind ...]

A table in Markdown: for each kind of items the processor time of ours divided by that of
the standard manager's, caller and server together. There the server has plain objects and
runs `list.sort` on them. Both are the best of interleaved rounds of one run; other work on
the machine counts for neither. The items that are searched for are the last one (`index`,
`count`) and one that is not there (`in`); `remove` is of the last one.
"""

from __future__ import annotations

import argparse
import datetime
import decimal
import enum
import functools
import multiprocessing
import operator
import pathlib
import random
import time
import uuid
from collections.abc import Callable
from typing import Any

import sharevar

DAY = datetime.date(1970, 1, 1)
MOMENT = datetime.datetime(2020, 1, 1)
MOMENT_IN_UTC = MOMENT.replace(tzinfo=datetime.timezone.utc)


@functools.total_ordering
class Version:
    """An object of a user's class."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Version) and self.number == other.number

    def __lt__(self, other: Version) -> bool:
        return self.number < other.number

    def __hash__(self) -> int:
        return hash(self.number)


class Level(enum.IntEnum):
    LOW = 1
    MIDDLE = 2
    HIGH = 3


# The item of each number, in the numbers' order; numbers are below 2**30.
KINDS: dict[str, Callable[[int], Any]] = {
    "ints": lambda n: n,
    "floats": lambda n: n / 7,
    "ints and floats": lambda n: n if n % 2 else n + 0.25,
    "big ints": lambda n: 2**70 + n,
    "short strs": lambda n: f"{n:06x}"[-6:],
    "strs": lambda n: f"customer-{n:010}",
    "bytes": lambda n: b"record-%010d" % n,
    "tuples of str and int": lambda n: (f"group {n // 100:08}", n),
    "dates": lambda n: DAY + datetime.timedelta(n % 1_000_000),
    "datetimes": lambda n: MOMENT + datetime.timedelta(seconds=n % 2**28),
    "datetimes in UTC": lambda n: MOMENT_IN_UTC + datetime.timedelta(seconds=n % 2**28),
    "decimals": lambda n: decimal.Decimal(n) / 100,
    "UUIDs": lambda n: uuid.UUID(int=n << 90),
    "paths": lambda n: pathlib.PurePosixPath(f"/srv/data/{n // 1000:07}/{n:010}.csv"),
    "tuples with a date": lambda n: (DAY + datetime.timedelta(n % 1_000_000), n),
    "members of an enumeration": lambda n: Level(1 + n % 3),
    "objects of a class": Version,
}

# Keys of sorts, and what they are applied to.
KEYS: dict[str, Any] = {
    "ints": operator.neg,
    "strs": str.lower,
    "tuples of str and int": operator.itemgetter(1),
    "objects of a class": operator.attrgetter("number"),
}

ORDERS: dict[str, Callable[[list[int]], list[int]]] = {
    "random": list,
    "in order": sorted,
    "opposite": lambda numbers: sorted(numbers, reverse=True),
    "three runs": lambda numbers: [n for part in range(3) for n in sorted(numbers[part::3])],
}

Run = Callable[[Any], Any]
# Each list with the process that keeps it, if that is another.
Lists = list[tuple[Any, int | None]]


def processor_time(server: int | None) -> float:
    """The seconds that this process has used, and the server of that number."""
    # The clock of another process on Linux (clock_getcpuclockid).
    other = 0 if server is None else time.clock_gettime((~server << 3) | 2)
    return time.process_time() + other


def best(lists: Lists, fill: list[Any] | None, run: Run, rounds: int) -> list[float]:
    """The shortest time for each list, filled anew before each round if there is `fill`."""
    times = [float("inf")] * len(lists)
    began = time.perf_counter()
    for count in range(rounds):
        for place, (shared, server) in enumerate(lists):
            if fill is not None:
                shared[:] = fill
            start = processor_time(server)
            run(shared)
            times[place] = min(times[place], processor_time(server) - start)
        if count and time.perf_counter() - began > 20:
            break
    return times


def cell(times: list[float]) -> str:
    return f"{times[0] / times[1]:.2g}"


def measure(kind: str, lists: Lists, items: int, rounds: int) -> list[str]:
    make = KINDS[kind]
    numbers = random.Random(7).sample(range(2**24), items)
    cells = []
    for arrange in ORDERS.values():
        fill = [make(number) for number in arrange(numbers)]
        cells.append(cell(best(lists, fill, lambda shared: shared.sort(), rounds)))
    fill = [make(number) for number in numbers]
    cells.append(cell(best(lists, fill, lambda shared: shared.sort(reverse=True), rounds)))
    key = KEYS.get(kind)
    if key is None:
        cells.append("")
    else:
        cells.append(cell(best(lists, fill, lambda shared: shared.sort(key=key), rounds)))
    for shared, _ in lists:
        shared[:] = fill
    last, absent = fill[-1], make(2**24 + 1)
    if fill.count(last) > 1:
        return [*cells, *[""] * 4]
    cells.append(cell(best(lists, None, lambda shared: shared.index(last), rounds)))
    cells.append(cell(best(lists, None, lambda shared: shared.count(last), rounds)))
    cells.append(cell(best(lists, None, lambda shared: absent in shared, rounds)))

    def remove(shared: Any) -> None:
        shared.remove(last)
        shared.append(last)

    cells.append(cell(best(lists, None, remove, rounds)))
    return cells


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("kinds", nargs="*", choices=[[], *KINDS], metavar="kind")
    arguments.add_argument("--items", type=int, default=100_000)
    arguments.add_argument("--rounds", type=int, default=5)
    options = arguments.parse_args()
    columns = [*ORDERS, "`reverse`", "`key`", "`index`", "`count`", "`in`", "`remove`"]
    print("| items |", " | ".join(columns), "|")
    print("|---|" + "---|" * len(columns))
    context = multiprocessing.get_context("fork")
    with sharevar.Manager() as ours, context.Manager() as standard:
        lists = [(ours.list(), None), (standard.list(), standard._process.pid)]
        for kind in options.kinds or KINDS:
            cells = measure(kind, lists, options.items, options.rounds)
            print(f"| {kind} |", " | ".join(cells), "|", flush=True)


if __name__ == "__main__":
    main()
