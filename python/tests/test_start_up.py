"""The modules that a program imports with its first shared variable.

Their number is the time that it takes: `multiprocessing.managers`, whose classes ours are
derived from, is most of it. What another part needs is imported with that part.
"""

from __future__ import annotations

import json
import subprocess
import sys

PROGRAM = """
import builtins, json, sys, typing
import multiprocessing.managers
import __future__
standard = set(sys.modules)
compiled = []

def compile_noted(source, filename, *arguments, compile=compile, **named):
    if filename == "<string>":
        compiled.append(str(source))
    return compile(source, filename, *arguments, **named)

builtins.compile = compile_noted
import sharevar
numbers = sharevar.Manager().dict()
numbers["a"] = 1
assert numbers["a"] == 1
print(json.dumps((sorted(set(sys.modules) - standard), compiled)))
"""

OF_SHAREVAR = [
    "sharevar", "sharevar._edition", "sharevar._family",
    "sharevar._family.arenas", "sharevar._family.callers",
    "sharevar._family.children", "sharevar._family.descriptors", "sharevar._family.engines",
    "sharevar._family.family",
    "sharevar._family.installed", "sharevar._family.lending",
    "sharevar._family.module_level", "sharevar._family.on_exit",
    "sharevar._family.reduction", "sharevar._hosting", "sharevar._hosting.base_manager",
    "sharevar._hosting.launch", "sharevar._hosting.register", "sharevar._hosting.security",
    "sharevar._managers", "sharevar._managers.arena_host", "sharevar._managers.manager",
    "sharevar._managers.rebuilding", "sharevar._managers.sync_manager",
    "sharevar._managers.tokens", "sharevar._native", "sharevar._public",
    "sharevar._start", "sharevar._variables", "sharevar._variables.array_proxy",
    "sharevar._variables.barrier", "sharevar._variables.condition",
    "sharevar._variables.dict_proxy", "sharevar._variables.event",
    "sharevar._variables.found_classes", "sharevar._variables.greenlets",
    "sharevar._variables.key_iteration", "sharevar._variables.kinds",
    "sharevar._variables.list_proxy", "sharevar._variables.lock",
    "sharevar._variables.namespace", "sharevar._variables.pickling",
    "sharevar._variables.primitive", "sharevar._variables.priority_queue",
    "sharevar._variables.proxy", "sharevar._variables.queue_ends",
    "sharevar._variables.queue_proxy", "sharevar._variables.queues",
    "sharevar._variables.recursive_lock", "sharevar._variables.semaphore",
    "sharevar._variables.set_proxy", "sharevar._variables.standard",
    "sharevar._variables.value_proxy", "sharevar._variables.variable_methods",
    "sharevar.errors",
]  # fmt: skip


def test_the_first_variable_imports_no_more_than_it_needs() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, check=True, text=True
    )
    imported, compiled = json.loads(ran.stdout)
    ours = [name for name in imported if name.partition(".")[0] == "sharevar"]
    assert ours == OF_SHAREVAR
    assert set(imported) == set(ours)
    # As `typing` does with the annotations of a NamedTuple that are texts.
    assert compiled == []
