"""Under limits of a process a manager becomes smaller; what cannot be had is one error."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest

import sharevar

pytestmark = pytest.mark.long

MIB, GIB = 1 << 20, 1 << 30

WORK = """
import multiprocessing, os, resource, sys
import sharevar

def work(box, words, queue):
    box["x"] = words.value
    words.value = 3
    queue.put(b"y" * 100_000)

if __name__ == "__main__":
    context = sharevar.get_context(sys.argv[1])
    managers = [sharevar.Manager() for _ in range(5)]
    box, words = managers[0].dict(), context.Value("i", 2)
    queue, lock = context.Queue(), context.Lock()
    with lock:
        child = context.Process(target=work, args=(box, words, queue))
        child.start()
        assert queue.get(timeout=50) == b"y" * 100_000
    child.join()
    assert (box["x"], words.value, child.exitcode) == (2, 3, 0)
    for manager in managers:
        assert manager.list([bytes(1000)] * 100)[99] == bytes(1000)
        print(manager.arena.capacity)
"""


def run(
    program: str, *arguments: str, limits: dict[int, int] | None = None
) -> subprocess.CompletedProcess[str]:
    def limit() -> None:
        for kind, most in (limits or {}).items():
            resource.setrlimit(kind, (most, most))

    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        preexec_fn=limit,
    )


@pytest.mark.parametrize(
    ("kind", "most", "method"),
    [
        (resource.RLIMIT_AS, 16 * GIB, "fork"),
        (resource.RLIMIT_AS, 2 * GIB, "spawn"),
        (resource.RLIMIT_AS, 1 * GIB, "fork"),
        (resource.RLIMIT_FSIZE, 1 * GIB, "fork"),
        (resource.RLIMIT_FSIZE, 100 * MIB, "spawn"),
        (resource.RLIMIT_FSIZE, 10 * MIB, "fork"),
        (resource.RLIMIT_DATA, 1 * GIB, "fork"),
        (resource.RLIMIT_MEMLOCK, 0, "fork"),
    ],
)
def test_all_works_with_less(kind: int, most: int, method: str, tmp_path: object) -> None:
    path = f"{tmp_path}/program.py"
    with open(path, "w") as file:
        file.write(WORK)
    done = subprocess.run(
        [sys.executable, path, method],
        capture_output=True,
        text=True,
        timeout=60,
        preexec_fn=lambda: resource.setrlimit(kind, (most, most)),
    )
    assert (done.returncode, done.stderr) == (0, "")
    capacities = [int(line) for line in done.stdout.split()]
    assert len(capacities) == 5
    if kind in (resource.RLIMIT_AS, resource.RLIMIT_FSIZE):
        assert all(500_000 < capacity < most for capacity in capacities)


@pytest.mark.parametrize(
    ("kind", "most", "words"),
    [
        (resource.RLIMIT_AS, 3 * GIB, ["ulimit -v", str(3 * GIB)]),
        (resource.RLIMIT_FSIZE, 100 * MIB, ["ulimit -f", str(100 * MIB)]),
    ],
)
def test_a_capacity_that_cannot_be_had_is_an_error_with_numbers(
    kind: int, most: int, words: list[str]
) -> None:
    program = """
import sharevar
try:
    sharevar.Manager(capacity=8 << 30)
except sharevar.OutOfSharedMemory as error:
    assert isinstance(error, MemoryError)
    print(error)
print(sharevar.Manager(capacity=16 << 20).arena.capacity)
"""
    done = run(program, limits={kind: most})
    assert done.returncode == 0, done.stderr
    error, capacity = done.stdout.splitlines()
    assert all(word in error for word in [*words, "capacity"]), error
    asked = [int(word) for word in error.split() if word.isdigit()]
    assert max(asked) > 8 << 30
    assert int(capacity) == 16 << 20


@pytest.mark.parametrize("most", [0, 4096, 2 * MIB])
def test_where_no_arena_fits_there_is_one_error(most: int) -> None:
    program = """
import sharevar
for make in (sharevar.Manager, sharevar.Lock, sharevar.Queue):
    try:
        make()
    except sharevar.OutOfSharedMemory as error:
        print(error)
"""
    done = run(program, limits={resource.RLIMIT_FSIZE: most})
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 3
    assert all(f"(ulimit -f) is {most} bytes" in line for line in done.stdout.splitlines())


def test_a_child_that_may_map_less_is_told(tmp_path: object) -> None:
    path = f"{tmp_path}/program.py"
    with open(path, "w") as file:
        file.write("""
import resource, sys
import sharevar

def work(box):
    box["x"] = 1

if __name__ == "__main__":
    box = sharevar.Manager(capacity=4 << 30).dict()
    sharevar.Lock()
    for most in (resource.RLIM_INFINITY, int(sys.argv[1]), resource.RLIM_INFINITY):
        child = sharevar.get_context("spawn").Process(target=work, args=(box,))
        resource.setrlimit(resource.RLIMIT_AS, (most, resource.RLIM_INFINITY))
        child.start()
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        child.join()
        enough = most == resource.RLIM_INFINITY
        assert child.exitcode == (0 if enough else 1)
        assert box.pop("x", None) == (1 if enough else None)
