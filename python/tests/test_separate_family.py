"""Workers of what knows nothing of sharevar are told that they share nothing."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from support.waiting import eventually

import sharevar

pytestmark = pytest.mark.long

APPLICATION = """
import sharevar

hits = sharevar.shared("hits", dict)


def count():
    sharevar.shared("more", list).append(1)
    return hits.incr("n")
"""

FORKS = """
    import os, sys

    def worker():
        import application
        application.count()
        sys.exit()

    for _ in range(2):
        child = os.fork()
        if not child:
            worker()
        assert os.waitpid(child, 0)[1] == 0
"""

STARTS = """
    import multiprocessing, sys

    def worker():
        import application
        application.count()

    if __name__ == "__main__":
        multiprocessing.set_start_method(sys.argv[1])
        for _ in range(2):
            child = multiprocessing.Process(target=worker)
            child.start()
            child.join()
            assert child.exitcode == 0
"""

POOLS = """
    import concurrent.futures, multiprocessing, sys
    import application

    def worker(number):
        return application.count()

    if __name__ == "__main__":
        multiprocessing.set_start_method(sys.argv[1])
        with multiprocessing.Pool(2) as pool:
            pool.map(worker, range(3))
        with concurrent.futures.ProcessPoolExecutor(2) as executor:
            list(executor.map(worker, range(3)))
        assert application.count() == 7
"""

DAEMON = """
    import os

    # Twice, as daemons do, so that this one has no parent any more.
    reader, writer = os.pipe()
    if os.fork():
        os.close(writer)
        assert os.read(reader, 9) == b"1"
        os._exit(0)
    if os.fork():
        os._exit(0)
    parent = os.getppid()
    os.setsid()
    while os.getppid() == parent and parent != 1 and os.path.exists(f"/proc/{parent}/exe"):
        pass
    import application
    os.write(writer, str(application.count()).encode())
"""

STARTED = """
    import subprocess, sys
    import application
    application.count()
    command = [sys.executable, "-c", "import application; application.count()"]
    assert subprocess.run(command).returncode == 0
"""

# The program that is started is another one, with variables of other names.
ANOTHER_STARTED = """
    import subprocess, sys
    import sharevar
    names = sharevar.shared("names", list)
    command = [sys.executable, "-c", "import application; application.count()"]
    assert subprocess.run(command).returncode == 0
"""


def run(path: Path, program: str, *arguments: str, before: tuple[str, ...] = ()) -> str:
    (path / "application.py").write_text(APPLICATION)
    script = path / "program.py"
    script.write_text(textwrap.dedent(program))
    done = subprocess.run(
        [sys.executable, *before, str(script), *arguments],
        cwd=path,
        env={**os.environ, "PYTHONPATH": str(path)},
        capture_output=True,
        text=True,
        timeout=50,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


@pytest.mark.parametrize(
    ("program", "arguments", "reason"),
    [
        (FORKS, (), "forked"),
        (STARTS, ("fork",), "multiprocessing"),
        (STARTS, ("spawn",), "multiprocessing"),
        (STARTS, ("forkserver",), "multiprocessing"),
    ],
)
def test_workers_that_found_families_of_their_own(
    tmp_path: Path, program: str, arguments: tuple[str, ...], reason: str
) -> None:
    told = run(tmp_path, program, *arguments)
    # Each of the two once, at the line that asks.
    assert told.count("SeparateFamilyWarning") == 2
    assert told.count(f"{tmp_path / 'application.py'}:4: SeparateFamilyWarning") == 2
    assert reason in told
    assert "its parent is process" in told
    parent = "multiprocessing.forkserver" if "forkserver" in arguments else "program.py"
    assert parent in told
    for remedy in ('app="NAME"', "SHAREVAR_APP=NAME", "python -m sharevar"):
        assert remedy in told


@pytest.mark.parametrize(
    ("program", "arguments"),
    [
        (FORKS, ()),
        (STARTS, ("fork",)),
        (STARTS, ("spawn",)),
        (STARTS, ("forkserver",)),
    ],
)
def test_what_the_warning_advises(
    tmp_path: Path, program: str, arguments: tuple[str, ...]
) -> None:
    assert run(tmp_path, program, *arguments, before=("-m", "sharevar")) == ""
    assert run(tmp_path, f"import sharevar\n{textwrap.dedent(program)}", *arguments) == ""


def test_programs_with_pools(tmp_path: Path, start_method: str) -> None:
    assert run(tmp_path, POOLS, start_method) == ""


@pytest.mark.parametrize("program", [DAEMON, ANOTHER_STARTED, "import application\n"])
def test_programs_by_themselves(tmp_path: Path, program: str) -> None:
    assert run(tmp_path, program) == ""


def test_a_program_that_asks_for_what_its_ancestor_has(tmp_path: Path) -> None:
    told = run(tmp_path, STARTED)
    assert told.count("SeparateFamilyWarning") == 1
    assert f"{tmp_path / 'application.py'}:4: SeparateFamilyWarning" in told
    assert "from which it descends, has another one of that name" in told
    assert run(tmp_path, STARTED, before=("-m", "sharevar")) == ""


def test_a_worker_of_xdist(tmp_path: Path) -> None:
    program = """
        import os, sys, types
        os.environ["PYTEST_XDIST_WORKER"] = "gw0"
        sys.modules["execnet"] = types.ModuleType("execnet")
        import application
    """
    assert run(tmp_path, program).count("SeparateFamilyWarning") == 1


def test_a_worker_of_uwsgi(tmp_path: Path) -> None:
    program = """
        import sys, types
        sys.modules["uwsgi"] = uwsgi = types.ModuleType("uwsgi")
        uwsgi.worker_id = lambda: int(sys.argv[1])
        import application
    """
    assert run(tmp_path, program, "0") == ""
    assert run(tmp_path, program, "1").count("SeparateFamilyWarning") == 1


def test_the_warning_can_be_an_error(tmp_path: Path) -> None:
    program = """
        import os, warnings
        child = os.fork()
        if not child:
            import sharevar
            warnings.simplefilter("error")
            try:
                sharevar.shared("x", int)
            except sharevar.SeparateFamilyWarning:
                os._exit(3)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3
    """
    assert run(tmp_path, program) == ""
    assert issubclass(sharevar.SeparateFamilyWarning, UserWarning)


RUN = """
    import os, sys
    import application
    application.count()
    print(os.environ["SHAREVAR_FAMILY"].partition(":")[2], file=sys.stderr)
    if "killed" in sys.argv:
        os.kill(os.getpid(), 9)
"""


def test_a_run_that_is_over_leaves_no_file_for_long(tmp_path: Path) -> None:
    (tmp_path / "application.py").write_text(APPLICATION)
    script = tmp_path / "program.py"
    script.write_text(textwrap.dedent(RUN))
    directory = Path(f"/dev/shm/sharevar-{os.geteuid()}")
    names = []
    for arguments in ([], ["killed"]):
        done = subprocess.run(
            [sys.executable, "-m", "sharevar", str(script), *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=50,
        )
        names.append(done.stderr.strip())
        assert re.fullmatch("run-[0-9a-f]{12}", names[-1]), done.stderr
    # Whichever process makes a manager looks at some files.
    made = (f"test-{os.getpid()}-after-runs-{number}" for number in itertools.count())

    def are_gone() -> bool:
        sharevar.Manager(name=next(made), capacity=1 << 20)
        return not any((directory / name).exists() for name in names)

    eventually(are_gone)
