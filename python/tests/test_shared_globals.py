"""sharevar.shared: one variable for the whole family of processes."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

import sharevar

PROGRAM = textwrap.dedent(
    """
    import multiprocessing, sys
    import sharevar

    names = sharevar.shared("names", list)
    table = sharevar.shared("table", dict, {"start": 1})
    number = sharevar.shared("number", int)
    lock = sharevar.shared("lock", sharevar.Lock)
    value = sharevar.shared("value", float, 1.5)
    plain = []

    def child(name):
        with lock:
            names.append(name)
            plain.append(name)
            table[name] = len(names)
            number.value += 1
        late = sharevar.shared("late", list)
        late.append(name)

    if __name__ == "__main__":
        context = multiprocessing.get_context(sys.argv[1])
        names.append("parent")
        for name in ("a", "b"):
            process = context.Process(target=child, args=(name,))
            process.start()
            process.join()
            assert process.exitcode == 0, process.exitcode
        print(names, table, number.value, value.value, plain)
        print(sharevar.shared("late", list))
    """
)


@pytest.mark.parametrize("runner", [[], ["-m", "sharevar"]])
def test_a_module_level_variable(
    tmp_path: Path, start_method: str, runner: list[str]
) -> None:
    script = tmp_path / "program.py"
    script.write_text(PROGRAM)
    done = subprocess.run(
        [sys.executable, "-X", "dev", *runner, str(script), start_method],
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""
    assert done.stdout == (
        "['parent', 'a', 'b'] {'start': 1, 'a': 2, 'b': 3} 2 1.5 []\n['a', 'b']\n"
    )


def test_a_package_that_only_the_parents_path_has(
    tmp_path: Path, start_method: str
) -> None:
    location = Path(sharevar.__file__).parent.parent
    script = tmp_path / "program.py"
    script.write_text(f"import sys; sys.path.insert(0, {str(location)!r})\n{PROGRAM}")
    done = subprocess.run(
        [sys.executable, str(script), start_method],
        capture_output=True,
        text=True,
        env={"PATH": ""},
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("['a', 'b']\n")


def test_kinds() -> None:
    assert type(sharevar.shared("a list", list, "ab")) is sharevar.ListProxy
    assert sharevar.shared("a list", list).copy() == ["a", "b"]
    assert type(sharevar.shared("a dict", dict, x=1)) is sharevar.DictProxy
    assert sharevar.shared("a dict", dict).copy() == {"x": 1}
    assert sharevar.shared("an int", int, "12").value == 12
    assert sharevar.shared("an int", int, "99").incr() == 13
    assert sharevar.shared("a string", str).value == ""
    assert sharevar.shared("made", lambda: [1, 2]).copy() == [1, 2]
    with sharevar.shared("a lock", sharevar.Lock):
        assert sharevar.shared("a lock", sharevar.Lock).locked()


def test_another_kind_is_refused() -> None:
    sharevar.shared("kind", list)
    with pytest.raises(sharevar.WrongKind):
        sharevar.shared("kind", dict)
    with pytest.raises(sharevar.WrongKind):
        sharevar.shared("kind", sharevar.Lock)


def test_a_factory_that_raises_leaves_nothing() -> None:
    def broken() -> Any:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        sharevar.shared("broken", broken)
    assert sharevar.shared("broken", list, [1]).copy() == [1]


def test_what_somebody_else_has_made_by_that_name_is_kept() -> None:
    arena = sharevar.family.arena()
    arena.named("of another", sharevar.ListProxy).append("first")
    assert sharevar.shared("of another", list, ["second"]).copy() == ["first"]
    arena.named("number of another", sharevar.ValueProxy).set(5)
    assert sharevar.shared("number of another", int).value == 5


def test_a_factory_may_ask_for_other_shared_variables() -> None:
    outer = sharevar.shared("outer", lambda: {"inner": sharevar.shared("inner", list)})
    outer["inner"].append(1)
    assert sharevar.shared("inner", list).copy() == [1]