""")
    # The parent maps a reservation of its own for the family, which the child inherits or maps.
    done = subprocess.run(
        [sys.executable, path, str(2 * GIB)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert "(ulimit -v) is 2147483648 bytes" in done.stderr
    assert "Exception ignored" not in done.stderr
    error = done.stderr.splitlines()[-1]
    assert error.startswith("sharevar.errors.OutOfSharedMemory") and "ulimit -v" in error


def test_a_fork_that_may_map_nothing_more_is_told_why() -> None:
    program = """
import os, resource
import sharevar
box = sharevar.Manager(capacity=256 << 20).dict()
resource.setrlimit(resource.RLIMIT_AS, (64 << 20, resource.RLIM_INFINITY))
child = os.fork()
if child == 0:
    try:
        box["x"] = 1
    except sharevar.NoWitness as error:
        assert "ulimit -v" in str(error) and "capacity" in str(error), error
        os._exit(7)
    os._exit(1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
assert not box
"""
    done = run(program)
    assert (done.returncode, done.stderr) == (0, "")


LOCKED = """
import ctypes, sys
import sharevar
libc = ctypes.CDLL(None, use_errno=True)

def shared():
    with open("/proc/self/status") as status:
        (line,) = (line for line in status if line.startswith("RssShmem"))
    return int(line.split()[1]) << 10

def lock(flags):
    if libc.mlockall(flags) != 0:
        print("refused", ctypes.get_errno())
        sys.exit(0)

first = sys.argv[1] == "first"
if first:
    lock(int(sys.argv[2]))
manager = sharevar.Manager(capacity=int(sys.argv[3]))
numbers = manager.list()
if not first:
    lock(int(sys.argv[2]))
others = [sharevar.Manager() for _ in range(3)] if first else []
for number in range(20_000):
    numbers.append("some text %d" % number)
assert numbers[-1] == "some text 19999"
child = sharevar.get_context("fork").Process(target=numbers.append, args=(1,))
child.start()
child.join()
assert numbers[-1] == 1
print(shared())
"""


@pytest.mark.parametrize(
    ("when", "flags", "most"),
    # MCL_CURRENT is 1, MCL_FUTURE 2. Existing mappings are filled as far as they may be
    # touched: the tables, a twentieth of the reservation, but not the pages.
    [("first", 2, 64 * MIB), ("first", 3, 64 * MIB), ("then", 3, 400 * MIB)],
)
def test_nothing_is_locked_that_is_not_used(when: str, flags: int, most: int) -> None:
    done = run(LOCKED, when, str(flags), str(8 * GIB if when == "first" else 4 * GIB))
    assert (done.returncode, done.stderr) == (0, "")
    if done.stdout.startswith("refused"):
        pytest.skip("this process may lock no memory: " + done.stdout)
    assert int(done.stdout) < most


def test_a_little_room_for_locked_memory_is_enough() -> None:
    """With MCL_FUTURE a mapping counts as locked in whole, before it is unlocked again."""
    program = """
import ctypes, os, resource
import sharevar
resource.setrlimit(resource.RLIMIT_MEMLOCK, (8 << 20, 8 << 20))
if os.getuid() == 0:
    os.setuid(65534)
libc = ctypes.CDLL(None, use_errno=True)
assert libc.mlockall(2) == 0, ctypes.get_errno()
manager = sharevar.Manager()
box = manager.dict(a=bytes(1000))
assert box["a"] == bytes(1000)
"""
    done = run(program)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_default_is_half_of_what_there_is() -> None:
    with sharevar.Manager() as manager:
        assert manager.arena.capacity >= 64 * MIB


def test_a_program_that_may_map_less_than_its_family(tmp_path: Path) -> None:
    """It has variables of its own, and is told that it cannot find the family's by name."""
    (tmp_path / "program.py").write_text("""
import resource, subprocess, sys
import sharevar
if sys.argv[1:] == []:
    sharevar.shared("names", list).append(1)
    limit = lambda: resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
    sys.exit(subprocess.run([sys.executable, __file__, "less"], preexec_fn=limit).returncode)
box = sharevar.Value("i", 3)
assert box.value == 3 and sharevar.Manager().dict(a=1)["a"] == 1
try:
    sharevar.shared("names", list)
except sharevar.SharevarError as error:
    assert "of its family" in str(error) and "ulimit -v" in str(error), error
else:
    sys.exit("found another variable")
""")
    if sharevar.Manager().arena.capacity < GIB:
        pytest.skip("a family is no larger here than the limit")
    done = subprocess.run(
        [sys.executable, "-m", "sharevar", str(tmp_path / "program.py")],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
