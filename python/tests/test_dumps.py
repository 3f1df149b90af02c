"""Dumps of managers with a name: the references and pickles in them, and their files."""

from __future__ import annotations

import datetime
import functools
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.waiting import eventually

import sharevar
from sharevar.managers import NamedManager

DATE = datetime.date(2030, 1, 2)


@pytest.fixture
def name(request: pytest.FixtureRequest) -> Iterator[str]:
    """A name that no other test has, like that with ``-again`` behind it."""
    made = f"test-{os.getpid()}-{request.node.originalname}"[:50]
    yield made
    for each in (made, f"{made}-again"):
        if each in sharevar.manager_names():
            sharevar.remove_manager(each)


@pytest.fixture
def shop(name: str) -> NamedManager:
    """A manager with pickles."""
    return sharevar.Manager(name=name, capacity=1 << 24, pickle=True)


class Holds:
    """An object of no native type."""

    def __init__(self, held: Any) -> None:
        self.held = held


# Each makes a reference that leads nowhere after a reboot.
REFERENCES: dict[str, Callable[[Any, Any], Any]] = {
    "dict": lambda other, _: other.dict(a=1),
    "lock": lambda other, _: other.Lock(),
    "queue": lambda other, _: other.Queue(),
    "box": lambda other, _: other.Value("i", 3),
    "family's": lambda _, __: sharevar.Lock(),
    "ctypes": lambda _, __: sharevar.Value("i", 3),
    "tuple": lambda other, _: (1, ("deep", other.list([1]))),
    "list": lambda other, _: [1, {"deep": other.list([1])}],
    "partial": lambda other, _: functools.partial(len, (functools.partial(len, other.list()),)),
    "object": lambda other, _: Holds(other.dict()),
    "manager": lambda _, shop: shop,
    "manager in an object": lambda _, shop: Holds(shop),
    # Too large for a word of the item, and for one frame of a pickle.
    "large": lambda other, _: Holds([other.dict(), "x" * 200_000]),
    "behind a large one": lambda other, _: Holds(["x" * 200_000, other.dict()]),
    "with a buffer": lambda other, _: Holds([bytearray(200_000), other.dict()]),
}


def refused(shop: Any, variable: str, path: Path) -> None:
    with pytest.raises(sharevar.NotDumpable) as caught:
        shop.dump(path)
    text = str(caught.value)
    assert "variable of another manager" in text and f'in the variable "{variable}"' in text
    assert not path.exists()


@pytest.mark.parametrize("kind", REFERENCES)
@pytest.mark.parametrize("has_name", [False, True])
def test_a_dump_has_no_reference_to_another_manager(
    shop: Any, name: str, kind: str, has_name: bool, tmp_path: Path
) -> None:
    other: Any = sharevar.Manager()
    if has_name:
        other = sharevar.Manager(name=f"{name}-again", capacity=1 << 24, pickle=True)
    reference = REFERENCES[kind](other, shop)
    path = tmp_path / "dump"
    in_dict, in_list = shop.dict(name="dict"), shop.list(name="list")
    queue, box = shop.Queue(name="queue"), shop.Value("i", None, name="box")
    ranked = shop.PriorityQueue(name="ranked")
    in_dict["key"] = reference
    refused(shop, "dict", path)
    in_dict.clear()
    in_list.append(reference)
    refused(shop, "list", path)
    in_list.clear()
    queue.put(reference)
    refused(shop, "queue", path)
    queue.get()
    ranked.put((1, reference))
    refused(shop, "ranked", path)
    ranked.get()
    box.value = reference
    refused(shop, "box", path)
    box.value = None
    inner = shop.list([reference])
    in_list.append(inner)
    refused(shop, "list", path)
    inner.clear()
    shop.dump(path)


def test_a_dump_has_no_reference_in_a_key(shop: Any, tmp_path: Path) -> None:
    other = sharevar.Manager()
    keys = shop.dict(name="keys")
    for target in (other.list(), shop.list()):
        keys[functools.partial(len, target)] = 1
        refused(shop, "keys", tmp_path / "dump")
        keys.clear()
    shop.dump(tmp_path / "dump")


def test_a_text_is_no_reference(shop: Any, name: str, tmp_path: Path) -> None:
    values = [
        "ArenaReference", "NamedArenaReference", b"\x8c\x0eArenaReference",
        Holds("an ArenaReference"), Holds(DATE), bytearray(b"\x8c\x0eArenaReference" * 10_000),
    ]  # fmt: skip
    shop.list(values, name="list")
    own = shop.dict({"a": 1})
    shop.list([own, (1, own)], name="own")
    shop.dump(tmp_path / "dump")
    load = tmp_path / "dump"
    again = sharevar.Manager(name=f"{name}-again", load=load, pickle=True)
    assert again["list"][:3] == values[:3] and again["list"][5] == values[5]
    assert again["list"][3].held == "an ArenaReference" and again["list"][4].held == DATE
    assert again["own"][1][1].copy() == {"a": 1}


