"""Keys that cannot be read at the first search, or that search while they are hashed."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

import sharevar


class ById:
    def __init__(self, id: int) -> None:
        self.id = id

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self.id == other.id

    def __hash__(self) -> int:
        return hash(self.id)


class Late(ById):
    pass


class Closed(ById):
    """It has no hash, nor can it be read, until it is opened."""

    is_open = True

    def __hash__(self) -> int:
        if not self.is_open:
            raise LookupError(f"{self.id} is not open")
        return super().__hash__()

    def __reduce__(self) -> Any:
        return type(self)._made, (self.id,)

    @classmethod
    def _made(cls, id: int) -> Closed:
        if id % 2 and not cls.is_open:
            raise OSError(id)
        return cls(id)


# More than there are errors that are told apart.
MANY = [type(f"Late{number}", (Late,), {"__module__": __name__}) for number in range(40)]
for each in MANY:
    globals()[each.__name__] = each


def _search(shared: Any, elements: Any) -> None:
    """Looks for keys that are compared with all others, and with those only Python compares."""
    for key in (ById(-1), "absent"):
        assert key not in shared
        assert key not in elements


def test_a_class_that_comes_after_the_first_search(
    manager: sharevar.managers.SyncManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [made(number) for made in MANY for number in range(3)]
    shared, elements = manager.dict(dict.fromkeys(keys, 1)), manager.set(keys)
    with monkeypatch.context() as patch:
        for late in MANY:
            patch.delattr(sys.modules[__name__], late.__name__)
        _search(shared, elements)
        # Keys that come and go meanwhile are no hindrance.
        shared[ById(7)] = shared["seven"] = 7
        assert shared.pop(ById(7)) == shared.pop("seven") == 7
        _search(shared, elements)
    for number, key in enumerate(keys):
        assert key in elements
        assert shared[key] == 1
        shared[key] = number
        elements.add(key)
    assert len(shared) == len(elements) == len(keys)
    assert shared.values() == [*range(len(keys))]


def test_keys_that_can_be_hashed_after_the_first_search(
    manager: sharevar.managers.SyncManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [Closed(number) for number in range(6)]
    shared, elements = manager.dict(dict.fromkeys(keys, 1)), manager.set(keys)
    with monkeypatch.context() as patch:
        patch.setattr(Closed, "is_open", False)
        _search(shared, elements)
    for key in keys:
        shared[key] = 2
        elements.add(key)
    assert len(shared) == len(elements) == 6
    del shared[keys[3]]
    assert keys[3] not in shared


PROGRAM = textwrap.dedent(
    """
    import multiprocessing, sys
    from sharevar import shared

    class Early:
        def __eq__(self, other):
            return isinstance(other, Early)

        def __hash__(self):
            return 1

    table, elements = shared("table", dict), shared("elements", set)
    # A child that imports this program again finds keys whose class is still to come.
    assert (Early() in table, "absent" in table, Early() in elements) == (False,) * 3

    class Key:
        def __init__(self, number):
            self.number = number

        def __eq__(self, other):
            return isinstance(other, Key) and self.number == other.number

        def __hash__(self):
            return hash(self.number)

    def change():
        table[Key(1)] += 1
        elements.add(Key(1))

    if __name__ == "__main__":
        context = multiprocessing.get_context(sys.argv[1])
        table[Key(1)] = 1
        elements.add(Key(1))
        child = context.Process(target=change)
        child.start()
        child.join()
        assert child.exitcode == 0
        assert (len(table), len(elements), table[Key(1)]) == (1, 1, 2)
    """
)


@pytest.mark.parametrize("runner", [[], ["-m", "sharevar"]], ids=["native", "runner"])
@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_children_that_search_while_they_import_the_program(
    tmp_path: Path, method: str, runner: list[str]
) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    command = [sys.executable, *runner, str(program), method]
    run = subprocess.run(command, timeout=60, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


class Counting(ById):
    """Each time that it is hashed it counts in the dict that holds it."""

    shared: Any = None

    def __hash__(self) -> int:
        if self.shared is not None:
            counter = Late(0)
            self.shared[counter] = self.shared.get(counter, 0) + 1
        return super().__hash__()


def _count(shared: Any) -> None:
    Counting.shared = shared
    assert shared[Counting(5)] == 5
    assert Counting(99) not in shared
    shared[Counting(5)] = 6
    Counting.shared = None


def test_keys_whose_hash_looks_for_another_key(
    manager: sharevar.managers.SyncManager, context: Any
) -> None:
    shared = manager.dict({Counting(number): number for number in range(20)})
    shared[Late(0)] = 100
    child = context.Process(target=_count, args=(shared,))
    child.start()
    child.join()
    assert child.exitcode == 0
    assert len(shared) == 21
    assert shared[Counting(5)] == 6
    assert shared[Late(0)] >= 100 + 3


class Ringing(ById):
    """While it is hashed, a signal comes."""

    is_ringing = False

    def __hash__(self) -> int:
        if Ringing.is_ringing:
            Ringing.is_ringing = False
            signal.raise_signal(signal.SIGUSR1)
        return super().__hash__()


def test_what_a_handler_raises_while_keys_are_hashed(
    manager: sharevar.managers.SyncManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    def handle(*_: Any) -> None:
        raise TimeoutError("rung")

    before = signal.signal(signal.SIGUSR1, handle)
    try:
        for found in ("absent", ById(-1)):
            shared = manager.dict({Ringing(number): number for number in range(3)})
            monkeypatch.setattr(Ringing, "is_ringing", True)
            with pytest.raises(TimeoutError, match="rung"):
                found in shared  # noqa: B015
            assert [shared[Ringing(number)] for number in range(3)] == [0, 1, 2]
    finally:
        signal.signal(signal.SIGUSR1, before)
