"""``python -m sharevar`` beside plain ``python``."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path
from typing import Any

import pytest

# Each starts many programs, one after the other.
pytestmark = [pytest.mark.long, pytest.mark.timeout(240)]

EXAMPLE = Path(__file__).parents[2] / "examples/python/unmodified_manager_program.py"


def run(*arguments: str, cwd: Path, stdin: str = "", **options: Any) -> Any:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        **options,
    )
    return done.returncode, done.stdout, done.stderr


def assert_runs_as_plain_python(*arguments: str, cwd: Path, **options: Any) -> Any:
    plain = run(*arguments, cwd=cwd, **options)
    ours = run("-m", "sharevar", *arguments, cwd=cwd, **options)
    assert ours == plain
    return plain


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text))
    return path


DESCRIBE = """
    import sys, atexit
    shown = {k: repr(v)[:70] for k, v in sorted(globals().items()) if k[:2] == "__"}
    shown["__builtins__"] = type(__builtins__)
    shown["__loader__"] = type(__loader__)
    print(shown, sys.argv, sys.path[0], sys.modules["__main__"].__dict__ is globals())
    atexit.register(print, "at exit")
"""


def test_a_script_finds_what_it_finds_under_plain_python(tmp_path: Path) -> None:
    write(tmp_path / "inner" / "program.py", DESCRIBE)
    for name in ("inner/program.py", "./inner/program.py"):
        code, out, _ = assert_runs_as_plain_python(name, "-x", "--y", "z", cwd=tmp_path)
        assert code == 0
        assert "at exit" in out
    (tmp_path / "link.py").symlink_to(tmp_path / "inner" / "program.py")
    assert_runs_as_plain_python("link.py", cwd=tmp_path)


def test_a_module_a_package_a_directory_and_an_archive(tmp_path: Path) -> None:
    write(tmp_path / "module.py", DESCRIBE.replace("repr(v)[:70]", "type(v)"))
    write(tmp_path / "package" / "__init__.py", "")
    write(tmp_path / "package" / "__main__.py", "import sys; print(sys.argv, __spec__.name)")
    with zipfile.ZipFile(tmp_path / "archive.pyz", "w") as archive:
        archive.writestr("__main__.py", "import sys; print(sys.argv, sys.path[0], __file__)")
    assert_runs_as_plain_python("-m", "module", "a", "-b", cwd=tmp_path)
    assert_runs_as_plain_python("-mmodule", "a", cwd=tmp_path)
    assert_runs_as_plain_python("-m", "package", "a", cwd=tmp_path)
    assert_runs_as_plain_python("package", "a", cwd=tmp_path)
    assert_runs_as_plain_python("archive.pyz", "a", cwd=tmp_path)
    assert_runs_as_plain_python("-c", "import sys; print(sys.argv)", "a", cwd=tmp_path)
    assert_runs_as_plain_python("-", "a", cwd=tmp_path, stdin="import sys; print(sys.argv)")


@pytest.mark.parametrize(
    "program",
    [
        "import sys; sys.exit()",
        "import sys; sys.exit(0)",
        "import sys; sys.exit(7)",
        "import sys; sys.exit('a message')",
        "raise SystemExit(3)",
        "import os; os._exit(9)",
        "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
        "raise KeyboardInterrupt",
        "1 / 0",
        "def f():\n    raise ValueError('deep')\ndef g():\n    f()\ng()",
        "try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    raise OSError('x') from e",
        "def (:",
        "x = 1\n  y = 2",
        "import no_such_module",
        "import sys\nsys.excepthook = lambda *a: print('hooked', a[0])\n1 / 0",
        "import threading\nt = threading.Thread(target=lambda: print('t'))\nt.start()",
        "print(__name__, __file__)",
    ],
)
def test_exit_status_and_traceback_are_those_of_plain_python(
    tmp_path: Path, program: str
) -> None:
    (tmp_path / "program.py").write_text(program)
    assert_runs_as_plain_python("program.py", cwd=tmp_path)
    assert_runs_as_plain_python("-c", program.replace("__file__", "1"), cwd=tmp_path)
    assert_runs_as_plain_python("-m", "program", cwd=tmp_path)


def test_what_cannot_be_run(tmp_path: Path) -> None:
    assert assert_runs_as_plain_python("missing.py", cwd=tmp_path)[0] == 2
    assert assert_runs_as_plain_python("-m", "missing", cwd=tmp_path)[0] == 1
    (tmp_path / "empty").mkdir()
    assert assert_runs_as_plain_python("empty", cwd=tmp_path)[0] == 1
    for arguments in ((), ("-m",), ("-c",), ("-z",)):
        code, out, error = run("-m", "sharevar", *arguments, cwd=tmp_path)
        assert (code, out) == (2, "")
        assert "usage: python -m sharevar" in error
    assert run("-m", "sharevar", "--help", cwd=tmp_path)[0] == 0


def test_the_example_prints_the_same(tmp_path: Path, start_method: str) -> None:
    assert_runs_as_plain_python(str(EXAMPLE), start_method, cwd=tmp_path)


CLASSES = """
    import multiprocessing, sys
    from multiprocessing.managers import BaseManager

    class Point:
        def __init__(self, x):
            self.x = x

    class Lost(Exception):
        pass

    class Plane:
        def point(self):
            return Point(3)

        def lose(self):
            raise Lost(4)

    class Manager(BaseManager):
        pass

    Manager.register("Plane", Plane)

    def child(points, queue):
        points["first"] = Point(1)
        queue.put(Point(2))

    if __name__ == "__main__":
        multiprocessing.set_start_method(sys.argv[1])
        points, queue = multiprocessing.Manager().dict(), multiprocessing.Queue()
        process = multiprocessing.Process(target=child, args=(points, queue))
        process.start()
        with Manager() as manager:
            found = [queue.get(timeout=20), manager.Plane().point()]
            process.join()
            found.append(points["first"])
            try:
                manager.Plane().lose()
            except Lost as error:
                found.append(error.args)
        with multiprocessing.Pool(1) as pool:
            found += pool.map_async(Point, [5]).get(timeout=20)
        print([(type(it) is Point and it.x) or it for it in found])
