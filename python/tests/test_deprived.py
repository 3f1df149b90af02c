"""Processes that have lost descriptors, ``/proc`` or rights, and go on sharing."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest

pytestmark = pytest.mark.long

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="chroot and setuid want root")

# The beginning of each program. Its verdict is its exit code.
_PRELUDE = """
import faulthandler, os, signal, sys, tempfile, time
import multiprocessing.popen_fork, multiprocessing.reduction  # As long as they can be read.
faulthandler.dump_traceback_later(50, exit=True)
import sharevar

def work(d, q, v, l):
    with l:
        d["child"] = d.get("child", 0) + 1
    q.put("child")
    v.value += 1

def used_by_a_child(context, d, q, v, l):
    child = context.Process(target=work, args=(d, q, v, l))
    child.start()
    child.join()
    assert child.exitcode == 0, child.exitcode
    assert q.get(timeout=10) == "child" and v.value == 1 and d["child"] == 1

def make(context):
    m = context.Manager()
    return m.dict(), context.Queue(), context.Value("i", 0), context.Lock()

def succeeds(body, *arguments):
    "Runs it in a fork that has a copy of all that is here."
    pid = os.fork()
    if pid == 0:
        try:
            body(*arguments)
            os._exit(0)
        except BaseException:
            import traceback
            traceback.print_exc()
        finally:
            os._exit(1)
    assert os.waitpid(pid, 0)[1] == 0

def close_descriptors():
    os.closerange(3, 65536)

def become_unreadable():
    "As a service does that drops root: others may not look into it any more."
    if os.geteuid() == 0:
        os.setgid(65534)
        os.setuid(65534)
    else:
        import ctypes
        assert ctypes.CDLL(None).prctl(4, 0) == 0  # PR_SET_DUMPABLE

def receive(inbox, outbox):
    late = inbox.get()
    late["x"] = os.getpid()
    outbox.put(late)

def a_child_is_sent_what_is_made_later(context):
    inbox, outbox = context.Queue(), context.Queue()
    child = context.Process(target=receive, args=(inbox, outbox))
    child.start()
    late = context.Manager().dict()
    inbox.put(late)
    assert outbox.get(timeout=20)["x"] == child.pid == late["x"]
    child.join()
    assert child.exitcode == 0
