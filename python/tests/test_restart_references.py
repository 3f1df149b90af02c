"""Objects that others were made from, or have kept, when their host dies."""

from __future__ import annotations

import gc
import os
import signal
from typing import Any

import pytest
from test_restart import KEY, Kept, eventually, kill

import sharevar
from sharevar.managers import BaseManager


class Holder(Kept):
    def clear_and_die(self) -> None:
        self.items.clear()
        os.kill(os.getpid(), signal.SIGKILL)

    def clear(self) -> None:
        self.items.clear()


class MadeFrom:
    """It does not keep what it was made from."""

    def __init__(self, parts: list[Any]) -> None:
        self.count = 0
        while parts:
            parts.pop()
            self.count += 1

    def get(self) -> int:
        return self.count


class Base(BaseManager):
    pass


for _cls in (Kept, Holder, MadeFrom):
    Base.register(_cls.__name__, _cls, restart=True)


def test_an_object_that_was_let_go_of_is_there_until_that_is_saved() -> None:
    with Base(authkey=KEY) as manager:
        holder = manager.Holder(manager.Kept("inner"))
        # In its first life, and when it has come back.
        for _ in range(3):
            with pytest.raises(sharevar.HostDied):
                holder.clear_and_die()
            [inner] = holder.get()
            assert inner.get() == ["inner"]
            del inner
        assert manager._number_of_objects() == 2
        holder.clear()
        eventually(lambda: manager._number_of_objects() == 1)


def test_an_object_that_another_was_made_from_is_there_as_long() -> None:
    with Base(authkey=KEY) as manager:
        made = manager.MadeFrom([manager.Kept(), manager.Kept()])
        other = manager.Kept()
        for _ in range(3):
            kill(manager)
            assert made.get() == 2
            eventually(lambda: manager._number_of_objects() == 4)
        del made
        gc.collect()
        # What is given back goes out with the next message at the latest.
        other.get()
        eventually(lambda: manager._number_of_objects() == 1)
