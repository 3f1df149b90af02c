"""Monitors: all of a method's changes or none, whoever calls, however it ends."""

from __future__ import annotations

import abc
import dataclasses
import functools
import gc
import inspect
import multiprocessing
import os
import pickle
import signal
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

import pytest

import sharevar

fork = multiprocessing.get_context("fork")


class Overdrawn(Exception):
    """What an account raises by itself."""


@sharevar.monitor
class Account:
    """What somebody has."""

    limit = 100

    def __init__(self, owner: str = "nobody", balance: int = 0) -> None:
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


def in_thread(function: Callable[[], Any]) -> Any:
    outcome: list[Any] = []

    def run() -> None:
        try:
            outcome.append(function())
        except Exception as error:
            outcome.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return outcome[0]


def test_methods_and_attributes() -> None:
    account = Account("Ada", 3)
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


def test_it_looks_like_the_class_that_was_written() -> None:
    account = Account()
    assert (Account.__name__, Account.__doc__) == ("Account", "What somebody has.")
    assert Account.deposit.__doc__ == "Add to the balance."
    signature = "(amount: 'int', *, note: 'Any' = None) -> 'int'"
    assert str(inspect.signature(account.deposit)) == signature
    assert isinstance(account, Account)
    assert vars(account) == {"owner": "nobody", "balance": 0, "history": []}
    assert {"owner", "deposit", "__len__"} <= set(dir(account))
    with pytest.raises(TypeError):
        vars(account)["owner"] = "somebody"
    with pytest.raises(TypeError, match="first argument must be the monitor"):
        Account.deposit(object(), 1)
    with pytest.raises(TypeError, match="missing 1 required"):
        account.deposit()


def test_what_is_not_there() -> None:
    account = Account()
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


def test_an_exception_undoes_all() -> None:
    account = Account("Ada", 3)
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


def test_a_nested_call_that_fails_undoes_its_own() -> None:
    account = Account("Ada", 10)
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


def test_too_much_changes_nothing() -> None:
    manager = sharevar.Manager(capacity=8 << 20)
    account = manager.monitor(Account, "Ada", 3)

    def many(self: Any) -> None:
        for number in range(5000):
            setattr(self, f"a{number}", number)

    with pytest.raises(sharevar.TransactionTooLarge):
        account.run(many)
    with pytest.raises(sharevar.OutOfSharedMemory):
        account.run(lambda self: setattr(self, "owner", bytes(9 << 20)))
    assert dict(vars(account)) == {"owner": "Ada", "balance": 3, "history": []}


def test_a_method_has_one_object_for_each_attribute() -> None:
    account = Account()

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


# Classes


@sharevar.monitor
@dataclasses.dataclass
class Point:
    x: int
    y: int = 2


class Counted(Account):
    """Derived from a monitor, and so one."""

    def deposit(self, amount: int, *, note: Any = None) -> int:
        self.calls = vars(self).get("calls", 0) + 1
        return super().deposit(amount, note=note)


class Named:
    def rename(self, owner: str) -> None:
        self.owner = owner
        if not owner:
            raise ValueError("no name")


class NamedAccount(Named, Account):
    pass


Item = TypeVar("Item")


@sharevar.monitor
class Box(Named, Generic[Item]):
    owner: str
    item: Item

    def swap(self, item: Item) -> Any:
        old = getattr(self, "item", None)
        self.item = item
        return old

    swap_none = functools.partialmethod(swap, None)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("made_up"):
            return name
        raise AttributeError(name)


def test_dataclasses() -> None:
    point = Point(1)
    assert (point.x, point.y) == (1, 2)
    assert point == Point(1) != Point(2)
    assert repr(point) == "Point(x=1, y=2)"
    point.x += 1
    assert dataclasses.astuple(point) == (2, 2)


def test_derived_classes() -> None:
    counted = Counted("Ada")
    assert (counted.deposit(1), counted.deposit(2), counted.calls) == (1, 3, 2)
    with pytest.raises(TypeError):
        counted.deposit("x")
    assert (counted.calls, len(counted)) == (2, 2)
    named = NamedAccount()
    with pytest.raises(ValueError, match="no name"):
        named.rename("")
    assert named.owner == "nobody"
    assert type(pickle.loads(pickle.dumps(named))) is NamedAccount
    box: Any = Box[int]()
    assert (box.swap(1), box.swap_none(), box.item) == (None, 1, None)
    assert box.made_up_name == "made_up_name"
    assert vars(box) == {"item": None}
    with pytest.raises(ValueError, match="no name"):
        box.rename("")
    with pytest.raises(AttributeError):
        box.owner  # noqa: B018
    with pytest.raises(TypeError):
        Box(1)


