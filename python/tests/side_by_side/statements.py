"""Statements as users of `multiprocessing.managers` write them, and what each gives.

It is run with plain Python and with ``-m sharevar``.
"""

from __future__ import annotations

import copy
import gc
import json
import multiprocessing
import os
import pickle  # noqa: F401
import queue
import re
import threading
from collections.abc import Iterator
from multiprocessing import managers, process
from multiprocessing.managers import BaseManager, BaseProxy, MakeProxyType  # noqa: F401
from typing import Any

KEY = process.current_process().authkey


class Thing:
    """It has whatever an object may have."""

    attribute = 5

    def __init__(self, *arguments: Any, **named: Any) -> None:
        self.count = 0

    def echo(self, *arguments: Any, **named: Any) -> Any:
        return arguments, named

    def add(self, by: int = 1) -> int:
        self.count += by
        return self.count

    def fail(self, error: BaseException) -> None:
        raise error

    def give_function(self) -> Any:
        return lambda: 1

    def items(self) -> list[int]:
        return [1, 2, 3]

    def iterate(self) -> Any:
        return iter([1, 2, 3])

    @property
    def prop(self) -> str:
        return "a property"

    @staticmethod
    def static(number: int) -> int:
        return number

    @classmethod
    def name(cls) -> str:
        return cls.__name__

    def _private(self) -> None:
        """Not to be called."""

    def __len__(self) -> int:
        return 3

    def __call__(self, number: int) -> int:
        return number + 1

    def __getitem__(self, index: int) -> int:
        return index * 2

    def __contains__(self, number: int) -> bool:
        return number == 1

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 1

    def __bool__(self) -> bool:
        return False

    def __str__(self) -> str:
        return "a thing's str"

    def __repr__(self) -> str:
        return "a thing's repr"


class Other(Thing):
    def more(self) -> str:
        return "more"


class Series:
    number = 5

    def itself(self) -> Series:
        return self

    def generate(self) -> Iterator[int]:
        yield from self

    def __iter__(self) -> Iterator[int]:
        return iter([1, 2])

    def __repr__(self) -> str:
        return "a series"


class Mute:
    def speak(self) -> int:
        return 1

    def __repr__(self) -> str:
        raise ValueError("mute")


_OPERATORS = ("__len__", "__call__", "__getitem__", "__contains__", "__eq__", "__bool__")
SpecialProxy = MakeProxyType("SpecialProxy", ("add", *_OPERATORS, "__hash__"))


class Manager(BaseManager):
    pass


class Derived(Manager):
    pass


class Sibling(Manager):
    pass


class Shop(BaseManager):
    """It knows the types of another's host by name only."""


Manager.register("Thing", Thing)
Manager.register("Other", Other)
Manager.register("Mute", Mute)
Manager.register("Special", Thing, SpecialProxy)
Manager.register("Exposed", Thing, exposed=("add", "missing", "__len__"))
Manager.register(
    "Typed", Thing, method_to_typeid={"items": "list", "iterate": "Iterator", "echo": "nothing"}
)
Manager.register("Iterator", proxytype=managers.IteratorProxy, create_method=False)
Manager.register("list", list, managers.ListProxy)
Manager.register("dict", dict, managers.DictProxy)
Manager.register("Namespace", managers.Namespace, managers.NamespaceProxy)
Manager.register("Value", managers.Value, managers.ValueProxy)
Manager.register("Lock", threading.Lock, managers.AcquirerProxy)
Manager.register("Event", threading.Event, managers.EventProxy)
Manager.register("Queue", queue.Queue)
Manager.register("Nothing")
Manager.register("Series", Series)
Manager.register("Numbered", Series, exposed=("number", "generate"))
Manager.register("fails", lambda: 1 / 0)
Manager.register("not-an-identifier", Thing)
Derived.register("Late", Thing)
Shop.register("Thing")
Shop.register("Unknown")


def new_class(*arguments: Any, **named: Any) -> Any:
    """What a registration leaves."""

    class New(BaseManager):
        pass

    New.register(*arguments, **named)
    shown = {
        name: [type(part).__name__ for part in entry] for name, entry in New._registry.items()
    }
    return shown, hasattr(New, "A")


