"""Memory of ctypes in `sharevar.shared`: types are told apart, other programs find it."""

from __future__ import annotations

import ctypes
import functools
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import sharevar


@pytest.mark.parametrize("kind", [sharevar.Value, sharevar.RawValue, sharevar.Array])
def test_memory_that_ctypes_sees_is_another_kind(kind: Any) -> None:
    sharevar.shared("table of kinds", dict)
    with pytest.raises(sharevar.WrongKind):
        sharevar.shared("table of kinds", kind, "i", 0)
    assert sharevar.shared("memory of kinds", sharevar.Value, "i", 3).value == 3
    for other in (int, dict):
        with pytest.raises(sharevar.WrongKind):
            sharevar.shared("memory of kinds", other)


@pytest.mark.parametrize(
    ("kind", "arguments", "named"),
    [
        (sharevar.Array, ("i", 3), {}),
        (sharevar.Value, (ctypes.c_int * 3,), {}),
        (sharevar.Value, ("d",), {}),
        (sharevar.RawValue, ("i",), {}),
        (sharevar.Value, ("i",), {"lock": False}),
    ],
)
def test_memory_that_ctypes_sees_is_of_one_type(
    kind: Any, arguments: tuple[Any, ...], named: dict[str, Any]
) -> None:
    made = sharevar.shared("number of ctypes", sharevar.Value, ctypes.c_int, 3)
    assert sharevar.shared("number of ctypes", sharevar.Value, "i").value == made.value == 3
    with pytest.raises(sharevar.WrongKind, match=" is value of c_int with a lock, not "):
        sharevar.shared("number of ctypes", kind, *arguments, **named)
    name = f"{kind.__name__}{arguments}{named}"
    sharevar.shared(name, kind, *arguments, **named)
    sharevar.shared(name, kind, *arguments, **named)
    with pytest.raises(sharevar.WrongKind, match=r", not value of c_int with a lock$"):
        sharevar.shared(name, sharevar.Value, "i")


class Point(ctypes.Structure):
    _fields_ = (("x", ctypes.c_double), ("flag", ctypes.c_bool))


def test_all_variables_are_listed_and_found(tmp_path: Path) -> None:
    name = f"test-{os.getpid()}-listed"
    shared: Any = functools.partial(sharevar.shared, app=name)
    with sharevar.Manager(name=name, pickle=True, capacity=1 << 24) as manager:
        made = {
            "number": shared("number", sharevar.Value, "i", 3),
            "raw": shared("raw", sharevar.RawValue, "d", 2.5),
            "numbers": shared("numbers", sharevar.Array, "h", [1, -2]),
            "point": shared("point", sharevar.RawValue, Point, 1.0, True),
            "text": shared("text", sharevar.Array, "c", b"abc"),
            "log": shared("log", sharevar.open, tmp_path / "log"),
            "elsewhere": shared("elsewhere", lambda: sharevar.Manager().dict(a=1)),
            "dict": shared("dict", dict),
        }
        assert manager.variables() == [
            "number", "raw", "numbers", "point", "text", "dict", "log", "elsewhere",
        ]  # fmt: skip
        for each, variable in made.items():
            assert type(manager[each]) is type(variable)
        # By their memory, as programs in Rust and the command do.
        seen = {each: list(manager.arena.find(each)) for each in ("number", "raw", "numbers")}
        assert seen == {"number": [3], "raw": [2.5], "numbers": [1, -2]}
        made["number"].value = 7
        assert manager["number"].value == 7 and list(manager.arena.find("number")) == [7]
        assert bytes(manager.arena.find("text")) == b"abc"
        assert len(manager.arena.find("point")) == ctypes.sizeof(Point)
        # A variable of that name which a program in Rust has made first.
        manager.arena.named("rust", sharevar.ArrayProxy, "d", 1)
        with pytest.raises(
            sharevar.WrongKind, match=" is array of 1 'd', not value of c_int with a lock"
        ):
            shared("rust", sharevar.Value, "i", 1)


LAYOUT = """
import ctypes, sharevar, sys, types
class Pair({base}):
    _fields_ = {fields}
module = sys.modules["pairs"] = types.ModuleType("pairs")
Pair.__module__, Pair.__qualname__, module.Pair = "pairs", "Pair", Pair
try:
    made = sharevar.shared("pair", {kind}, app=sys.argv[1])
except sharevar.WrongKind as error:
    sys.exit(f"WrongKind: {{error}}")
print(sharevar.attach(sys.argv[1], pickle=True)["pair"][0].x if {is_array} else made.x)
"""
INTS = "[('x', ctypes.c_int), ('y', ctypes.c_int)]"