def test_abstract_classes() -> None:
    @sharevar.monitor
    class Shape(abc.ABC):
        @abc.abstractmethod
        def area(self) -> int: ...

    class Square(Shape):
        def area(self) -> int:
            return 4

    with pytest.raises(TypeError, match="Shape is abstract"):
        Shape()
    assert Square().area() == 4


def refused(**members: Any) -> str:
    with pytest.raises(TypeError) as raised:
        sharevar.monitor(type("Wrong", (), members))
    return str(raised.value)


def test_classes_that_are_refused() -> None:
    def generator(self: Any) -> Iterator[int]:
        yield 1

    async def asynchronous(self: Any) -> None: ...

    async def both(self: Any) -> Any:
        yield 1

    managed: Any = contextmanager(generator)
    for member in (generator, asynchronous, both, managed, property(generator)):
        assert "Wrong.x is a generator or asynchronous" in refused(x=member)
    assert "has __slots__" in refused(__slots__=("x",))
    assert "__del__" in refused(__del__=lambda self: None)
    assert "__getattribute__" in refused(__getattribute__=lambda self, name: None)
    cached = functools.cached_property(lambda self: 1)
    for member in (cached, functools.lru_cache(len), functools.singledispatchmethod(len)):
        assert "whose code would run without the monitor's lock" in refused(x=member)
    with pytest.raises(TypeError, match="derived from dict"):
        sharevar.monitor(type("Wrong", (dict,), {}))
    with pytest.raises(TypeError, match="for classes"):
        sharevar.monitor(len)  # type: ignore[type-var]
    with pytest.raises(TypeError, match="generator"):
        type("Derived", (Account,), {"x": generator})


def test_nothing_runs_when_the_lock_is_given_back() -> None:
    account = Account()

    def give_generator(self: Any) -> Any:
        self.balance = 1
        return (item for item in self.history)

    with pytest.raises(TypeError, match="returned a generator"):
        account.run(give_generator)
    assert account.balance == 0
    assert account.run(lambda self: list(self.run(give_generator))) == []
    assert account.balance == 1


class Sly:
    """Changes the account while it is pickled into it."""

    account: Any = None

    def __reduce__(self) -> Any:
        Sly.account.balance = 7
        return (Sly, ())


def test_pickling_cannot_change_what_is_stored() -> None:
    Sly.account = account = Account()
    with pytest.raises(sharevar.NotShareable, match="while the monitor's attributes were"):
        account.run(lambda self: setattr(self, "owner", Sly()))
    assert dict(vars(account)) == {"owner": "nobody", "balance": 0, "history": []}


# Processes


def deposit_often(account: Any, times: int) -> None:
    for _ in range(times):
        account.deposit(1)


def test_no_call_is_lost(manager: Any, context: Any) -> None:
    account = manager.monitor(Account)
    children = [context.Process(target=deposit_often, args=(account, 200)) for _ in range(3)]
    for child in children:
        child.start()
    deposit_often(account, 200)
    for child in children:
        child.join()
        assert child.exitcode == 0
    assert (account.balance, len(account)) == (800, 800)