def inherit() -> Any:
    class First(BaseManager):
        pass

    class Second(First):
        pass

    First.register("before", Thing)
    Second.register("own", Thing)
    First.register("after", Thing)
    First().register("on_instance", Thing)
    return (
        sorted(First._registry),
        sorted(Second._registry),
        [hasattr(Second, name) for name in ("before", "own", "after", "on_instance")],
        BaseManager._registry == {},
    )


def dispatch(manager: Any, *request: Any) -> Any:
    connection = manager._Client(manager.address, authkey=manager._authkey)
    try:
        return managers.dispatch(connection, None, *request)
    finally:
        connection.close()


def count_changes(manager: Any) -> list[int]:
    """How many objects more there are, step by step."""
    gc.collect()
    before = manager._number_of_objects()
    seen = []
    thing = manager.Thing()
    seen.append(manager._number_of_objects() - before)
    copied = copy.copy(thing)
    seen.append(manager._number_of_objects() - before)
    del thing
    seen.append(manager._number_of_objects() - before)
    del copied
    seen.append(manager._number_of_objects() - before)
    return seen


def call_in_threads(thing: Any) -> Any:
    results: list[int] = []

    def call() -> None:
        results.extend(thing.add() for _ in range(50))

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(results) == list(range(1, 201))


def connected(cls: Any, manager: Any, key: bytes = KEY) -> Any:
    client = cls(manager.address, key)
    client.connect()
    return client


def run_nothing() -> None:
    """An initializer."""


def run(statements: str, names: dict[str, Any]) -> None:
    for statement in statements.strip().splitlines():
        print(json.dumps([statement.strip(), outcome(statement.strip(), names)]), flush=True)


def outcome(statement: str, names: dict[str, Any]) -> Any:
    try:
        value = eval(statement, globals(), names)
    except Exception as error:
        return {"raised": [cls.__name__ for cls in type(error).__mro__]}
    shown = f"{type(value).__name__} {value!r}"
    # Ids and places differ from run to run.
    return re.sub(r"0x[0-9a-f]+|'[0-9a-f]{8,}'|/tmp/[^']+", "...", shown)


BEFORE = """
new_class()
new_class("A")
new_class("A", Thing)
new_class("A", 5)
new_class(5, Thing)
new_class(None)
new_class("A", Thing, 5)
new_class("A", Thing, exposed="add")
new_class("A", Thing, exposed=5)
new_class("A", Thing, method_to_typeid=[("add", "A")])
new_class("A", Thing, method_to_typeid={1: 2})
new_class("A", Thing, create_method=False)
new_class("A", Thing, create_method=0)
new_class("A", Thing, unknown=1)
new_class("A", Thing, managers.AutoProxy, ("add",), {"add": "A"}, True)
new_class("A", Thing, managers.AutoProxy, ("add",), {"add": "A"}, True, 1)
new_class("A", Thing, SpecialProxy)
inherit()
MakeProxyType("A", ("b",)) is MakeProxyType("A", ("b",))
MakeProxyType("A", ["b"]).__module__
MakeProxyType("A", ("b",)).b.__name__
MakeProxyType("A", 5)
manager._state.value
manager.address
manager.Thing()
manager._number_of_objects()
manager.shutdown()
manager.join()
manager.connect()
Manager(serializer="json")
Manager(authkey=5)
Manager(authkey="text")
Manager().start(5)
manager.start(run_nothing)
"""

