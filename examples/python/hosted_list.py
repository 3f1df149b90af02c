"""An object with a list, kept in a host, changed by two processes.

    python examples/python/hosted_list.py

With ``multiprocessing.managers`` for ``sharevar.managers`` it is the same program.
"""

import multiprocessing
import os

from sharevar.managers import BaseManager


class Guests:
    """An object that is more than data: it has a rule."""

    def __init__(self, limit):
        self.names = ["start"]
        self.limit = limit

    def welcome(self, name):
        if len(self.names) == self.limit:
            raise ValueError(f"no room for {name}")
        self.names.append(name)
        return list(self.names)

    def process(self):
        return os.getpid()


class Manager(BaseManager):
    pass


Manager.register("Guests", Guests)


def arrive(guests, name):
    print(f"  {name} sees", *guests.welcome(name), flush=True)


def main():
    with Manager() as manager:
        guests = manager.Guests(3)
        children = [
            multiprocessing.Process(target=arrive, args=(guests, name))
            for name in ("alpha", "beta")
        ]
        for child in children:
            child.start()
        for child in children:
            child.join()
        print("  it is in another process:", guests.process() != os.getpid())
        try:
            guests.welcome("gamma")
        except ValueError as error:
            print("  the third is told:", error)


if __name__ == "__main__":
    main()