def test_threads_take_turns() -> None:
    account = Account()
    threads = [threading.Thread(target=deposit_often, args=(account, 300)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (account.balance, len(account)) == (1200, 1200)


def stand_inside(account: Any, connection: Any) -> None:
    def method(self: Any) -> None:
        self.balance = 99
        self.history.append("half")
        connection.send("inside")
        connection.recv()
        self.owner = "stood"

    account.run(method)


def test_a_reader_sees_the_old_state_and_a_caller_waits(manager: Any) -> None:
    account = manager.monitor(Account, "Ada", 3)
    ours, theirs = fork.Pipe()
    child = fork.Process(target=stand_inside, args=(account, theirs))
    child.start()
    assert ours.recv() == "inside"
    assert (account.balance, account.history) == (3, [])
    waiting = threading.Event()

    def deposit() -> None:
        waiting.set()
        account.deposit(1)

    caller = threading.Thread(target=deposit)
    caller.start()
    waiting.wait()
    ours.send("go")
    caller.join()
    child.join()
    assert (account.balance, account.owner) == (100, "stood")


def test_who_is_killed_inside_has_changed_nothing(manager: Any) -> None:
    account = manager.monitor(Account, "Ada", 3)
    before = dict(vars(account))
    for _ in range(20):
        ours, theirs = fork.Pipe()
        child = fork.Process(target=stand_inside, args=(account, theirs))
        child.start()
        assert ours.recv() == "inside"
        os.kill(child.pid, signal.SIGKILL)
        child.join()
        assert dict(vars(account)) == before
        account.run(lambda self: None)


def move_for_ever(account: Any, connection: Any) -> None:
    def move(self: Any) -> None:
        self.balance += 1
        self.history.append(len(self.history))
        self.owner = "x" * (self.balance % 300)

    connection.send("ready")
    while True:
        account.run(move)


def test_killed_at_any_moment_all_or_nothing(manager: Any) -> None:
    account = manager.monitor(Account, "", 0)
    for round in range(40):
        ours, theirs = fork.Pipe()
        children = [
            fork.Process(target=move_for_ever, args=(account, theirs)) for _ in range(2)
        ]
        for child in children:
            child.start()
        for _ in children:
            ours.recv()
        target = account.balance + round
        while account.balance < target:
            pass
        for child in children:
            os.kill(child.pid, signal.SIGKILL)
        for child in children:
            child.join()

        def check(self: Any) -> None:
            assert self.history == list(range(self.balance))
            assert self.owner == "x" * (self.balance % 300)

        account.run(check)


def test_ctrl_c_while_waiting_loses_nothing(manager: Any) -> None:
    account = manager.monitor(Account, "Ada", 3)
    ours, theirs = fork.Pipe()
    child = fork.Process(target=stand_inside, args=(account, theirs))
    child.start()
    assert ours.recv() == "inside"
    main = threading.main_thread().ident
    assert main is not None
    stop = threading.Event()

    def interrupt() -> None:
        # Until it has come: the first may come before the wait.
        while not stop.wait(0.05):
            signal.pthread_kill(main, signal.SIGINT)

    interrupter = threading.Thread(target=interrupt)
    try:
        interrupter.start()
        account.deposit(1)
        pytest.fail("the call was not interrupted")
    except KeyboardInterrupt:
        stop.set()
    interrupter.join()
    ours.send("go")
    child.join()
    assert account.deposit(1) == 100
    assert account.history == ["half", (1, None)]


def report(account: Any, connection: Any) -> None:
    connection.send(account.balance)
    account.deposit(1)


def test_a_fork_inside_a_method() -> None:
    account = Account("Ada", 3)
    ours, theirs = fork.Pipe()

    def start(self: Any) -> Any:
        self.balance = 10
        child = fork.Process(target=report, args=(self, theirs))
        child.start()
        # It has a copy of what is changed here, and is not inside.
        assert ours.recv() == 3
        return child

    account.run(start).join()
    assert account.balance == 11


def test_a_forked_child_cannot_end_its_parents_method() -> None:
    account = Account("Ada", 3)

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
    assert account.balance == 4
    assert in_thread(lambda: account.deposit(1)) == 5


class Token:
    """Something whose end can be seen."""


def test_what_a_method_had_ends_with_it() -> None:
    account = Account()

    def use(self: Any, how: str) -> None:
        tokens = [Token() for _ in range(4)]
        ends.extend(weakref.ref(token) for token in tokens)
        self.owner, self.token = tokens[0], tokens[1]
        self.token = tokens[2]
        self.history.append(tokens[3])
        if how == "nested":
            self.run(functools.partial(use, how="plain"))
        if how == "failing":
            self.run(lambda self: [setattr(self, "token", Token()), 1 // 0])

    for how in ("plain", "nested", "failing"):
        ends: list[weakref.ref[Token]] = []
        if how == "failing":
            with pytest.raises(ZeroDivisionError):
                account.run(functools.partial(use, how=how))
        else:
            account.run(functools.partial(use, how=how))
        assert [end() for end in ends] == [None] * len(ends)


def test_objects_are_freed(manager: Any) -> None:
    def count() -> int:
        gc.collect()
        return int(manager.arena.references)

    before = count()
    accounts = [manager.monitor(Account, str(number)) for number in range(50)]
    assert count() > before
    for account in accounts:
        account.run(lambda self: self.history.append(self.owner))
        with pytest.raises(ZeroDivisionError):
            account.run(lambda self: 1 // 0)
    del accounts, account
    assert count() == before

