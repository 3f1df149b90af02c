"""The Python half of ``with_python.rs``, which starts it."""

import os
import sys

from sharevar import (
    ArrayProxy,
    DictProxy,
    ListProxy,
    Lock,
    PriorityQueue,
    ValueProxy,
    monitor,
)
from sharevar._native import Arena


@monitor
class Turns:
    """What Rust has as a struct of the same name."""

    def take(self, name: str) -> None:
        self.count += 1
        self.last = [*self.last, name][-3:]


def inherited() -> Arena:
    """The arena that the Rust parent shared with ``Command::share``."""
    _name, _, entry = os.environ["SHAREVAR_INHERITED"].partition("=")
    number, _, identity = entry.partition(":")
    arena = Arena.attach(int(number))
    if arena.id.hex() != identity:
        raise RuntimeError(f"descriptor {number} leads to another arena")
    return arena


def main(rounds: int) -> None:
    arena = inherited()
    counts = arena.named("counts", DictProxy)
    events = arena.named("events", ListProxy)
    total = arena.named("total", ValueProxy)
    hits = arena.named("hits", ValueProxy)
    levels = arena.named("levels", ArrayProxy)
    lock = arena.named("lock", Lock)
    messages = arena.named("messages", DictProxy)
    lists = arena.named("lists", DictProxy)
    turns = arena.named("turns", Turns)
    jobs = arena.named("jobs", PriorityQueue)
    ranks = arena.named("ranks", ValueProxy)

    question = messages["question"]
    print("Python reads", question)
    assert question == {"from": "rust", "numbers": [-1, 2**63 - 1], "note": None}
    messages["answer"] = {"from": "python", "numbers": [1, 2, 2**62], "note": 0.5}
    lists["ours"].append(2)
    theirs = arena.named("theirs", ListProxy)
    theirs.append(3)
    lists["theirs"] = theirs

    arena.named("ready", ValueProxy).set(True)
    for number in range(rounds):
        counts.incr("both", 1)
        counts[f"python {number}"] = number
        events.append(("python", number))
        hits.incr(1)
        turns.take("python")
        jobs.put((number % 7, "python"))
        rank, _name = jobs.get()
        ranks.incr(rank)
        with lock:
            total.value += 1
            for index in range(len(levels)):
                levels[index] += 0.5
    print("Python is done", len(events), "events so far")


main(int(sys.argv[1]))
