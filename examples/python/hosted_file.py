"""One open file, kept in a host, written by two processes.

    python examples/python/hosted_file.py
"""

import multiprocessing
import tempfile
from pathlib import Path

from sharevar.managers import BaseManager


class Manager(BaseManager):
    pass


Manager.register("open", open)


def write(file, name):
    for number in range(3):
        file.write(f"{name} {number}\n")


def main():
    with tempfile.TemporaryDirectory() as folder, Manager() as manager:
        path = Path(folder) / "lines"
        file = manager.open(path, "w+")
        for name in ("alpha", "beta"):
            child = multiprocessing.Process(target=write, args=(file, name))
            child.start()
            child.join()
        file.seek(0)
        for line in file.readlines():
            print(" ", line, end="")
        file.close()


if __name__ == "__main__":
    main()