"""


def run(program: str, tmp_path, start_method: str = "fork", runner: bool = False) -> str:
    path = tmp_path / "program.py"
    path.write_text(_PRELUDE + textwrap.dedent(program))
    command = [sys.executable, *(["-m", "sharevar"] if runner else []), str(path)]
    done = subprocess.run(
        [*command, start_method], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert "Exception ignored" not in done.stderr
    return done.stdout


def test_a_daemon_sees_the_death_of_another(tmp_path) -> None:
    """No process has a descriptor, and the process that made the arena has ended."""
    said = run(
        """
        lock, ready = sharevar.Lock(), sharevar.Event()
        maker = os.getpid()
        if os.fork() == 0:
            os.setsid()
            holder = os.fork()
            close_descriptors()
            if holder == 0:
                lock.acquire()
                ready.set()
                signal.pause()
            assert ready.wait(20)
            while os.getppid() == maker:
                time.sleep(0.001)
            os.kill(holder, signal.SIGKILL)
            since = time.monotonic()
            got = lock.acquire(timeout=20)
            print("got it" if got else "hangs", time.monotonic() - since, flush=True)
        os._exit(0)
        """,
        tmp_path,
    )
    verdict, seconds = said.rsplit(maxsplit=1)
    assert verdict == "got it"
    assert float(seconds) < 5


@pytest.mark.parametrize("runner", [False, True])
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_process_without_descriptors_starts_others(tmp_path, method, runner) -> None:
    run(
        """
        def made_before(context, *made):
            close_descriptors()
            used_by_a_child(context, *made)

        def made_after(context):
            close_descriptors()
            used_by_a_child(context, *make(context))

        if __name__ == "__main__":
            from sharevar._family.installed import is_installed
            module = multiprocessing if is_installed() else sharevar
            context = module.get_context(sys.argv[1])
            succeeds(made_after, context)
            succeeds(made_before, context, *make(context))
        """,
        tmp_path,
        method,
        runner,
    )


@needs_root
def test_children_are_forked_after_chroot(tmp_path) -> None:
    run(
        """
        context = sharevar.get_context("fork")
        made = make(context)
        succeeds(used_by_a_child, context, *make(context))  # All modules are there.
        os.chroot(tempfile.mkdtemp())
        os.chdir("/")
        used_by_a_child(context, *made)
        used_by_a_child(context, *make(context))
        """,
        tmp_path,
    )


_EACH_KIND = """
        import pickle

        def use_each_kind(m):
            "Each kind for the first time, alone and in a container."
            made = [
                m.dict(a=1), m.list([1]), m.set([1]), m.Namespace(x=1), m.Value("i", 1),
                m.Array("i", [1]), m.Lock(), m.RLock(), m.Semaphore(2), m.BoundedSemaphore(2),
                m.Event(), m.Condition(), m.Barrier(1), m.Queue(), m.JoinableQueue(),
                m.PriorityQueue(),
            ]
            for variable in made:
                assert str(variable) and repr(variable)
                assert isinstance(variable, type(m.list([variable])[0]))
                assert type(pickle.loads(pickle.dumps(variable))) is type(variable)
            made[0].update(b=2)
            made[1].sort()
            made[2].add(2)
            made[3].y = made[4].value + made[5][0]
            for lock in made[6:10]:
                with lock:
                    pass
            made[10].set()
            with made[11]:
                made[11].notify_all()
                assert not made[11].wait(0)
            made[12].wait()
            for queue in made[13:]:
                queue.put(1)
                assert queue.get() == 1
            context = multiprocessing.get_context("fork")
            child = context.Process(target=work, args=(made[0], made[13], made[4], made[6]))
            child.start()
            child.join()
            assert child.exitcode == 0 and made[0]["child"] == 1 and made[13].get() == "child"
            m.shutdown()
