"""What modules make at their top level, in children that import them again."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

pytestmark = pytest.mark.long

# The objects of each side, after a child has changed them.
OURS = textwrap.dedent(
    """
    import os, sys
    import sharevar
    import sharevar as mp

    def make(kind):
        return kind()

    if __name__ == "__main__":
        mp.set_start_method(sys.argv[1])

    context = mp.get_context("spawn")
    fifo, joinable, simple = mp.Queue(3), mp.JoinableQueue(), mp.SimpleQueue()
    event, semaphore, bounded = mp.Event(), mp.Semaphore(3), mp.BoundedSemaphore(3)
    condition, barrier, lock, rlock = mp.Condition(), mp.Barrier(2), mp.Lock(), mp.RLock()
    value, array = mp.Value("i", 5), mp.Array("d", 3)
    raw_value, raw_array = mp.RawValue("i", 1), mp.RawArray("i", 4)
    locks = [mp.Lock() for _ in range(3)]
    first, second = mp.Event(), mp.Event()
    from_function = [make(mp.Event) for _ in range(2)]
    of_context = context.Event()
    manager, other = mp.Manager(), mp.Manager()
    table, items, namespace = manager.dict(x=1), manager.list([1]), manager.Namespace(a=1)
    numbers, box = manager.set([1]), manager.Value("i", 1)
    managed, of_other = manager.Queue(), other.dict()
    of_gone_manager = mp.Manager().list([1])

    class Own(mp.Queue):
        def __init__(self):
            super().__init__()
            self.tag = os.getpid()
            self.event = mp.Event()

    @mp.monitor
    class Account:
        def __init__(self, balance):
            self.balance = balance
            self.maker = os.getpid()

        def pay_in(self, amount):
            self.balance += amount

    class Savings(Account):
        pass

    own, account, savings = Own(), Account(10), Savings(20)
    of_manager = manager.monitor(Account, 30)

    def child(parent):
        for queue in (fifo, joinable, simple, managed, own):
            queue.put(1)
        for flag in (event, second, from_function[1], of_context, own.event):
            flag.set()
        barrier.abort()
        value.value += 1
        array[0], raw_value.value, raw_array[1] = 7, 8, 9
        table["child"], of_other["child"], namespace.b, box.value = 1, 1, 2, 3
        items.append(2)
        of_gone_manager.append(2)
        numbers.add(2)
        for one in (account, savings, of_manager):
            one.pay_in(1)
            assert one.maker == parent
        assert own.tag == parent
        for taken in (lock, rlock, locks[1], semaphore, bounded, condition):
            taken.acquire()
        # All the same by the end of the process, which gives back what it has taken.
        os._exit(0)

    if __name__ == "__main__":
        worker = mp.Process(target=child, args=(os.getpid(),))
        worker.start()
        worker.join()
        print(worker.exitcode, fifo.qsize(), joinable.qsize(), simple.empty(), managed.qsize())
        print([flag.is_set() for flag in (event, first, second, *from_function, of_context)])
        print(own.qsize(), own.event.is_set(), barrier.broken, value.value, array[:])
        print(raw_value.value, list(raw_array), table.copy(), of_other.copy(), items[:])
        print(namespace, numbers.copy(), box.value, of_gone_manager[:])
        print(account.balance, savings.balance, of_manager.balance)
        print([taken.acquire(timeout=5) for taken in (lock, rlock, *locks, condition)])
    """
)
EXPECTED = """0 1 1 False 1
[True, False, True, False, True, True]
1 True True 6 [7.0, 0.0, 0.0]
8 [0, 9, 0, 0] {'x': 1, 'child': 1} {'child': 1} [1, 2]
Namespace(a=1, b=2) {1, 2} 3 [1, 2]
11 21 31
[True, True, True, True, True, True]
"""


def run(path: Path, program: str, *arguments: str, runner: bool = False) -> tuple[str, str]:
    script = path / "program.py"
    script.write_text(textwrap.dedent(program))
    command = [sys.executable, *(["-m", "sharevar"] if runner else []), str(script)]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=50)
    return done.stdout, done.stderr


def test_what_sharevar_makes_is_one_for_all(tmp_path: Path, start_method: str) -> None:
    assert run(tmp_path, OURS, start_method) == (EXPECTED, "")


MANAGER = """
    import multiprocessing, sys

    if __name__ == "__main__":
        multiprocessing.set_start_method(sys.argv[1])
    import settings

    manager = multiprocessing.Manager()
    shared = manager.dict()
    lock = manager.Lock()
    several = [multiprocessing.Manager().list() for _ in range(3)]

    def work(number):
        with lock:
            shared[number] = number
        several[number % 3].append(number)
        settings.found.append(number)
        return multiprocessing.get_context(sys.argv[1]).Process is not None

    def grandchild():
        shared["grandchild"] = 1

    def child():
        worker = multiprocessing.Process(target=grandchild)
        worker.start()
        worker.join()

    if __name__ == "__main__":
        with multiprocessing.Pool(2) as pool:
            pool.map(work, range(10))
        worker = multiprocessing.Process(target=child)
        worker.start()
        worker.join()
        print(sorted(shared.keys(), key=str) == [*range(10), "grandchild"])
        print([sorted(one) for one in several], sorted(settings.found))