"""


def test_what_a_program_defines_comes_back_from_its_children(
    tmp_path: Path, start_method: str
) -> None:
    write(tmp_path / "program.py", CLASSES)
    for how in (["program.py"], ["-m", "program"]):
        code, out, _ = assert_runs_as_plain_python(*how, start_method, cwd=tmp_path)
        assert (code, out) == (0, "[2, 3, 1, (4,), 5]\n")


PROGRAM = """
    import multiprocessing, os, sys
    import multiprocessing as mp
    from multiprocessing import Manager, Process, Value, Array, Lock, Queue, Condition
    from multiprocessing.managers import SyncManager, DictProxy, ListProxy
    from multiprocessing.sharedctypes import RawValue

    def child(d, l, v, a, n, lock, queue, raw):
        assert isinstance(d, DictProxy) and isinstance(l, ListProxy)
        assert type(d).__module__.startswith("sharevar"), type(d)
        assert Manager.__module__.startswith("sharevar"), Manager.__module__
        assert SyncManager.__module__.startswith("sharevar"), SyncManager
        with lock:
            d[1] = l
            l.append(v.value)
            v.value += 1
            a[0] += 1
            n.value = "x"
            raw.value = 3
        queue.put("done")

    if __name__ == "__main__":
        mp.set_start_method(sys.argv[1])
        lock, queue, raw = mp.Lock(), Queue(), RawValue("i")
        value, array = Value("i", 5), mp.get_context().Array("d", [1, 2])
        with Manager() as m, mp.get_context("spawn").Manager() as other:
            d, l, n = m.dict(), other.list(), m.Value("i", 0)
            for _ in range(2):
                p = Process(target=child, args=(d, l, value, array, n, lock, queue, raw))
                p.start()
                assert queue.get() == "done"
                p.join()
                assert p.exitcode == 0
            print(d, l, value.value, array[:], n.value, raw.value, d[1][0])
            print(len(mp.active_children()))
            with Condition(lock):
                pass
            print(type(m).__module__, type(lock).__module__)
