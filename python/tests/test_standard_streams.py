"""A program without standard streams: their numbers are free, and no shared file takes one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.long

PROGRAM = """
import os, sys, traceback
import sharevar
from sharevar.managers import BaseManager

def write_to_all():
    for number in range(3):
        try:
            os.write(number, b"x" * 4096)
        except OSError:
            pass

def work(box, queue, value, lock):
    write_to_all()
    with lock:
        box["child"] = 1
    queue.put("child")
    value.value += 1

class Manager(BaseManager):
    pass

Manager.register("list", list)

def main():
    context = sharevar.get_context(sys.argv[1])
    box, queue = context.Manager().dict(), context.Queue()
    value, lock = context.Value("i", 0), context.Lock()
    queue.fileno()
    named = sharevar.Manager(name=f"test-streams-{os.getpid()}")
    with Manager() as hosts:
        hosted = hosts.list([1])
        write_to_all()
        child = context.Process(target=work, args=(box, queue, value, lock))
        child.start()
        child.join()
        write_to_all()
        assert child.exitcode == 0, child.exitcode
        assert (queue.get(timeout=10), value.value, box["child"]) == ("child", 1, 1)
        assert hosted.pop() == 1
        assert named.dict(name="d", a=1)["a"] == 1
        for arena in (box.arena, named.arena, sharevar.shared("s", list).arena):
            assert arena.check() == []

if __name__ == "__main__":
    try:
        main()
    except BaseException:
        with open(sys.argv[2], "w") as file:
            traceback.print_exc(file=file)
        raise
"""

# The program begins without the streams: to close them later is no different to sharevar, but
# the standard library then mistakes its own pipes for them.
CLOSE = """
import os, sys
os.closerange(0, 3)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_what_is_printed_reaches_no_shared_memory(tmp_path: Path, method: str) -> None:
    if sys.version_info < (3, 11) and method == "fork":
        pytest.skip("CPython 3.10 itself may stop in a child that is forked beside a thread")
    program, errors = tmp_path / "program.py", tmp_path / "errors"
    program.write_text(PROGRAM)
    command = [sys.executable, "-c", CLOSE, str(program), method, str(errors)]
    done = subprocess.run(command, timeout=60)
    assert done.returncode == 0, errors.read_text()
