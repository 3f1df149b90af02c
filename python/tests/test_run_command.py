"""``sharevar run``: all Python programs that descend from it share variables."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import sysconfig
import textwrap
from pathlib import Path

SHAREVAR = str(Path(sysconfig.get_path("scripts"), "sharevar"))

# Has never heard of sharevar.
PARENT = """
    import subprocess, sys
    counting = [sys.executable, "counting.py"]
    started = [subprocess.Popen(counting, close_fds=closing) for closing in (True, False)]
    assert [child.wait() for child in started] == [0, 0]
    # The others are gone, and it still counts on.
    subprocess.run(counting, check=True, start_new_session=True)
    subprocess.run([sys.executable, "counting.py", "print"], check=True)
"""

COUNTING = """
    import multiprocessing, sys
    import sharevar

    hits = sharevar.shared("hits", int)
    names = sharevar.shared("names", list)

    def count():
        hits.incr()
        names.append({1j})

    if __name__ == "__main__":
        if sys.argv[1:] == ["print"]:
            print(hits.get(), names)
        else:
            for method in ("fork", "spawn"):
                process = multiprocessing.get_context(method).Process(target=count)
                process.start()
                process.join()
                assert process.exitcode == 0
            count()
"""


def write(path: Path, text: str) -> None:
    path.write_text(textwrap.dedent(text))


def test_programs_that_a_program_starts_share(tmp_path: Path) -> None:
    write(tmp_path / "parent.py", PARENT)
    write(tmp_path / "counting.py", COUNTING)
    for before in ([], [SHAREVAR, "run", "--"]):
        done = subprocess.run(
            [SHAREVAR, "run", "--", *before, sys.executable, "parent.py"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == f"9 [{', '.join(['{1j}'] * 9)}]\n"


def test_the_runner_of_python_is_in_the_same_family(tmp_path: Path) -> None:
    write(tmp_path / "counting.py", COUNTING)
    program = f"{sys.executable} -m sharevar counting.py && {sys.executable} counting.py print"
    done = subprocess.run(
        [SHAREVAR, "run", "sh", "-c", program],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout.split(" ")[0]) == (0, "3")


def test_the_interrupt_of_a_terminal_reaches_a_program_once(tmp_path: Path) -> None:
    program = """
        import signal
        had = []
        signal.signal(signal.SIGINT, lambda *_: had.append("int"))
        signal.signal(signal.SIGTERM, lambda *_: had.append("term"))
        print("ready", flush=True)
        while not had:
            signal.pause()
        print("interrupted", flush=True)
        while "term" not in had:
            signal.pause()
        print("had", had, flush=True)
    """
    write(tmp_path / "program.py", program)
    child, terminal = pty.fork()
    if child == 0:
        os.execv(SHAREVAR, [SHAREVAR, "run", sys.executable, str(tmp_path / "program.py")])
    with os.fdopen(terminal, "r+b", buffering=0) as stream:
        shown = b""
        while b"ready" not in shown:
            shown += stream.read(1000)
        stream.write(b"\x03")
        while b"interrupted" not in shown:
            shown += stream.read(1000)
        # It comes by the runner, after the interrupt if that came by the runner, too.
        os.kill(child, signal.SIGTERM)
        while b"]" not in shown:
            shown += stream.read(1000)
        _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert b"had ['int', 'term']" in shown