"""
SETTINGS = """
import multiprocessing

found = multiprocessing.Manager().list()
"""


def test_a_managers_of_an_unchanged_program(tmp_path: Path, start_method: str) -> None:
    (tmp_path / "settings.py").write_text(SETTINGS)
    assert run(tmp_path, MANAGER, start_method, runner=True) == (
        "True\n[[0, 3, 6, 9], [1, 4, 7], [2, 5, 8]] [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]\n", ""
    )  # fmt: skip


LOCAL = """
    import multiprocessing, sys

    if __name__ == "__main__":
        multiprocessing.set_start_method(sys.argv[1])
    fifo, value = multiprocessing.Queue(), multiprocessing.Value("i", 1)
    lock, event = multiprocessing.Lock(), multiprocessing.Event()

    def work(given):
        assert lock.acquire(timeout=5)
        value.value += 1
        event.set()
        given.put(event.is_set())

    if __name__ == "__main__":
        lock.acquire()
        worker = multiprocessing.Process(target=work, args=(fifo,))
        worker.start()
        worker.join()
        print(worker.exitcode, fifo.get(timeout=5), value.value, event.is_set())
"""


CHOSEN = """
    import os, sys
    import sharevar

    is_first = os.environ.get("STARTED") is None
    manager = sharevar.Manager()
    made = (sharevar.Lock if is_first else sharevar.Event)()
    value = (sharevar.Value if is_first else sharevar.Array)("i", 1)
    table = (manager.dict if is_first else manager.list)()
    same = sharevar.Event()

    def child():
        print(type(made).__name__, len(value), table.append(1))
        same.set()

    if __name__ == "__main__":
        os.environ["STARTED"] = "1"
        worker = sharevar.get_context("spawn").Process(target=child)
        worker.start()
        worker.join()
        print(same.is_set())
"""


def test_what_is_of_another_kind_in_a_child_is_its_own(tmp_path: Path) -> None:
    assert run(tmp_path, CHOSEN) == ("Event 1 None\nTrue\n", "")


PRELOADED = """
    import multiprocessing, sys
    import settings

    def work():
        settings.table["child"] = 1
        for event in settings.events:
            event.set()

    if __name__ == "__main__":
        multiprocessing.set_start_method("forkserver", force=True)
        multiprocessing.set_forkserver_preload(["settings"])
        worker = multiprocessing.Process(target=work)
        worker.start()
        worker.join()
        print(settings.table, all(event.is_set() for event in settings.events))
"""
# So many that no command line could name them.
PRELOADED_SETTINGS = """
import sharevar

events = [sharevar.Event() for _ in range(1000)]
table = sharevar.Manager().dict()
"""


@pytest.mark.parametrize("runner", [False, True])
def test_what_a_fork_server_imports_early_is_the_programs(tmp_path: Path, runner: bool) -> None:
    (tmp_path / "settings.py").write_text(PRELOADED_SETTINGS)
    assert run(tmp_path, PRELOADED, runner=runner) == ("{'child': 1} True\n", "")


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
@pytest.mark.parametrize("runner", [False, True])
def test_what_the_standard_library_makes_for_each_child(
    tmp_path: Path, method: str, runner: bool
) -> None:
    """Unchanged programs get it so: a lock that the parent holds is not the child's."""
    output, errors = run(tmp_path, LOCAL, method, runner=runner)
    assert output == "0 True 1 False\n"
    # Under forkserver the standard library's own complain of what they leave.
    assert errors == "" or not runner


REFUSED = {
    "a manager that only the child makes": """
        if __name__ == "__mp_main__":
            multiprocessing.Manager()
    """,
    "a manager that was shut down": """
        with multiprocessing.Manager() as manager:
            pass
    """,
    "a manager's start": """
        if __name__ != "__main__":
            multiprocessing.managers.SyncManager().start()
    """,
    "a host": """
        if __name__ != "__main__":
            class Hosts(multiprocessing.managers.BaseManager):
                pass
            Hosts().start()
    """,
    "a pool of a manager": """
        manager = multiprocessing.Manager()
        if __name__ != "__main__":
            manager.Pool(1)
    """,
}


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
@pytest.mark.parametrize("case", REFUSED)
def test_what_would_be_a_childs_own_is_refused(tmp_path: Path, method: str, case: str) -> None:
    head = "import multiprocessing, multiprocessing.managers, sys\n"
    set_method = "if __name__ == '__main__': multiprocessing.set_start_method(sys.argv[1])\n"
    start = (
        "def work(): pass\n"
        "if __name__ == '__main__':\n"
        "    worker = multiprocessing.Process(target=work)\n"
        "    worker.start()\n"
        "    worker.join()\n"
        "    print(worker.exitcode)\n"
    )
    program = head + set_method + textwrap.dedent(REFUSED[case]) + start
    output, errors = run(tmp_path, program, method, runner=True)
    assert output in ("1\n", "255\n", "") or "EOFError" in errors
    assert "bootstrapping phase" in errors
    assert "sharevar.shared" in errors