RUNNING = """
manager.start()
manager.get_server()
manager._state.value
type(manager.address).__name__
setattr(manager, "address", "elsewhere")
manager.__enter__() is manager
manager._process.is_alive()
manager._process.daemon
pickle.dumps(manager)
manager.Unknown()
manager.fails()
manager.Mute(1)
manager.Nothing()
manager.Nothing([1, 2]).index(2)
manager.Nothing(1, 2)
manager.Nothing(named=1)
getattr(manager, "not-an-identifier")().add()
[type(part).__name__ for part in manager._create("Thing")]
thing
str(thing)
f"{thing}"
exposed
str(manager.Mute())
repr(manager.Mute())
(type(thing).__name__, type(thing).__module__, type(thing).__qualname__)
type(thing)
type(thing) is type(manager.Thing())
type(thing) is type(other)
isinstance(thing, BaseProxy)
isinstance(thing, Thing)
issubclass(type(special), SpecialProxy)
(thing == thing, thing != thing, thing == manager.Thing(), thing == other)
thing < other
len({thing, copy.copy(thing)})
{thing: 1}[thing]
hash(thing) == hash(thing)
bool(thing)
len(thing)
thing(1)
thing[1]
thing.add.__name__
type(thing).add.__qualname__
special._exposed_
exposed._exposed_
bool(special)
len(special)
special(4)
special[4]
1 in special
special == 5
hash(special)
thing.add()
thing.add(by=2)
thing.add("no number")
thing.add(1, 2)
thing.echo(1, "two", three=[4.0, None, (5, {6})])
thing.echo(1, *range(300))
thing.static(4)
thing.name()
thing.attribute
thing.prop
thing._private()
thing.missing
thing.give_function()
thing.echo(lambda: 1)
thing.fail(KeyError("a key"))
thing.fail(OSError(2, "words"))
thing.fail(LookupError())
exposed.missing()
exposed.name()
len(exposed)
setattr(thing, "own", 1) or thing.own
delattr(thing, "own")
thing._callmethod("echo", (1,), {"a": 2})
thing._callmethod("echo", [1])
thing._callmethod("echo", args=(1,), kwds={"a": 1})
thing._callmethod("echo", "ab")
thing._callmethod("echo", 5)
thing._callmethod("echo", None)
thing._callmethod("echo", (), {1: 2})
thing._callmethod("missing")
thing._callmethod("_private")
thing._callmethod("__len__")
thing._callmethod("__class__")
thing._callmethod("#GETVALUE")
thing._callmethod("__str__")
thing._getvalue()
thing._getvalue().count
manager.Mute()._getvalue().speak()
manager.Lock()._getvalue()
manager.Queue()._getvalue()
thing._connect()
thing._incref()
thing._after_fork()
thing.add()
thing._token
(thing._token.typeid, thing._token.address == manager.address, thing._token.id == thing._id)
(thing._manager is manager, thing._serializer, thing._owned_by_manager, thing._isauto)
type(thing._authkey).__name__
type(thing._close).__name__
type(pickle.loads(pickle.dumps(thing))).__name__
[pickle.loads(pickle.dumps(thing, protocol)).name() for protocol in range(6)]
pickle.loads(pickle.dumps(thing))._manager
pickle.loads(pickle.dumps(other)).more()
pickle.loads(pickle.dumps(special)).add()
pickle.loads(pickle.dumps(thing.add))()
pickle.loads(pickle.dumps(manager.list([1])))
copy.copy(thing) is thing
copy.copy(thing).add()
copy.deepcopy(thing).add()
copy.deepcopy([thing, thing])[1].add()
type(copy.copy(special)).__name__
copy.copy(manager.list([1]))._getvalue()
copy.deepcopy(manager.list([1]))._getvalue()
sorted(thing.__reduce__()[1][-1])
thing.echo(other)
thing.echo([other])[0][0][0].more()
thing.echo(thing)[0][0].name()
manager.list([manager.list([1])])[0][0]
manager.list([manager.list([1])])
type(typed.items()).__name__
typed.items()._getvalue()
type(typed.iterate()).__name__
list(typed.iterate())
next(typed.iterate())
(lambda it: [list(it), list(it)])(typed.iterate())
typed.echo()
numbers.sort()
(numbers, str(numbers), len(numbers), list(numbers), list(reversed(numbers)))
numbers[100]
numbers[0:2]
numbers.__iadd__([5])._getvalue()
numbers.__imul__(2)._getvalue()
(numbers + [1], numbers * 2, 5 in numbers, numbers == [1])
numbers.missing
table.update(b=2)
(table, str(table), len(table), list(table), table.items(), table.keys(), dict(table))
table["missing"]
table.pop("missing")
(lambda **named: named)(**table)
table == {"a": 1, "b": 2}
space.x
setattr(space, "y", 2) or space.y
delattr(space, "y") or space.y
(space, str(space))
setattr(space, "_z", 1) or space._z
(value.value, value.get(), value, str(value))
setattr(value, "value", 6) or value.value
jobs.get_nowait()
jobs.put(1) or (jobs.qsize(), jobs.get())
(lock.acquire(), lock.acquire(False), lock.acquire(True, 0.001), lock.release())
lock.release()
lock.__enter__()
(event.is_set(), event.set(), event.is_set(), event.wait(0.001), event.clear())
call_in_threads(manager.Thing())
count_changes(manager)
type(manager._debug_info()).__name__
dispatch(manager, "dummy")
dispatch(manager, "missing")
dispatch(manager, "_handle_request")
dispatch(manager, "incref", ("missing",))
dispatch(manager, "decref", ("missing",))
dispatch(manager, "get_methods", (managers.Token("Thing", manager.address, "missing"),))
managers.AutoProxy(thing._token, "pickle", authkey=KEY).name()
managers.AutoProxy(thing._token, "pickle", authkey=b"wrong").name()
managers.AutoProxy(thing._token, "pickle", authkey=KEY, exposed=("add",)).name()
managers.RebuildProxy(BaseProxy, thing._token, "pickle", {"authkey": KEY})._callmethod("name")
BaseProxy(thing._token, "pickle", authkey=KEY, incref=False)._callmethod("name")
BaseProxy(5, "pickle")
BaseProxy(managers.Token("Thing", manager.address, "missing"), "pickle", authkey=KEY)
BaseProxy(managers.Token("Thing", manager.address, "0123456789abcdef"), "pickle", authkey=KEY)
connected(Manager, manager).Thing().add()
connected(Manager, manager, b"wrong")
connected(Manager, manager).start()
connected(Manager, manager).shutdown()
connected(Manager, manager).join()
connected(Shop, manager).Thing(1, named=2).add()
connected(Shop, manager).Unknown()
Derived.Late.__name__
Sibling.Late
Manager(manager.address).start()
manager.Series().itself()
manager.Series()._exposed_
list(manager.Series())
list(manager.Series().generate())
callable(manager.Numbered().number)
manager.Numbered()._exposed_
manager.register("TooLate", Thing)
"""

