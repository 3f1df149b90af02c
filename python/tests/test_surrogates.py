"""Strs with lone surrogates, as names of files that are no UTF-8 have: they work everywhere."""

from __future__ import annotations

import multiprocessing
import os
import pickle
from pathlib import Path
from typing import Any

import pytest

import sharevar
from sharevar.managers import BaseManager

# The middle one is long, and the last one is not the proxy's own, though like one that is.
NAMES = (b"caf\xe9.txt".decode("utf-8", "surrogateescape"), "k" * 300 + "\ud800", "\udfff_")


@sharevar.monitor
class Shelf:
    def __init__(self, **attributes: Any) -> None:
        for name, value in attributes.items():
            setattr(self, name, value)

    def replace(self, name: str, value: Any) -> Any:
        setattr(self, name, value)
        # Found again among what this method has changed, by an equal name.
        return getattr(self, name[:1] + name[1:])

    def append(self, name: str, item: Any) -> None:
        getattr(self, name).append(item)

    def swap(self, name: str, other: str) -> None:
        setattr(self, other, getattr(self, name))
        delattr(self, name)


class Echo:
    def echo(self, *arguments: Any, **named: Any) -> tuple[Any, ...]:
        return arguments, named

    def fail(self, text: str) -> None:
        raise ValueError(text)


class Manager(BaseManager):
    pass


Manager.register("Echo", Echo)


def _work(name: str, table: Any, items: Any, namespace: Any, shelf: Any, fifo: Any) -> None:
    assert table[name] == name
    assert items[0] == name
    assert fifo.get() == (name, {name: 1})
    assert getattr(namespace, name) == [name]
    setattr(namespace, name, 5)
    assert shelf.replace(name, 6) == 6
    sharevar.shared(f"of {name}", list).append(name)


@pytest.mark.parametrize("name", NAMES)
def test_in_another_process(manager: Any, context: Any, name: str) -> None:
    table, items, fifo = manager.dict({name: name}), manager.list([name]), manager.Queue()
    namespace, shelf = manager.Namespace(**{name: [name]}), Shelf(**{name: 0})
    fifo.put((name, {name: 1}))
    before = list(sharevar.shared(f"of {name}", list))
    worker = context.Process(target=_work, args=(name, table, items, namespace, shelf, fifo))
    worker.start()
    worker.join()
    assert worker.exitcode == 0
    assert getattr(namespace, name) == 5
    assert getattr(shelf, name) == 6
    assert list(sharevar.shared(f"of {name}", list)) == [*before, name]


@pytest.mark.parametrize("name", NAMES)
def test_attributes(manager: Any, name: str) -> None:
    namespace = manager.Namespace()
    with pytest.raises(AttributeError):
        getattr(namespace, name)
    with pytest.raises(AttributeError):
        delattr(namespace, name)
    setattr(namespace, name, 1)
    assert vars(namespace._getvalue()) == {name: 1}
    assert vars(namespace) == {}
    delattr(namespace, name)
    assert not hasattr(namespace, name)
    # As ever, one that begins with an underscore is the proxy's own.
    setattr(namespace, f"_{name}", 2)
    assert vars(namespace) == {f"_{name}": 2}


@pytest.mark.parametrize("name", NAMES)
def test_monitors(name: str) -> None:
    shelf = Shelf(**{name: [1]})
    shelf.append(name, 2)
    assert shelf.replace(name, [*getattr(shelf, name), 3]) == [1, 2, 3]
    shelf.swap(name, "plain")
    assert vars(shelf) == {"plain": [1, 2, 3]}
    assert not hasattr(shelf, name)
    shelf.swap("plain", name)
    assert name in dir(shelf)


@pytest.mark.parametrize("name", NAMES)
def test_containers(manager: Any, name: str) -> None:
    table = manager.dict({name: 1, (name, 1): 2})
    assert table[name] == 1
    assert table[name, 1] == 2
    assert table.incr(name) == 2
    assert "caf\xe9.txt" not in table
    assert table.pop(name) == 2
    assert name not in table
    items = manager.list(["a", name])
    assert (items.index(name), items.count(name)) == (1, 1)
    items.remove(name)
    elements = manager.set([name])
    assert name in elements
    assert elements | {"a"} == {name, "a"}
    elements.discard(name)
    assert not elements
    box = manager.Value("s", name)
    box.value += name
    assert box.value == name * 2
    for fifo in (sharevar.Queue(), sharevar.SimpleQueue(), manager.Queue()):
        fifo.put(name)
        assert fifo.get() == name


@pytest.mark.parametrize("name", NAMES)
def test_names_of_variables(manager: Any, name: str) -> None:
    sharevar.shared(name, list).append(name)
    assert name in sharevar.shared(name, list)
    made = manager.arena.named(name, Shelf)
    assert manager.arena.named(name, Shelf) == made


def test_files(tmp_path: Path) -> None:
    path = os.path.join(tmp_path, NAMES[0])
    with sharevar.open(path) as file:
        file.write("one\n")
        pickle.loads(pickle.dumps(file)).write("two\n")
    with sharevar.open(os.fsencode(path), "ab") as binary:
        binary.write(b"three\n")
    assert Path(path).read_text() == "one\ntwo\nthree\n"


@pytest.mark.parametrize("name", NAMES)
def test_hosted(name: str) -> None:
    with Manager(ctx=multiprocessing.get_context("fork")) as hosts:
        echo = hosts.Echo()
        assert echo.echo(name, **{name: {name}}) == ((name,), {name: {name}})
        with pytest.raises(ValueError) as raised:
            echo.fail(name)
        assert raised.value.args == (name,)


@pytest.mark.parametrize("name", NAMES)
def test_the_error_of_a_missing_attribute_has_its_name(manager: Any, name: str) -> None:
    class Plain:
        pass

    with pytest.raises(AttributeError) as plain:
        getattr(Plain(), name)
    expected = str(plain.value).removeprefix("'Plain'")
    for thing in (manager.Namespace(), manager.monitor(Shelf)):
        for use in (getattr, delattr):
            with pytest.raises(AttributeError) as told:
                use(thing, name)
            message = str(told.value)
            assert message == f"{message.partition(' ')[0]}{expected}"
            assert name in message
