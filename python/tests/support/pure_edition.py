"""The tests that the pure edition claims: models of dicts, lists, sets, namespaces, values,
arrays. Locks, queues and processes have tests of their own in `test_elsewhere`."""

from __future__ import annotations

from typing import Any

import pytest

from sharevar import managers

CLAIMED = (
    "test_array_slices.py", "test_dict_proxy.py", "test_list_proxy.py", "test_namespace.py",
    "test_set_proxy.py", "test_value_and_array.py",
)  # fmt: skip

# By the part that they are about, which a server process does not have.
LEFT_OUT = {
    "keys that only the program's classes can compare": (
        "test_numbers_that_are_equal_are_one_key", "test_keys_of_many_kinds",
        "test_a_name_of_a_class_derived_from_str",
    ),
    "an arena": (
        "test_memory_is_used_again", "test_out_of_memory_changes_nothing",
        "test_it_stands_in_other_variables", "test_variables_stand_in_it",
    ),
    "views": ("test_numpy_views_the_same_memory",),
    "calls by the name of a method": (
        "test_called_by_name_it_reaches_all_attributes", "test_its_forms",
    ),
    "sets of unhashable elements in a random model": ("test_it_behaves_as_a_set",),
    "attributes named self": ("test_every_name_without_an_underscore_is_shared",),
    "the type code of a box that was pickled": ("test_box_copies_and_pickles",),
    "the errors of a variable's maker": ("test_array_refuses_bad_contents",),
}  # fmt: skip


class NoArena:
    """Stands for the arena of a manager, in which tests look for contradictions."""

    def check(self) -> list[str]:
        return []


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    left_out = {name for names in LEFT_OUT.values() for name in names}
    claimed = [
        item
        for item in items
        if item.path.name in CLAIMED
        and item.get_closest_marker("every_engine")
        and getattr(item, "originalname", item.name) not in left_out
    ]
    config.hook.pytest_deselected(items=[item for item in items if item not in claimed])
    items[:] = claimed


def pytest_configure() -> None:
    sync_manager: Any = managers.SyncManager
    sync_manager.arena = NoArena()