"""


def test_multiprocessing_is_replaced_in_parent_and_children(
    tmp_path: Path, start_method: str
) -> None:
    write(tmp_path / "program.py", PROGRAM)
    code, out, error = run("-m", "sharevar", "program.py", start_method, cwd=tmp_path)
    assert (code, error) == (0, "")
    assert out.splitlines()[0].endswith(" 7 [3.0, 2.0] x 3 5")
    assert out.splitlines()[1:] == ["0", "sharevar.managers sharevar"]
    again = run("-m", "sharevar", "-m", "program", start_method, cwd=tmp_path)
    assert again[0] == 0


HOSTED = """
    import sys
    from multiprocessing import Manager, Process, set_start_method
    from multiprocessing.managers import BaseManager, SyncManager, DictProxy

    class Thing:
        def hello(self):
            return "hello"

    class Mine(SyncManager):
        pass

    class Own(BaseManager):
        pass

    Mine.register("Thing", Thing)
    Own.register("table", dict, DictProxy)

    def child(queue, event, items):
        queue.put(items)
        event.set()

    if __name__ == "__main__":
        set_start_method(sys.argv[1])
        with Manager() as m:
            queue, event, items = m.Queue(), m.Event(), m.list([1])
            process = Process(target=child, args=(queue, event, items))
            process.start()
            event.wait()
            queue.get().append(2)
            process.join()
            print(items, m.Queue().qsize())
        with Mine() as mine:
            print(mine.Thing().hello(), mine.dict(a=1))
        with Own() as own:
            table = own.table()
            table["x"] = 1
            print(table)
"""


def test_what_is_hosted_says_nothing(tmp_path: Path, start_method: str) -> None:
    write(tmp_path / "program.py", HOSTED)
    plain = run("program.py", start_method, cwd=tmp_path)
    ours = run("-m", "sharevar", "program.py", start_method, cwd=tmp_path)
    assert plain == (0, "[1, 2] 0\nhello {'a': 1}\n{'x': 1}\n", "")
    assert ours == plain


def test_development_mode(tmp_path: Path, start_method: str) -> None:
    write(tmp_path / "program.py", PROGRAM)
    options = ("-X", "dev", "-W", "error")
    done = run(*options, "-m", "sharevar", "program.py", start_method, cwd=tmp_path)
    assert (done[0], done[2]) == (0, "")


def test_safe_path(tmp_path: Path) -> None:
    if sys.version_info < (3, 11):
        pytest.skip("Python 3.11 brought the option")
    write(tmp_path / "program.py", "import sys; print(sys.path, sys.argv)")
    environment = {**os.environ, "PYTHONSAFEPATH": "1"}
    assert_runs_as_plain_python("program.py", cwd=tmp_path, env=environment)


INSTALLED = """
    import multiprocessing, sys


    def is_installed():
        module = sys.modules.get("sharevar.installation")
        return module is not None and module.installed()


    def work(answers):
        answers.put(is_installed())


    if __name__ == "__main__":
        told = [is_installed()]
        for method in ("fork", "spawn", "forkserver"):
            context = multiprocessing.get_context(method)
            answers = context.SimpleQueue()
            child = context.Process(target=work, args=(answers,))
            child.start()
            told.append(answers.get())
            child.join()
        print(told)
"""


def test_a_program_can_ask_whether_it_runs_on_sharevar(tmp_path: Path) -> None:
    program = str(write(tmp_path / "asks.py", INSTALLED))
    assert run(program, cwd=tmp_path)[:2] == (0, "[False, False, False, False]\n")
    assert run("-m", "sharevar", program, cwd=tmp_path)[:2] == (0, "[True, True, True, True]\n")
    only_imported = "import sharevar; print(sharevar.installation.installed())"
    assert run("-c", only_imported, cwd=tmp_path)[:2] == (0, "False\n")
