"""Forks of processes whose other threads use hosted objects meanwhile."""

from __future__ import annotations

import gc
import multiprocessing
import os
import sys
from types import FrameType
from typing import Any

import pytest
from support.hosted_objects import KEY
from support.processes import descriptors
from support.waiting import eventually

from sharevar._hosting import addresses, forks
from sharevar._native import HostClient
from sharevar.managers import BaseManager

fork = multiprocessing.get_context("fork")


class Manager(BaseManager):
    pass


Manager.register("Store", list)


def use(stores: list[Any]) -> None:
    for store in stores:
        store.append(1)


def test_proxies_and_clients_that_come_and_go_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever another thread may do before a line of the hooks, a trace function does."""
    failed: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", failed.append)
    with Manager(authkey=KEY) as manager:
        stores = [manager.Store() for _ in range(200)]
        clients: list[HostClient] = []
        parent = os.getpid()
        open_before = descriptors(parent)

        def meddle(frame: FrameType, event: str, argument: Any) -> Any:
            is_hook = os.getpid() == parent and frame.f_code.co_filename == forks.__file__
            if is_hook and len(stores) > 100:
                stores.pop()
                client = HostClient(addresses.to_text(manager.address), KEY)
                forks.note_client(client)
                clients.append(client)
            return meddle

        child = fork.Process(target=use, args=(stores,))
        sys.settrace(meddle)
        try:
            child.start()
        finally:
            sys.settrace(None)
        child.join(60)
        assert child.exitcode == 0
        assert len(stores) == 100
        use(stores)
        stores.clear()
        gc.collect()
        # Who drops the last of them finds that the child has ended.
        eventually(lambda: manager.Store() and manager._number_of_objects() <= 1)
        child.close()
        eventually(lambda: descriptors(parent) <= open_before)
    assert failed == []
