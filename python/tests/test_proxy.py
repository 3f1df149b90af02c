"""What the proxies of all kinds have in common."""

from __future__ import annotations

import weakref
from typing import Any

import pytest

import sharevar

KINDS = {
    "Array": lambda manager: manager.Array("i", [1]),
    "Event": lambda manager: sharevar.Event(),
    "Lock": lambda manager: manager.Lock(),
    "Queue": lambda manager: sharevar.Queue(),
    "RLock": lambda manager: sharevar.RLock(),
    "Semaphore": lambda manager: sharevar.Semaphore(),
    "Value": lambda manager: manager.Value("i", 0),
    "dict": lambda manager: manager.dict(),
    "list": lambda manager: manager.list(),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_weak_reference_ends_with_the_proxy(manager: Any, kind: str) -> None:
    proxy = KINDS[kind](manager)
    ended: list[str] = []
    reference = weakref.ref(proxy)
    weakref.finalize(proxy, ended.append, kind)
    assert reference() is proxy
    del proxy
    assert reference() is None
    assert ended == [kind]
