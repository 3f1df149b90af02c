"""How values are made when they are read: keys of dicts once, lists when they are whole."""

from __future__ import annotations

import gc
import threading
from typing import Any

import pytest

import sharevar

# No other list of this program has as many items.
LENGTH = 1237


@pytest.fixture
def shared() -> Any:
    with sharevar.Manager(capacity="64M") as manager:
        yield manager.dict()


def test_equal_keys_are_one_str(shared: Any) -> None:
    shared["one"] = {"name of a field": 1}
    shared["other"] = [{"name of a field": 2}]
    [key], [same] = shared["one"], shared["other"][0]
    assert key is same


def test_more_keys_than_are_kept(shared: Any) -> None:
    texts = [
        start + "x" * length + end
        for length in range(40)
        for start in ("", "a", "Ä", "\N{SNOWMAN}", "\0")
        for end in ("", "1", "é", "\N{GRINNING FACE}", "\0")
    ]
    expected = {text: number for number, text in enumerate(texts)}
    shared["all"] = expected
    for _ in range(3):
        assert shared["all"] == expected
        assert list(shared["all"]) == list(expected)


def test_threads_have_keys_of_their_own(shared: Any) -> None:
    expected = {f"key {number}": number for number in range(1000)}
    shared["all"] = expected
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(shared["all"])) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 4
    # What ended threads have read lives on.
    assert all(list(each) == list(expected) for each in found)


class Looking:
    """Looks at all lists while it is read."""

    def __reduce__(self) -> Any:
        return lists_of_that_length, ()


def lists_of_that_length() -> int:
    return sum(type(found) is list and len(found) == LENGTH for found in gc.get_objects())


def test_code_that_runs_while_a_list_is_read_does_not_see_it(shared: Any) -> None:
    """It would see places without an object."""
    shared["list"] = [None] * (LENGTH - 1) + [Looking()]
    assert shared["list"][-1] == 0


def test_nor_while_a_slice_is_read() -> None:
    with sharevar.Manager() as manager:
        items = manager.list([None] * (LENGTH - 1) + [Looking()])
        assert items[:][-1] == 0
