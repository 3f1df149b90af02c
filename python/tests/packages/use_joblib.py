"""joblib makes no manager; its users hand theirs to its workers, as here.

With the backend "multiprocessing" the workers are a pool of multiprocessing, with
"loky" they are programs of their own that joblib starts in its own way.
"""

import multiprocessing

from joblib import Parallel, delayed
from made import tell


def collatz(number, known, lock):
    steps, start = 0, number
    while number != 1:
        number = number // 2 if number % 2 == 0 else 3 * number + 1
        steps += 1
    with lock:
        known[start] = steps
        known["calls"] = known["calls"] + 1
    return steps


if __name__ == "__main__":
    with multiprocessing.Manager() as manager:
        tell(manager)
        for backend in ("multiprocessing", "loky"):
            known, lock = manager.dict(calls=0), manager.Lock()
            tell(known, lock)
            steps = Parallel(n_jobs=2, backend=backend)(
                delayed(collatz)(number, known, lock) for number in range(1, 40)
            )
            assert all(known[number] == steps[number - 1] for number in range(1, 40))
            print(backend, known["calls"], sum(steps), max(steps))
