"""The interpreter's own test classes, importable, and a record of how each test went.

``unittest`` runs these by name, in a process that knows the start method and the file
for the record from its environment. Children under spawn import this module, too.
"""

from __future__ import annotations

import faulthandler
import json
import multiprocessing
import os
import unittest
from multiprocessing import managers
from typing import Any

import test._test_multiprocessing as standard

START_METHOD = "SHAREVAR_TESTS_START_METHOD"
RECORD = "SHAREVAR_TESTS_RECORD"
# The time after which a test counts as hanging; the longest takes a fifth of it.
SECONDS = 125

standard.install_tests_in_module_dict(globals(), os.environ[START_METHOD])


def test_classes() -> list[type[unittest.TestCase]]:
    """All but those for ``multiprocessing.dummy``, which shares threads' variables."""
    return [
        value
        for name, value in sorted(globals().items())
        if isinstance(value, type)
        and issubclass(value, unittest.TestCase)
        and not name.startswith("WithThreads")
    ]


def test_names() -> list[str]:
    """Every test, as ``Class.test``."""
    return [
        f"{cls.__name__}.{name}"
        for cls in test_classes()
        for name in unittest.defaultTestLoader.getTestCaseNames(cls)
    ]


def replaced_names() -> list[str]:
    """The names of `multiprocessing` that are sharevar's here."""
    places = [(multiprocessing, name) for name in multiprocessing.__all__]
    places += [(managers, name) for name in managers.__all__]
    return [
        name
        for module, name in places
        if getattr(getattr(module, name), "__module__", "").startswith("sharevar")
    ]


def _record(**entry: Any) -> None:
    with open(os.environ[RECORD], "a") as record:
        record.write(json.dumps(entry) + "\n")


def _recorded(standard_run: Any) -> Any:
    def run(self: unittest.TestCase, result: Any = None) -> Any:
        name = f"{type(self).__name__}.{self._testMethodName}"
        failed = len(result.failures) + len(result.errors)
        skipped = len(result.skipped)
        _record(started=name)
        # Whatever hangs says where, and ends the run.
        faulthandler.dump_traceback_later(SECONDS, exit=True)
        try:
            return standard_run(self, result)
        finally:
            faulthandler.cancel_dump_traceback_later()
            if len(result.failures) + len(result.errors) > failed:
                outcome = "failed"
            else:
                outcome = "skipped" if len(result.skipped) > skipped else "passed"
            _record(ended=name, outcome=outcome)

    return run


if RECORD in os.environ:
    for cls in test_classes():
        cls.run = _recorded(cls.run)
    if multiprocessing.parent_process() is None:
        _record(replaced=replaced_names())
