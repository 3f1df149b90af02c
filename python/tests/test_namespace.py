"""NamespaceProxy: which attributes are shared, and which are the proxy's own."""

from __future__ import annotations

import copy
import multiprocessing
import multiprocessing.managers
import pickle
from typing import Any

import pytest

import sharevar

pytestmark = pytest.mark.every_engine

fork = multiprocessing.get_context("fork")

VALUES = [0, -1, 2**70, 1.5, "text", "long " * 50, None, True, b"b", [1, [2]], {"a": {1}}]


@pytest.mark.parametrize("name", ["x", "a_long_name_of_an_attribute_of_more_than_31", "ä"])
@pytest.mark.parametrize("value", VALUES)
def test_values_of_every_type(name: str, value: Any) -> None:
    namespace = sharevar.NamespaceProxy()
    for _ in range(2):
        setattr(namespace, name, value)
        got = getattr(namespace, name)
        assert (type(got), got) == (type(value), value)
    delattr(namespace, name)
    assert not hasattr(namespace, name)


def test_values_replace_each_other() -> None:
    namespace = sharevar.NamespaceProxy()
    for value in VALUES * 2:
        namespace.x = value
        assert namespace.x == value


def test_missing_attributes() -> None:
    namespace = sharevar.NamespaceProxy(x=1)
    standard = multiprocessing.managers.Namespace()
    for act in (getattr, delattr):
        with pytest.raises(AttributeError) as ours:
            act(namespace, "y")
        with pytest.raises(AttributeError) as theirs:
            _ = standard.y
        assert str(ours.value) == str(theirs.value)
    assert getattr(namespace, "y", 5) == 5
    for name in (1, None):
        with pytest.raises(TypeError):
            getattr(namespace, name)  # type: ignore[call-overload]
        with pytest.raises(TypeError):
            setattr(namespace, name, 1)  # type: ignore[call-overload]


def test_every_name_without_an_underscore_is_shared() -> None:
    names = ["arena", "handle", "kind", "create", "get", "keys", "self", "class"]
    namespace = sharevar.NamespaceProxy(**{name: name for name in names})
    for same in (namespace, copy.copy(namespace), pickle.loads(pickle.dumps(namespace))):
        for name in names:
            assert getattr(same, name) == name
    store = sharevar.shared("namespaces", dict)
    store["one"] = namespace
    assert store["one"].arena == "arena"
    del namespace.arena
    assert not hasattr(store["one"], "arena")


def test_names_with_an_underscore_are_the_proxys() -> None:
    namespace = sharevar.NamespaceProxy(_shared=1, x=2)
    namespace._hidden = 3
    assert namespace._hidden == 3
    assert not hasattr(namespace, "_shared")
    assert not hasattr(pickle.loads(pickle.dumps(namespace)), "_hidden")
    del namespace._hidden
    with pytest.raises(AttributeError):
        _ = namespace._hidden
    assert str(namespace) == "Namespace(x=2)"


def test_called_by_name_it_reaches_all_attributes() -> None:
    namespace = sharevar.NamespaceProxy(x=1, _y=2)
    call = namespace._callmethod
    assert call("__getattribute__", ("x",)) == 1
    assert call("__getattribute__", ("_y",)) == 2
    assert call("__getattribute__", ("__dict__",)) == {"x": 1, "_y": 2}
    assert call("__setattr__", ("_y", 3)) is None
    assert call("__delattr__", ("x",)) is None
    assert vars(namespace._getvalue()) == {"_y": 3}
    with pytest.raises(AttributeError, match="'Namespace' object has no attribute 'x'"):
        call("__getattribute__", ("x",))
    with pytest.raises(multiprocessing.managers.RemoteError):
        call("x")


def test_its_forms() -> None:
    namespace = sharevar.NamespaceProxy(y=[2], x="1")
    assert str(namespace) == "Namespace(x='1', y=[2])"
    kind = "<NamespaceProxy object, typeid 'Namespace' at"
    assert repr(namespace) == f"{kind} {id(namespace):#x}>"
    copied = copy.deepcopy(namespace)
    assert type(copied) is multiprocessing.managers.Namespace
    assert vars(copied) == {"y": [2], "x": "1"}
    assert isinstance(namespace, multiprocessing.managers.NamespaceProxy)


def test_a_name_of_a_class_derived_from_str() -> None:
    class Name(str):
        pass

    namespace = sharevar.NamespaceProxy()
    setattr(namespace, Name("x"), 1)
    assert getattr(namespace, Name("x")) == namespace.x == 1


def test_a_derived_class_may_have_attributes_of_its_own() -> None:
    class Settings(sharevar.NamespaceProxy):
        _limit = 5

        def __repr__(self) -> str:
            return f"settings up to {self._limit}"

    settings = Settings()
    settings.depth = 3
    assert (settings.depth, repr(settings)) == (3, "settings up to 5")


def test_variables_stand_in_it(manager: Any) -> None:
    namespace = sharevar.NamespaceProxy(manager.arena, items=manager.list([1]))
    namespace.items.append(2)
    assert list(namespace.items) == [1, 2]
    namespace.me = namespace
    assert namespace.me.me.items[0] == 1
    del namespace.me


def count(namespace: Any, name: str, times: int) -> None:
    for number in range(times):
        setattr(namespace, name, number)
        assert getattr(namespace, name) == number
        namespace.last = name


def test_processes_share_it(context: Any) -> None:
    namespace = sharevar.NamespaceProxy(last=None)
    children = [
        context.Process(target=count, args=(namespace, name, 500)) for name in "ab"
    ]
    for child in children:
        child.start()
    for child in children:
        child.join()
        assert child.exitcode == 0
    assert (namespace.a, namespace.b) == (499, 499)
    assert namespace.last in "ab"
