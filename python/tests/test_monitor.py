"""Monitors: all of a method's changes or none, from any caller, however it ends."""

from __future__ import annotations

import gc
import inspect
import pickle
import threading
from typing import Any

import pytest
from support.accounts import Account, Overdrawn
from support.threads import in_thread

import sharevar

pytestmark = pytest.mark.every_engine


def test_methods_and_attributes(manager: Any) -> None:
    account = manager.monitor(Account, "Ada", 3)
    assert account.deposit(4, note=["x"]) == 7
    assert (account.owner, account.balance, account.limit) == ("Ada", 7, 100)
    assert account.history == [(4, ["x"])]
    assert len(account) == 1 and account[0] == (4, ["x"])
    assert repr(account) == "Account('Ada', 7)"
    assert Account.of_two("a", "b").owner == "a and b"
    assert account.add(1, 2) == 3
    assert account.twice == 14
    account.twice = 20
    assert (account.balance, account.history[-1]) == (10, "twice")
    account.limit = 5
    assert (account.limit, Account.limit) == (5, 100)
    del account.limit
    assert account.limit == 100


def test_it_looks_like_the_class_that_was_written(manager: Any) -> None:
    account = manager.monitor(Account)
    assert (Account.__name__, Account.__doc__) == ("Account", "The money of an owner.")
    assert Account.deposit.__doc__ == "Add to the balance."
    signature = "(amount: 'int', *, note: 'Any' = None) -> 'int'"
    assert str(inspect.signature(account.deposit)) == signature
    assert isinstance(account, Account)
    assert vars(account) == {"owner": "none", "balance": 0, "history": []}
    assert {"owner", "deposit", "__len__"} <= set(dir(account))
    with pytest.raises(TypeError):
        vars(account)["owner"] = "another"
    with pytest.raises(TypeError, match="first argument must be the monitor"):
        Account.deposit(object(), 1)
    with pytest.raises(TypeError, match="missing 1 required"):
        account.deposit()


def test_what_is_not_there(manager: Any) -> None:
    account = manager.monitor(Account)
    for missing in (lambda: account.none, lambda: delattr(account, "none")):
        with pytest.raises(AttributeError, match="'Account' object has no attribute 'none'"):
            missing()
    with pytest.raises(AttributeError, match="deposit is a method"):
        account.deposit = 1
    with pytest.raises(AttributeError, match="names like it are the interpreter's"):
        account.__special__ = 1
    with pytest.raises(AttributeError, match="deposit is a method"):
        account.run(lambda self: setattr(self, "deposit", 1))

    def delete(self: Any) -> list[bool]:
        del self.balance
        with pytest.raises(AttributeError):
            del self.balance
        return [hasattr(self, name) for name in ("balance", "owner")]

    assert account.run(delete) == [False, True]
    assert "balance" not in vars(account)
    with pytest.raises(AttributeError, match="'balance'"):
        account.deposit(1)


def test_an_exception_undoes_all(manager: Any) -> None:
    account = manager.monitor(Account, "Ada", 3)
    before = dict(vars(account))
    with pytest.raises(Overdrawn):
        account.withdraw(4)
    assert vars(account) == before

    def change(self: Any) -> None:
        self.new, self.owner = [1], "Eve"
        self.history.extend("abc")
        del self.balance
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        account.run(change)
    assert vars(account) == before
    assert in_thread(lambda: account.deposit(1)) == 4


def test_a_nested_call_that_fails_undoes_its_own(manager: Any) -> None:
    account = manager.monitor(Account, "Ada", 10)
    assert account.try_each(3, 20, 4, 5, 1) == 2
    assert (account.balance, account.history) == (2, [-3, -4, -1])

    def outer(self: Any) -> Any:
        history, self.table, self.few = self.history, {"a": [1]}, {1}
        table, few, inner = self.table, self.few, self.table["a"]
        self.run(lambda self: inner.append(2))

        def fail(self: Any) -> None:
            history.append("x")
            table["b"] = few.add(2)
            inner.append(3)
            self.more, self.table = 1, None
            raise Overdrawn

        with pytest.raises(Overdrawn):
            self.run(fail)
        assert not hasattr(self, "more")
        # Those who had the containers go on with the right ones.
        history.append("y")
        table["c"] = 3
        few.add(3)

    account.run(outer)
    assert account.history == [-3, -4, -1, "y"]
    assert (account.table, account.few) == ({"a": [1, 2], "c": 3}, {1, 3})


