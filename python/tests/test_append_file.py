"""One file, many writers."""

from __future__ import annotations

import errno
import multiprocessing
import os
import pickle
import resource
import signal
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import sharevar
from sharevar._variables.append_file import AppendFile

pytestmark = pytest.mark.long

fork = multiprocessing.get_context("fork")
LINES = 2_000
# The one by which the kernel notes when a file was made.
COARSE_CLOCK = 5


def print_lines(name: str, file: Any) -> None:
    for number in range(LINES):
        print(name, number, "x" * (number % 90), file=file)


def expected(names: list[str]) -> Counter[str]:
    return Counter(
        f"{name} {number} {'x' * (number % 90)}" for name in names for number in range(LINES)
    )


@pytest.mark.one_version
def test_no_line_is_lost_or_torn(tmp_path: Path, context: Any) -> None:
    path = tmp_path / "lines"
    names = ["a", "b", "c"]
    with sharevar.open(path) as file:
        writers = [context.Process(target=print_lines, args=(name, file)) for name in names]
        for writer in writers:
            writer.start()
        print_lines("parent", file)
        for writer in writers:
            writer.join()
    found = Counter(path.read_text().split("\n")[:-1])
    assert found == expected([*names, "parent"])


def test_threads_do_not_mix_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    with sharevar.open(path) as file:
        threads = [threading.Thread(target=print_lines, args=(name, file)) for name in "ab"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert Counter(path.read_text().split("\n")[:-1]) == expected(["a", "b"])


def write_blocks(file: AppendFile, name: bytes) -> None:
    while True:
        file.write(name * 300_000 + b"\n")


@pytest.mark.timeout(240)
def test_killed_writers_leave_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "blocks"
    half_writes = 0
    with sharevar.open(path, "ab") as file:
        for _ in range(25):
            writers = [
                fork.Process(target=write_blocks, args=(file, name)) for name in (b"a", b"b")
            ]
            for writer in writers:
                writer.start()
            size = path.stat().st_size
            while path.stat().st_size < size + 1_000_000:
                pass
            for writer in writers:
                os.kill(writer.pid, signal.SIGKILL)
            for writer in writers:
                writer.join()
            half_writes += path.stat().st_size % 300_001 != 0
            file.write(b"c" * 300_000 + b"\n")
            os.truncate(path, 0) if path.stat().st_size > 5_000_000 else None
            lines = path.read_bytes().split(b"\n")
            assert lines.pop() == b""
            assert {len(line) for line in lines} <= {300_000}
            assert all(len(set(line)) == 1 for line in lines)
    print(f"writes cut short by SIGKILL and cut off: {half_writes}")


def limit_file_size(size: int) -> None:
    """Have the kernel write no more of a file in this process."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def test_a_half_write_is_cut_off_by_the_next_writer(tmp_path: Path) -> None:
    path = tmp_path / "half"
    with sharevar.open(path, "ab") as file:
        file.write(b"whole\n")

        def die_half_way() -> None:
            limit_file_size(10)
            signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
            file.write(b"half of it is written\n")

        child = fork.Process(target=die_half_way)
        child.start()
        child.join()
        assert child.exitcode == -signal.SIGXFSZ
        assert path.read_bytes() == b"whole\nhalf"
        file.write(b"next\n")
    assert path.read_bytes() == b"whole\nnext\n"


def test_the_number_of_a_deleted_file_is_none_of_its_own(tmp_path: Path) -> None:
    path, other = tmp_path / "deleted", tmp_path / "other"
    with sharevar.open(path, "ab") as file:
        path.unlink()
        lock = file._lock.handle
        made = time.clock_gettime(COARSE_CLOCK)
    while time.clock_gettime(COARSE_CLOCK) == made:
        pass
    # The file system gives the number to the next file; one that does not shows nothing here.
    with sharevar.open(other, "ab") as next_one:
        assert next_one._lock.handle != lock


def begin_a_line(file: Any) -> None:
    file.write("begun in the child")


def test_a_begun_line_is_written_at_a_childs_exit(tmp_path: Path, context: Any) -> None:
    path = tmp_path / "begun"
    with sharevar.open(path) as file:
        file.write("begun in the parent")
        child = context.Process(target=begin_a_line, args=(file,))
        child.start()
        child.join()
        assert path.read_text() == "begun in the child"
        file.write(" and ended\n")
    assert path.read_text() == "begun in the childbegun in the parent and ended\n"


def test_a_write_that_fails_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "full"
    with sharevar.open(path, "ab") as file:
        file.write(b"before\n")

        def fail() -> None:
            limit_file_size(11)
            with pytest.raises(OSError, match="too large") as caught:
                file.write(b"x" * 10)
            assert caught.value.errno == errno.EFBIG

        child = fork.Process(target=fail)
        child.start()
        child.join()
        assert child.exitcode == 0
        assert path.read_bytes() == b"before\n"
        assert not file._lock.locked() and not file._lock.owner_died
        file.write(b"after\n")
    assert path.read_bytes() == b"before\nafter\n"


def test_behaves_as_a_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old\n")
    with sharevar.open(path, "a", encoding="latin-1", newline="\r\n") as file:
        assert file.write("ä\n") == 2
        file.writelines(["b\n", "c"])
        assert path.read_bytes() == b"old\n\xe4\r\nb\r\n"
        file.flush()
        assert path.read_bytes() == b"old\n\xe4\r\nb\r\nc"
        assert (file.name, file.mode, file.encoding) == (str(path), "a", "iso8859-1")
        assert file.writable() and not file.readable() and not file.closed
        assert os.path.sameopenfile(file.fileno(), file.buffer.fileno())
        with pytest.raises(TypeError):
            file.write(b"x")
        with pytest.raises(UnicodeEncodeError):
            file.write("€\n")
    assert file.closed
    for use in (lambda: file.write("x"), file.fileno, lambda: pickle.dumps(file)):
        with pytest.raises(ValueError):
            use()
    for mode in ("r", "w", "a+", "rb", "x"):
        with pytest.raises(ValueError):
            sharevar.open(path, mode)
    with pytest.raises(FileNotFoundError):
        sharevar.open(tmp_path / "no" / "such", "a")
    with sharevar.open(path, "ab") as raw, pytest.raises(TypeError):
        raw.write("text")


def test_opened_twice_is_one_lock(tmp_path: Path) -> None:
    path = tmp_path / "twice"
    with sharevar.open(path, "ab") as first, sharevar.open(path, "ab") as second:
        assert first._lock.handle == second._lock.handle
        first.write(b"1")
        second.write(b"2")
        first.write(b"3")
    assert path.read_bytes() == b"123"


def test_a_pickle_leads_to_the_same_file_though_it_was_renamed(tmp_path: Path) -> None:
    path = tmp_path / "before"
    with sharevar.open(path, "ab") as file:
        path.rename(tmp_path / "after")
        path.write_bytes(b"another")
        with pickle.loads(pickle.dumps(file)) as same:
            same.write(b"same")
    assert (tmp_path / "after").read_bytes() == b"same"
    assert path.read_bytes() == b"another"


def test_pipes_are_written_whole_too() -> None:
    reading, writing = os.pipe()
    with AppendFile("a pipe", writing) as file:
        file.write(b"hello\n")
        assert os.read(reading, 100) == b"hello\n"
    os.close(reading)