@pytest.mark.parametrize("is_array", [False, True])
def test_structures_of_one_name_and_another_layout_are_told_apart(is_array: bool) -> None:
    name = f"test-{os.getpid()}-layout"
    kind = "sharevar.Array, Pair, 2" if is_array else "sharevar.Value, Pair"

    def run(fields: str, base: str = "ctypes.Structure") -> subprocess.CompletedProcess[str]:
        source = LAYOUT.format(base=base, fields=fields, kind=kind, is_array=is_array)
        command = [sys.executable, "-c", source, name]
        return subprocess.run(command, capture_output=True, text=True, timeout=50)

    with sharevar.Manager(name=name, pickle=True, capacity=1 << 24):
        for _ in range(2):
            assert run(INTS).stdout == "0\n"
        for base, fields in (
            ("ctypes.Structure", "[('x', ctypes.c_float), ('y', ctypes.c_int)]"),
            ("ctypes.Structure", "[('y', ctypes.c_int), ('x', ctypes.c_int)]"),
            ("ctypes.Structure", "[('x', ctypes.c_int), ('y', ctypes.c_int, 3)]"),
            ("ctypes.Structure", "[('x', ctypes.c_int), ('y', ctypes.c_int * 2)]"),
            ("ctypes.Structure", "[('x', ctypes.c_int)]"),
            ("ctypes.Union", INTS),
            ("ctypes.BigEndianStructure", INTS),
        ):
            ended = run(fields, base)
            assert ended.returncode == 1, (fields, ended)
            assert "pairs.Pair has the layout {" in ended.stderr, ended.stderr


class Text(ctypes.Structure):
    _fields_ = (("size", ctypes.c_int), ("at", ctypes.c_char_p * 2))


@pytest.mark.parametrize(
    "held",
    [
        ctypes.c_char_p, ctypes.c_wchar_p, ctypes.c_void_p, ctypes.py_object,
        ctypes.POINTER(ctypes.c_int), ctypes.CFUNCTYPE(None), Text, ctypes.c_char_p * 2,
    ],
)  # fmt: skip
def test_addresses_are_not_for_other_processes(held: Any) -> None:
    with pytest.raises(TypeError, match="holds an address"):
        sharevar.shared("address", sharevar.RawValue, held)


def test_memory_of_ctypes_that_is_elsewhere_keeps_its_lock() -> None:
    name = f"test-{os.getpid()}-elsewhere"
    own, lock = sharevar.Value("i", 3), sharevar.Lock()
    locked = sharevar.Value("i", 4, lock=lock)
    with sharevar.Manager(name=name, pickle=True, capacity=1 << 24) as manager:
        assert manager.shared("own", lambda: own).value == 3
        assert manager.shared("locked", lambda: locked).get_lock() is lock
        assert manager.variables() == ["own", "locked"] and "own" not in manager.arena.names()
        manager["own"].value += 1
        assert own.value == 4
        assert manager["locked"].get_lock().acquire() and not lock.acquire(block=False)
        lock.release()
        # So does memory that is in the manager.
        big = manager.Lock()
        number: Any = manager.shared("number", lambda: sharevar.Value("i", 5, lock=big))
        assert "number" in manager.arena.names()
        with big:
            assert not number.get_lock().acquire(block=False)
        # Its place there is none here.
        with pytest.raises(sharevar.SharevarError, match="another arena"):
            manager.arena.enter("place", sharevar.Manager().dict())
        assert manager.arena.find("place") is None


def test_memory_that_another_program_has_made_is_taken_as_it_is_long() -> None:
    name = f"test-{os.getpid()}-lengths"
    with sharevar.Manager(name=name, pickle=True, capacity=1 << 24) as manager:
        for letter in "qQlLd":
            made: Any = manager.arena.named(letter, sharevar.ArrayProxy, letter, 3)
            made[:] = [1, 2, 3]
        for letter, code in zip("qQlLd", "lLqQd", strict=True):
            assert manager.shared(letter, sharevar.Array, code, 5)[:] == [1, 2, 3]
        made = manager.arena.named("one", sharevar.ArrayProxy, "q", 1)
        made[0] = 7
        with pytest.raises(sharevar.WrongKind, match="is array of 1 'q', not value of c_ulong"):
            manager.shared("one", sharevar.Value, "L")
        # Nothing of it stays.
        assert [each for each in manager.arena.names() if "lock of one" in each] == []
        assert manager.shared("one", sharevar.Value, "l").value == 7
        assert sharevar.variable_info(manager["one"]).kind == "array"


class OtherPoint(ctypes.Structure):
    _fields_ = (("x", ctypes.c_float),)


OtherPoint.__qualname__ = OtherPoint.__name__ = "Point"


def test_types_of_ctypes_are_told_apart_by_more_than_their_names() -> None:
    shared: Any = sharevar.shared
    shared("point", sharevar.Value, Point, 1.0, True)
    for others in (
        (sharevar.Value, OtherPoint),
        (sharevar.RawArray,),
        (sharevar.RawValue, Point),
        (sharevar.open, os.devnull),
    ):
        with pytest.raises(sharevar.WrongKind):
            shared("point", *others)
    with pytest.raises(sharevar.WrongKind):
        shared("point", sharevar.Value, typecode_or_type="d")
    assert shared("point", sharevar.Value).x == 1.0