def test_shared_objects_that_are_elsewhere_are_left_out(
    shop: Any, name: str, tmp_path: Path
) -> None:
    other = sharevar.Manager()
    shop.shared("here", dict, {"a": 1})
    shop.shared("elsewhere", other.dict, a=1)
    shop.shared("number", sharevar.Value, "i", 3)
    log = tmp_path / "log"
    shop.shared("log", sharevar.open, str(log), "a")
    shop.dump(tmp_path / "dump")
    for pickle in (True, False):
        again = sharevar.Manager(name=f"{name}-again", load=tmp_path / "dump", pickle=pickle)
        assert sorted(again.variables()) == sorted(
            ["here", "number", *(["log"] if pickle else [])]
        )
        assert again["here"].copy() == {"a": 1}
        if pickle:
            assert again.shared("elsewhere", list, [5])[:] == [5]
        sharevar.remove_manager(again.name)


def test_pickles_are_loaded_by_word(shop: Any, name: str, tmp_path: Path) -> None:
    dump, again = tmp_path / "dump", f"{name}-again"
    stock = shop.dict({"apples": 3}, name="stock")
    shop.dump(dump)
    # One without pickles needs no word.
    with sharevar.Manager(name=again, load=dump) as loaded:
        assert loaded["stock"]["apples"] == 3
    changes: list[Callable[[], None]] = [
        lambda: stock.update(apples=DATE),
        lambda: stock.update(apples=[1, (2, {"x": DATE})]),
        lambda: stock.update({DATE: 1}),
        lambda: stock.update({functools.partial(len): 1}),
        lambda: stock.update(apples=bytearray(200_000)),
    ]
    for change in changes:
        stock.clear()
        change()
        shop.dump(dump)
        with pytest.raises(sharevar.PickleRefused) as caught:
            sharevar.Manager(name=again, load=dump)
        text = str(caught.value)
        assert 'in the variable "stock"' in text and "pickle=True" in text
        assert "sharevar load --pickle" in text
        eventually(lambda: again not in sharevar.manager_names())
        loaded = sharevar.Manager(name=again, load=dump, pickle=True)
        assert len(loaded["stock"]) == 1
        sharevar.remove_manager(again)
    stock.clear()
    stock["apples"] = DATE
    shop.dump(dump)
    command = Path(sys.executable).parent / "sharevar"
    done = subprocess.run([command, "load", again, dump], capture_output=True, timeout=50)
    assert done.returncode == 4 and b"sharevar load --pickle" in done.stderr
    subprocess.run([command, "load", "--pickle", again, dump], check=True, timeout=50)
    assert sharevar.attach(again, pickle=True)["stock"]["apples"] == DATE


def test_errors_of_files_are_those_of_python(shop: Any, name: str, tmp_path: Path) -> None:
    def load(path: Any) -> Any:
        return sharevar.Manager(name=f"{name}-again", load=path)

    missing = tmp_path / "missing" / "dump"
    for refused_by in (shop.dump, load):
        with pytest.raises(FileNotFoundError) as caught:
            refused_by(missing)
        error = caught.value
        assert error.errno == 2 and error.filename == str(missing)
        assert "the dump: No such file" in str(error) and "os error" not in str(error)
        with pytest.raises(IsADirectoryError):
            refused_by(tmp_path)
        with pytest.raises(TypeError, match="int"):
            refused_by(1)
    not_text = os.fsencode(tmp_path / "missing") + b"/\xff"
    with pytest.raises(FileNotFoundError) as caught:
        load(not_text)
    assert os.fsencode(caught.value.filename) == not_text
    with pytest.raises(OSError, match="something else than a file"):
        load("/dev/zero")


def test_paths_are_of_all_kinds(shop: Any, name: str, tmp_path: Path) -> None:
    class OfBytes:
        def __fspath__(self) -> bytes:
            return os.fsencode(tmp_path / "dump")

    shop.dict({"a": 1}, name="stock")
    paths: list[Any] = [
        tmp_path / "dump",
        str(tmp_path / "dump"),
        OfBytes(),
        OfBytes().__fspath__(),
    ]
    for path in paths:
        shop.dump(path)
        again = sharevar.Manager(name=f"{name}-again", load=path)
        assert again["stock"].copy() == {"a": 1}
        sharevar.remove_manager(again.name)
        (tmp_path / "dump").unlink()