def test_a_manager_of_children_that_are_forked_is_not_refused(tmp_path: Path) -> None:
    program = """
        import multiprocessing

        if __name__ == "__mp_main__":
            table = multiprocessing.get_context("fork").Manager().dict(a=1)

        def work():
            print(table.copy())

        if __name__ == "__main__":
            multiprocessing.set_start_method("spawn")
            worker = multiprocessing.Process(target=work)
            worker.start()
            worker.join()
    """
    for runner in (False, True):
        assert run(tmp_path, program, runner=runner) == ("{'a': 1}\n", "")


def test_what_is_made_below_the_guard_is_not_looked_at(tmp_path: Path) -> None:
    program = """
        import sharevar
        from sharevar._family import module_level

        def main():
            return [sharevar.Lock() for _ in range(3)]

        first = sharevar.Lock()
        if "__main__" == __name__:
            locks = main()
            print(len(module_level._made))
            first = None
            print(len(module_level._made))
    """
    assert run(tmp_path, program) == ("1\n0\n", "")


BESIDE_MANAGER = """
    import multiprocessing, sys, time
    from multiprocessing import Lock, get_context

    if __name__ == "__main__":
        multiprocessing.set_start_method(sys.argv[1])
    first = multiprocessing.Semaphore(2)
    ROOM
    lock, queue, event = Lock(), multiprocessing.Queue(), multiprocessing.Event()
    value, array = multiprocessing.Value("i", 0), multiprocessing.Array("i", 2)
    of_context = get_context(sys.argv[1]).JoinableQueue()

    def work(number):
        first.acquire()
        queue.put(number)
        of_context.put(number)
        event.set()
        array[1] = 5
        if "table" in globals():
            with lock:
                before = table["number"]
                time.sleep(0.001)
                table["number"] = before + 1
        with value:
            value.value += 1

    if __name__ == "__main__":
        workers = [multiprocessing.Process(target=work, args=(number,)) for number in (1, 2)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        seen = [sorted(each.get() for _ in range(each.qsize())) for each in (queue, of_context)]
        print([worker.exitcode for worker in workers], seen, event.is_set(), value.value)
        print(array[:], first.acquire(False))
        if "table" in globals():
            print(table["number"])
"""


@pytest.mark.parametrize("start_method", ["spawn", "forkserver"])
def test_what_an_unchanged_program_makes_beside_its_manager(
    tmp_path: Path, start_method: str
) -> None:
    def ran(made: str, runner: bool = True) -> tuple[str, str]:
        program = BESIDE_MANAGER.replace("ROOM", made)
        return run(tmp_path, program, start_method, runner=runner)

    manager = "manager = multiprocessing.Manager(); table = manager.dict(number=0)"
    output, errors = ran(manager)
    assert errors == ""
    assert output == "[0, 0] [[1, 2], [1, 2]] True 2\n[0, 5] False\n2\n"
    # Where a child makes none it is made for each child anew, as by the standard library.
    alone = "[0, 0] [[], []] False 0\n[0, 0] True\n"
    assert ran("pass")[0] == ran("pass", runner=False)[0] == alone
    is_main = "multiprocessing.current_process().name == 'MainProcess'"
    conditional = f"if {is_main}: {manager}"
    assert ran(conditional)[0] == ran(conditional, runner=False)[0] == alone + "0\n"


PACKAGE = """
    import multiprocessing
    multiprocessing.set_start_method("spawn")
    from package import work

    manager = multiprocessing.Manager()
    with work.lock:
        child = multiprocessing.Process(target=work.child)
        child.start()
        child.join()
"""
WORK = """
    import multiprocessing

    lock = multiprocessing.Lock()

    def child():
        print(lock.acquire(False))
"""


@pytest.mark.parametrize("runner", [[], ["-m", "sharevar"]])
def test_no_child_imports_the_main_module_of_a_package(
    tmp_path: Path, runner: list[str]
) -> None:
    (tmp_path / "package").mkdir()
    for name, source in (("__init__", ""), ("__main__", PACKAGE), ("work", WORK)):
        (tmp_path / "package" / f"{name}.py").write_text(textwrap.dedent(source))
    command = [sys.executable, *runner, "-m", "package"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=50)
    assert (done.stdout, done.stderr) == ("True\n", "")