def test_what_cannot_be_stored_changes_nothing(manager: Any) -> None:
    account = manager.monitor(Account, "Ada", 3)

    def put(self: Any) -> None:
        self.balance = 9
        self.history.append(lambda: 0)

    with pytest.raises(sharevar.NotShareable, match="cannot share this list"):
        account.run(put)
    with pytest.raises(sharevar.NotShareable):
        account.owner = threading.Lock()
    assert dict(vars(account)) == {"owner": "Ada", "balance": 3, "history": []}
    account.run(lambda self: setattr(self, "balance", 4))
    assert account.balance == 4


def test_too_much_changes_nothing(manager: Any) -> None:
    account = manager.monitor(Account, "Ada", 3)

    def many(self: Any) -> None:
        for number in range(5000):
            setattr(self, f"a{number}", number)

    with pytest.raises(sharevar.TransactionTooLarge):
        account.run(many)
    assert dict(vars(account)) == {"owner": "Ada", "balance": 3, "history": []}
    assert in_thread(lambda: account.deposit(1)) == 4


def test_what_has_no_place_changes_nothing() -> None:
    manager = sharevar.Manager(capacity=8 << 20)
    account = manager.monitor(Account, "Ada", 3)
    with pytest.raises(sharevar.OutOfSharedMemory):
        account.run(lambda self: setattr(self, "owner", bytes(9 << 20)))
    assert dict(vars(account)) == {"owner": "Ada", "balance": 3, "history": []}


def test_a_method_has_one_object_for_each_attribute(manager: Any) -> None:
    account = manager.monitor(Account)

    def look(self: Any) -> Any:
        assert self.history is self.history
        assert vars(self)["history"] is self.history
        self.history.append(1)
        self.other = self.history
        return self.history

    returned = account.run(look)
    returned.append(2)
    account.history.append(3)
    assert account.history == account.other == [1]


def test_shared_variables_in_attributes_change_at_once(manager: Any) -> None:
    account = manager.monitor(Account)
    account.log = manager.list()

    def change(self: Any) -> None:
        self.log.append(1)
        self.balance = 1
        raise Overdrawn

    with pytest.raises(Overdrawn):
        account.run(change)
    assert (account.log.copy(), account.balance) == ([1], 0)


def test_two_objects_of_one_monitor(manager: Any) -> None:
    account = manager.monitor(Account, "Ada", 3)
    same = pickle.loads(pickle.dumps(account))
    assert same is not account
    assert same == account and hash(same) == hash(account)
    assert same != manager.monitor(Account)

    def both(self: Any) -> None:
        self.balance += 1
        assert same.deposit(1) == 5
        assert self.balance == 5

    account.run(both)
    assert same.balance == 5


def test_monitors_in_containers(manager: Any) -> None:
    accounts = manager.dict(a=manager.monitor(Account, "Ada"))
    accounts["a"].deposit(3)
    gc.collect()
    accounts["b"] = manager.monitor(Account, "Bob")
    accounts["a"].friend = accounts["b"]
    accounts["a"].friend.deposit(1)
    assert [accounts[name].balance for name in "ab"] == [3, 1]
    assert sharevar.shared("an account", Account, "Eve").value.owner == "Eve"
    named = manager.arena.named("account", Account, "Ada", 1)
    assert manager.arena.named("account", Account, "Eve", 2) == named
    assert named.owner == "Ada"


def test_a_manager_that_has_ended() -> None:
    manager = sharevar.Manager()
    account = manager.monitor(Account)
    account.run(lambda self: None)
    with pytest.raises(sharevar.ClosedError):
        account.run(lambda self: (manager.shutdown(), setattr(self, "balance", 1)))
    for use in (lambda: account.balance, lambda: account.deposit(1)):
        with pytest.raises(sharevar.ClosedError):
            use()
