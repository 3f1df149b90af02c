"""The pure edition, which is used where there is no shared memory, on Linux by a switch."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import os
import pathlib
import re
import subprocess
import sys

import pytest
from support import pure_edition
from support.waiting import eventually

import sharevar
from sharevar import _native, _plain_errors

HERE = pathlib.Path(__file__).parent
README = (HERE.parents[1] / "README.md").read_text()
# Those of the README that use what the warning names.
MISSING = ("@sharevar.monitor", "name=", "app=")
EXAMPLES = [
    example
    for example in re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    if not any(part in example for part in MISSING)
]

PROGRAM = """
import multiprocessing
import sharevar

names = sharevar.shared("names", list)
hits = sharevar.shared("hits", int)
seats = sharevar.shared("seats", sharevar.Semaphore, 2)


class Job:
    def __init__(self, number):
        self.number = number


def work(jobs, results, lock, start, barrier, ready):
    start.wait()
    barrier.wait(30)
    with ready:
        names.append(multiprocessing.current_process().name)
        ready.notify_all()
    while (job := jobs.get()) is not None:
        with seats, lock:
            hits.value = hits.value + 1
        results.incr("sum", job.number)
        results["last"] = job
        jobs.task_done()
    jobs.task_done()


if __name__ == "__main__":
    for method in multiprocessing.get_all_start_methods():
        context = multiprocessing.get_context(method)
        with sharevar.Manager() as manager:
            jobs, start = sharevar.JoinableQueue(), sharevar.Event()
            barrier = manager.Barrier(3)
            lock, results, ready = sharevar.Lock(), manager.dict(sum=0), manager.Condition()
            names.clear()
            hits.value = 0
            arguments = jobs, results, lock, start, barrier, ready
            workers = [context.Process(target=work, args=arguments) for _ in range(2)]
            for worker in workers:
                worker.start()
            start.set()
            barrier.wait(30)
            with ready:
                assert ready.wait_for(lambda: len(names) == 2, 30)
            jobs.put_many([*map(Job, range(50)), None, None])
            jobs.join()
            for worker in workers:
                worker.join()
            assert hits.value == 50, hits.value
            assert results["sum"] == sum(range(50)) and results["last"].number < 50
            assert results.copy().keys() == {"sum", "last"}
            results["nested"] = manager.list([1])
            results["nested"].append(manager.set([2]))
            assert results["nested"][1].copy() == {2}
    lowest = sharevar.PriorityQueue()
    lowest.put_many([3, 1, 2])
    assert lowest.peek() == 1 and lowest.get_many(5) == [1, 2, 3]
    lowest.shutdown()
    try:
        lowest.get()
    except sharevar.QueueShutDown:
        print("done")
"""


def run(*arguments: str | pathlib.Path, **environment: str) -> tuple[str, str]:
    """What a program in the pure edition prints."""
    done = subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        timeout=280,
        env={**os.environ, "SHAREVAR_PURE": "1", **environment},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout, done.stderr


def test_processes_share_under_each_start_method_and_one_is_told(
    tmp_path: pathlib.Path,
) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    for options in ((), ("-m", "sharevar")):
        shown, told = run(*options, program)
        assert shown == "done\n"
        assert told.count("ElsewhereWarning") == 1, told


def test_the_server_ends_with_its_family(tmp_path: pathlib.Path) -> None:
    # Nor does it hold the program's output, which is read to its end here.
    program = "import sharevar; sharevar.Manager().list()"
    run("-c", program, TMPDIR=str(tmp_path))
    [folder] = tmp_path.iterdir()
    eventually(lambda: not folder.exists())


@pytest.mark.parametrize("example", EXAMPLES)
def test_examples_of_the_readme(example: str, tmp_path: pathlib.Path) -> None:
    script = tmp_path / "example.py"
    script.write_text(example)
    run(script)


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 5


def test_what_is_missing_says_so() -> None:
    program = """
import sharevar

for use in (
    lambda: sharevar.monitor(object),
    lambda: sharevar.Manager(name="shop"),
    lambda: sharevar.attach("shop"),
    lambda: sharevar.shared("hits", int, app="shop"),
    lambda: sharevar.Barrier(2, print),
    lambda: sharevar.connect(("127.0.0.1", 1)),
    lambda: sharevar.hosting.current_call(),
):
    try:
        use()
    except sharevar.Unsupported as error:
        assert "Linux" in str(error), error
    else:
        raise AssertionError("it did not raise")
print([name for name in sharevar.__all__ if not hasattr(sharevar, name)])
"""
    assert run("-c", program)[0] == "[]\n"


# Of shared memory: a program finds no such attribute.
WITHOUT = {
    "arena", "closed", "fileno", "handle", "held", "kind", "maxvalue", "set_maxsize", "store",
}  # fmt: skip


def test_its_classes_have_the_methods_of_the_others() -> None:
    classes = [
        name
        for name in sharevar.__all__
        if isinstance(cls := getattr(sharevar, name), type) and hasattr(cls, "_typeid_")
    ]
    program = f"""
import json, sharevar
print(json.dumps({{name: dir(getattr(sharevar, name)) for name in {classes}}}))
"""
    listed = json.loads(run("-c", program)[0])
    missing = {}
    for name in classes:
        own = {each for each in dir(getattr(sharevar, name)) if not each.startswith("_")}
        if left := own - WITHOUT - {*listed[name]}:
            missing[name] = sorted(left)
    assert missing == {}


def test_the_errors_are_those_of_the_extension_module() -> None:
    theirs = {
        name: [base.__name__ for base in cls.__bases__]
        for name, cls in vars(_native).items()
        if isinstance(cls, type) and issubclass(cls, sharevar.SharevarError)
    }
    ours = {
        name: [base.__name__ for base in cls.__bases__]
        for name, cls in vars(_plain_errors).items()
        if isinstance(cls, type) and issubclass(cls, _plain_errors.SharevarError)
    }
    assert ours == theirs


def test_nothing_of_it_needs_the_extension_module() -> None:
    """Its modules, and the modules that they import, name `_native` nowhere."""
    program = "import sharevar, sys; sharevar.shared; sharevar.Manager; print(*sys.modules)"
    loaded = run("-c", program)[0].split()
    assert "sharevar._native" not in loaded and "sharevar._elsewhere.manager" in loaded
    for name in loaded:
        if name.startswith("sharevar._elsewhere."):
            tree = ast.parse(inspect.getsource(importlib.import_module(name)))
            imported = {
                part.name
                for each in ast.walk(tree)
                if isinstance(each, ast.ImportFrom)
                for part in each.names
            }
            assert "_native" not in imported, name


@pytest.mark.long
@pytest.mark.one_version
@pytest.mark.timeout(300)
def test_the_models_that_it_claims() -> None:
    files = [str(HERE / name) for name in pure_edition.CLAIMED]
    shown, _ = run("-m", "pytest", "-q", "-p", "no:cacheprovider", *files)
    passed = re.search(r"(\d+) passed", shown)
    assert passed is not None and int(passed[1]) > 80, shown