AFTER = """
manager.shutdown()
manager.shutdown()
manager._state.value
manager.join()
(manager._process.is_alive(), manager._process.exitcode)
manager.start()
manager.connect()
manager.Thing()
manager._number_of_objects()
manager._debug_info()
manager.get_server()
manager.__enter__()
manager.__exit__(None, None, None)
thing.add()
thing.add()
thing._getvalue()
str(thing)
thing
len(numbers)
list(numbers)
table["a"]
space.x
setattr(space, "x", 1)
next(iterator)
pickle.loads(pickle.dumps(thing))
copy.copy(thing)
thing == thing
"""


def main() -> None:
    manager = Manager()
    names: dict[str, Any] = {"manager": manager}
    run(BEFORE, names)
    names.update(
        thing=manager.Thing(1, named=2),
        other=manager.Other(),
        special=manager.Special(),
        exposed=manager.Exposed(),
        typed=manager.Typed(),
        numbers=manager.list([3, 1, 2]),
        table=manager.dict(a=1),
        space=manager.Namespace(x=1),
        value=manager.Value("i", 5),
        jobs=manager.Queue(),
        lock=manager.Lock(),
        event=manager.Event(),
    )
    names["iterator"] = names["typed"].iterate()
    run(RUNNING, names)
    run(AFTER, names)


if __name__ == "__main__":
    # Hosts are to run functions that are defined in here.
    multiprocessing.set_start_method("fork")
    # What a host says that fails to start is no part of it.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    main()
