"""The names that a program finds in sharevar, and those that its classes bear."""

from __future__ import annotations

import pickle
import types

import pytest

import sharevar
from sharevar import errors, hosting, managers, queues, sharedctypes

MODULES = [sharevar, errors, hosting, managers, queues, sharedctypes]


def test_completion_shows_no_private_module() -> None:
    shown = {
        name for name in dir(sharevar) if isinstance(getattr(sharevar, name), types.ModuleType)
    }
    assert shown == {
        "errors", "hosting", "managers", "queues", "reducer", "shared_memory", "sharedctypes",
    }  # fmt: skip
    assert set(sharevar.__all__) <= set(dir(sharevar))


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
