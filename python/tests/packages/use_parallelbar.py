"""parallelbar: its bars are fed through a queue of a manager."""

import multiprocessing

from made import tell
from parallelbar import progress_imapu, progress_map, progress_starmap

standard = multiprocessing.Manager
managers = []
multiprocessing.Manager = lambda: managers.append(standard()) or managers[-1]


def square(number):
    if number == 13:
        raise ValueError("thirteen")
    return number * number


def power(base, exponent):
    return base**exponent


if __name__ == "__main__":
    print(progress_map(square, range(10), n_cpu=2))
    print(sorted(progress_imapu(square, range(10), n_cpu=2, context="spawn")))
    print(progress_starmap(power, [(2, 3), (3, 2)], n_cpu=2))
    results, failed = progress_map(
        square, range(10, 16), n_cpu=2, error_behavior="coerce", return_failed_tasks=True
    )
    print(results[:3], failed)
    print(len(managers))
    tell(managers[0], managers[0].Queue())
