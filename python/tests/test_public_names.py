"""The names that a program finds in sharevar, and those that its classes bear."""

from __future__ import annotations

import ast
import inspect
import pickle
import types
from pathlib import Path

import pytest

import sharevar
from sharevar import errors, hosting, installation, managers, queues, sharedctypes, testing

MODULES = [sharevar, errors, hosting, installation, managers, queues, sharedctypes, testing]


def test_completion_shows_no_private_module() -> None:
    shown = {
        name for name in dir(sharevar) if isinstance(getattr(sharevar, name), types.ModuleType)
    }
    assert shown == {
        "errors", "hosting", "installation", "managers", "queues", "reducer", "shared_memory",
        "sharedctypes", "testing",
    }  # fmt: skip
    assert set(sharevar.__all__) <= set(dir(sharevar))


@pytest.mark.parametrize("module", [sharevar, hosting, managers], ids=lambda m: m.__name__)
def test_type_checkers_find_each_name_where_its_use_imports_it_from(
    module: types.ModuleType,
) -> None:
    [choice] = (
        statement
        for statement in ast.parse(inspect.getsource(module)).body
        if isinstance(statement, ast.If)
    )
    read = {
        name.name: f".{source.module or name.name}"
        for source in choice.body
        if isinstance(source, ast.ImportFrom)
        for name in source.names
    }
    [assignment] = choice.orelse
    assert isinstance(assignment, ast.Assign) and isinstance(assignment.value, ast.Call)
    assert ast.literal_eval(assignment.value.args[1]) == read
    assert set(read) <= set(dir(module))


def test_completion_shows_what_is_public_alone() -> None:
    submodules = {
        "errors", "hosting", "installation", "managers", "queues", "shared_memory",
        "sharedctypes", "testing",
    }  # fmt: skip
    shown = {name for name in dir(sharevar) if not name.startswith("__")}
    assert shown == {*sharevar.__all__, *submodules} - {"__version__"}


def test_the_reference_has_each_class_and_function() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference.md").read_text()
    ours = {
        name
        for module in (sharevar, hosting, managers, queues, testing)
        for name in module.__all__
        if str(getattr(getattr(module, name), "__module__", "")).startswith("sharevar")
        # They have lines of their own there: the errors, and the objects of ctypes.
        and name not in (*errors.__all__, *sharedctypes.__all__)
    }
    # They only play the standard library's parts.
    plays = {"MakeProxyType", "RebuildProxy"}
    assert {name for name in ours if f".{name}\n" not in page} <= plays


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_what_is_public_bears_the_name_of_a_public_module(module: types.ModuleType) -> None:
    private = {
        name: public.__module__
        for name in module.__all__
        if (public := getattr(module, name)) is not None
        and str(getattr(public, "__module__", "")).startswith("sharevar._")
    }
    assert private == {}


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_public_classes_and_functions_are_pickled_by_name(module: types.ModuleType) -> None:
    named = [
        public
        for name in module.__all__
        if isinstance(public := getattr(module, name), (type, types.FunctionType))
        and public.__module__.startswith("sharevar")
    ]
    assert named
    for public in named:
        assert pickle.loads(pickle.dumps(public)) is public
