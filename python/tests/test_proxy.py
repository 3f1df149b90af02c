"""What the proxies of all kinds have in common."""

from __future__ import annotations

import weakref
from typing import Any

import pytest

import sharevar

KINDS = {
    "Array": lambda manager: manager.Array("i", [1]),
    "Barrier": lambda manager: manager.Barrier(1),
    "BoundedSemaphore": lambda manager: manager.BoundedSemaphore(1),
    "Condition": lambda manager: manager.Condition(),
    "Event": lambda manager: manager.Event(),
    "JoinableQueue": lambda manager: manager.JoinableQueue(),
    "Lock": lambda manager: manager.Lock(),
    "Namespace": lambda manager: manager.Namespace(),
    "Queue": lambda manager: manager.Queue(),
    "RLock": lambda manager: manager.RLock(),
    "Semaphore": lambda manager: manager.Semaphore(1),
    "SimpleQueue": lambda manager: sharevar.SimpleQueue(),
    "Value": lambda manager: manager.Value("i", 0),
    "dict": lambda manager: manager.dict(),
    "list": lambda manager: manager.list(),
    "set": lambda manager: manager.set(),
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