"""


def test_each_kind_is_first_used_after_chroot(tmp_path) -> None:
    said = run(
        _EACH_KIND
        + """
        import ctypes

        def confine():
            os.chroot(tempfile.mkdtemp())
            os.chdir("/")

        # With its thread no user namespace can be made.
        faulthandler.cancel_dump_traceback_later()
        m = sharevar.Manager()
        if os.geteuid() != 0 and ctypes.CDLL(None).unshare(0x10000000) != 0:  # NEWUSER
            print("refused")
        else:
            confine()
            use_each_kind(m)
        """,
        tmp_path,
    )
    if said == "refused\n":
        pytest.skip("this kernel gives no user namespaces")


def test_each_kind_is_first_used_after_its_files_are_gone(tmp_path) -> None:
    """As with a virtual environment that is removed or unmounted."""
    run(
        _EACH_KIND
        + """
        m = sharevar.Manager()
        sys.path[:] = [tempfile.mkdtemp()]
        sys.path_importer_cache.clear()
        sharevar.__path__[:] = []
        for package in [name for name in sys.modules if name.startswith("sharevar._")]:
            if hasattr(sys.modules[package], "__path__"):
                sys.modules[package].__path__[:] = []
        use_each_kind(m)
        """,
        tmp_path,
    )


def test_what_is_made_after_setuid_reaches_others(tmp_path) -> None:
    run(
        """
        context = sharevar.get_context("fork")
        succeeds(used_by_a_child, context, *make(context))  # All modules are there.
        import sharevar._family.lending
        become_unreadable()
        a_child_is_sent_what_is_made_later(context)
        """,
        tmp_path,
    )


@pytest.mark.parametrize("runner", [False, True])
def test_what_is_made_in_a_pid_namespace_reaches_others(tmp_path, runner) -> None:
    """Its ``/proc`` is the outer one, which shows other processes under its numbers."""
    said = run(
        """
        import ctypes

        def send():
            assert os.readlink("/proc/self") != str(os.getpid())
            a_child_is_sent_what_is_made_later(sharevar.get_context("fork"))

        # With its thread no user namespace can be made.
        faulthandler.cancel_dump_traceback_later()
        spaces = 0x20000000 | (0 if os.geteuid() == 0 else 0x10000000)  # NEWPID, NEWUSER
        if ctypes.CDLL(None, use_errno=True).unshare(spaces) != 0:
            print("refused")
        else:
            succeeds(send)
        """,
        tmp_path,
        runner=runner,
    )
    if said.startswith("refused"):
        pytest.skip("this user may have no pid namespace of its own")


def test_only_who_knows_the_key_may_borrow(tmp_path) -> None:
    run(
        """
        from sharevar._family import lending
        become_unreadable()
        arena = sharevar.Arena()
        address = lending.lend(arena.fileno())
        assert address or os.stat("/proc/self/fd").st_uid == os.geteuid()
        if address:
            os.close(lending.borrow(address, arena.fileno()))
            def stranger():
                multiprocessing.current_process().authkey = b"another"
                try:
                    lending.borrow(address, arena.fileno())
                except OSError:
                    return
                raise AssertionError("lent to a stranger")
            succeeds(stranger)
            try:
                lending.borrow(address, 0)
            except OSError:
                pass
            else:
                raise AssertionError("lent what is not for lending")
        """,
        tmp_path,
    )


def test_few_descriptors_are_enough_for_many_managers(tmp_path) -> None:
    run(
        """
        import resource
        managers = [sharevar.Manager() for _ in range(30)]
        dicts = [manager.dict(n=0) for manager in managers]
        def count():
            for d in dicts:
                d.incr("n")
        limit = len(os.listdir("/proc/self/fd"))
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
        succeeds(count)
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, limit))
        succeeds(count)
        assert all(d["n"] == 2 for d in dicts)
        """,
        tmp_path,
    )


def test_a_new_program_needs_a_descriptor_and_says_so(tmp_path) -> None:
    run(
        """
        if __name__ == "__main__":
            d = sharevar.Manager().dict()
            import multiprocessing.popen_spawn_posix
            context = sharevar.get_context("spawn")
            become_unreadable()
            os.closerange(3, 65536)
            try:
                context.Process(target=print, args=(d,)).start()
            except sharevar.DescriptorLost as error:
                assert "descriptor" in str(error) and "closed" in str(error)
            else:
                raise AssertionError("started")
        """,
        tmp_path,
    )


def test_a_fork_without_an_arena_is_told_in_the_child(tmp_path) -> None:
    run(
        """
        import resource
        limit = resource.getrlimit(resource.RLIMIT_FSIZE)
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        from sharevar._family import family
        class Refused:
            def __call__(self, *arguments):
                raise sharevar.OutOfSharedMemory("no room")
        arena, family.Arena = family.Arena, Refused()
        def child():
            family.Arena = arena
            try:
                sharevar.Lock()
            except sharevar.SharevarError as error:
                assert "no room" in str(error) and "first fork" in str(error)
            else:
                raise AssertionError("a family of its own")
        def child_and_its_child():
            family.Arena = arena
            succeeds(child)
            child()
        succeeds(child)
        succeeds(child_and_its_child)
        family.Arena = arena
        lock = sharevar.Lock()
        succeeds(lock.acquire)
        """,
        tmp_path,
    )


def test_forks_of_a_process_with_hosted_objects_go_on(tmp_path) -> None:
    run(
        """
        import resource
        from sharevar.managers import BaseManager
        class Counter:
            def __init__(self): self.n = 0
            def add(self): self.n += 1; return self.n
        class Manager(BaseManager): pass
        Manager.register("Counter", Counter)
        if __name__ == "__main__":
            manager = Manager()
            manager.start()
            counter = manager.Counter()
            assert counter.add() == 1
            soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
            used = len(os.listdir("/proc/self/fd"))
            resource.setrlimit(resource.RLIMIT_NOFILE, (used, hard))
            succeeds(lambda: None)
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            succeeds(counter.add)
            assert counter.add() == 3
        """,
        tmp_path,
    )
