"""Monitors whose callers are killed at random, one after the other, while others go on."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from typing import Any

import pytest
from support.waiting import eventually

import sharevar

pytestmark = [pytest.mark.long, pytest.mark.one_version]

fork = multiprocessing.get_context("fork")

WORKERS = 3
KILLS = 100
# That land inside of a call, and how long it goes on at most until there are as many.
INSIDE = 20
SECONDS = 240
ACCOUNTS = 8
TOTAL = 100 * ACCOUNTS


class Refused(Exception):
    pass


@sharevar.monitor
class Bank:
    """Whatever is moved, it is somewhere, and once."""

    def __init__(self) -> None:
        self.amounts = [100] * ACCOUNTS
        self.lent = 0
        self.left = list(range(50))
        self.right: list[int] = []
        self.done: dict[int, int] = {}
        self.calls = 0
        self.text = ""

    def move(self, worker: int, number: int, chance: random.Random, told: Any) -> None:
        # Told at once, whatever becomes of the call.
        told[f"begun {worker}"] = number
        source, target = chance.sample(range(ACCOUNTS), 2)
        amount = chance.randrange(100)
        self.amounts[source] -= amount
        self.pass_on(chance.randrange(1, 4))
        self.lend(amount - 50)
        self.calls += 1
        self.done[worker] = number
        self.text = "x" * (self.calls % 300)
        self.amounts[target] += amount
        if number % 5 == 0:
            self.lent = 1_000_000
            raise Refused

    def pass_on(self, count: int) -> None:
        for _ in range(count):
            if not self.left:
                self.left, self.right = self.right, []
            self.right.append(self.left.pop())

    def lend(self, amount: int) -> None:
        self.amounts[0] -= amount
        self.lent += amount

    def state(self) -> dict[str, Any]:
        return dict(vars(self))


def assert_whole(state: dict[str, Any]) -> None:
    assert sum(state["amounts"]) + state["lent"] == TOTAL
    assert sorted(state["left"] + state["right"]) == list(range(50))
    assert state["text"] == "x" * (state["calls"] % 300)


def work(bank: Any, told: Any, go: Any, worker: int, seed: int) -> None:
    chance = random.Random(seed)
    number = bank.done.get(worker, 0)
    while True:
        # Again and again: the next pause may begin before this one's end is noticed.
        while not go.is_set():
            told[f"stands {worker}"] = told["pause"]
            go.wait(0.02)
        number += 1
        try:
            bank.move(worker, number, chance, told)
        except Refused:
            assert number % 5 == 0
        told[f"done {worker}"] = number


class Storm:
    """The workers, and what they have told of their calls."""

    def __init__(self, manager: Any, bank: Any, seed: int) -> None:
        self.chance = random.Random(seed)
        self.bank = bank
        self.told = manager.dict(pause=0)
        self.go = manager.Event()
        self.go.set()
        self.workers = [self.start(worker) for worker in range(WORKERS)]

    def start(self, worker: int) -> Any:
        done = self.bank.done.get(worker, 0)
        self.told[f"begun {worker}"] = self.told[f"done {worker}"] = done
        seed = self.chance.random()
        child = fork.Process(target=work, args=(self.bank, self.told, self.go, worker, seed))
        child.start()
        return child

    def kill(self, worker: int) -> None:
        child = self.workers[worker]
        os.kill(child.pid, signal.SIGKILL)
        child.join()
        assert child.exitcode == -signal.SIGKILL, "it had failed before"

    def victim(self, inside: bool) -> int:
        """Any of the workers, or one that has begun a call and not told of its end."""
        while inside:
            for worker in range(WORKERS):
                # In this order: what has ended in between is not inside.
                done = self.told[f"done {worker}"]
                if self.told[f"begun {worker}"] > done == self.told[f"done {worker}"]:
                    return worker
            assert all(child.is_alive() for child in self.workers)
        return self.chance.randrange(WORKERS)

    def go_on(self, calls: int) -> None:
        target = self.bank.calls + calls
        eventually(lambda: self.bank.calls >= target)

    def stand(self) -> None:
        """Wait until no living process is in a call."""
        # Before the pause has its number: one that stands by that does not go on.
        self.go.clear()
        self.told["pause"] += 1
        for worker, child in enumerate(self.workers):
            stands = f"stands {worker}"
            eventually(
                lambda child=child, stands=stands: not child.is_alive()
                or self.told.get(stands) == self.told["pause"]
            )

    def judge(self, worker: int) -> bool:
        """Who is dead has done what it has told, and at most the call that it was in:
        whether it was in one."""
        begun, told = self.told[f"begun {worker}"], self.told[f"done {worker}"]
        assert begun in (told, told + 1)
        # A call that was refused has left nothing.
        possible = {told - 1 if told and told % 5 == 0 else told}
        if begun % 5:
            possible.add(begun)
        assert self.bank.done.get(worker, 0) in possible
        return bool(begun > told)


@pytest.mark.timeout(SECONDS + 50)
@pytest.mark.parametrize("seed", range(2))
def test_storm(manager: Any, seed: int) -> None:
    bank = manager.monitor(Bank)
    storm = Storm(manager, bank, seed)
    kills = inside = 0
    end = time.monotonic() + SECONDS
    try:
        while kills < KILLS or inside < INSIDE:
            assert time.monotonic() < end, f"of {kills} kills {inside} were inside of a call"
            storm.go_on(storm.chance.randrange(1, 60))
            # Every other one at any moment, the others aim.
            worker = storm.victim(inside=kills % 2 == 1)
            storm.kill(worker)
            kills += 1
            # A reader past the lock and a caller, while the others go on.
            assert_whole(dict(vars(bank)))
            assert_whole(bank.state())
            storm.stand()
            inside += storm.judge(worker)
            assert_whole(bank.state())
            manager.arena.sweep()
            assert manager.arena.check() == []
            storm.go.set()
            storm.workers[worker] = storm.start(worker)
            storm.go_on(1)
        for worker in range(WORKERS):
            storm.kill(worker)
        assert_whole(bank.state())
    finally:
        for child in storm.workers:
            child.kill()
            child.join()


@pytest.mark.timeout(300)
def test_all_are_killed_at_once(manager: Any) -> None:
    bank = manager.monitor(Bank)
    for seed in range(30):
        storm = Storm(manager, bank, seed)
        try:
            storm.go_on(storm.chance.randrange(1, 200))
        finally:
            for worker in range(WORKERS):
                os.kill(storm.workers[worker].pid, signal.SIGKILL)
            for worker in range(WORKERS):
                storm.kill(worker)
        for worker in range(WORKERS):
            storm.judge(worker)
        assert_whole(bank.state())
        manager.arena.sweep()
        assert manager.arena.check() == []
