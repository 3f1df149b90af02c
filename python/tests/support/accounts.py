"""A monitor that several tests use."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import sharevar


class Overdrawn(Exception):
    """What an account raises by itself."""


@sharevar.monitor
class Account:
    """The money of an owner."""

    limit = 100

    def __init__(self, owner: str = "none", balance: int = 0) -> None:
        self.owner = owner
        self.balance = balance
        self.history: list[Any] = []

    def deposit(self, amount: int, *, note: Any = None) -> int:
        """Add to the balance."""
        self.balance += amount
        self.history.append((amount, note))
        return self.balance

    def withdraw(self, amount: int) -> int:
        self.balance -= amount
        self.history.append(-amount)
        if self.balance < 0:
            raise Overdrawn(amount)
        return self.balance

    def try_each(self, *amounts: int) -> int:
        refused = 0
        for amount in amounts:
            try:
                self.withdraw(amount)
            except Overdrawn:
                refused += 1
        return refused

    def run(self, function: Callable[[Any], Any]) -> Any:
        return function(self)

    @property
    def twice(self) -> int:
        return self.balance * 2

    @twice.setter
    def twice(self, value: int) -> None:
        self.balance = value // 2
        self.history.append("twice")

    @classmethod
    def of_two(cls, first: str, second: str) -> Any:
        return cls(f"{first} and {second}")

    @staticmethod
    def add(one: int, other: int) -> int:
        return one + other

    def __len__(self) -> int:
        return len(self.history)

    def __getitem__(self, index: int) -> Any:
        return self.history[index]

    def __repr__(self) -> str:
        return f"Account({self.owner!r}, {self.balance})"


def check_that_a_forked_child_is_outside(account: Any) -> None:
    """A method that adds one forks: the child cannot end it, and the parent does."""
    before = account.balance

    def split(self: Any) -> int:
        self.balance += 1
        return os.fork()

    try:
        child = account.run(split)
    except sharevar.NotOwner:
        os._exit(23)
    except BaseException:
        os._exit(1)
    if not child:
        os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 23
    assert account.balance == before + 1
