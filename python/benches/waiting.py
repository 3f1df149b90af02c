"""What locks, events, namespaces and queues cost, and what waiting costs.

Run as ``python python/benches/waiting.py`` after ``make examples``; ``--quick`` for a
look. Every ratio is of two things measured in turn in the same run; medians.
"""

from __future__ import annotations

import multiprocessing
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import sharevar

QUICK = "--quick" in sys.argv
REPEATS = 9 if QUICK else 41
STEPS = range(20_000)
ITEMS = 20_000 if QUICK else 200_000
ROUNDS = 3 if QUICK else 9
EXAMPLES = Path(__file__).parents[2] / "target/release/examples"

fork = multiprocessing.get_context("fork")


class Local:
    """An object with an attribute."""

    def __init__(self) -> None:
        self.x = 1


def compile_loop(statement: str) -> Callable[[Any], None]:
    """The same source text for each side, compiled anew."""
    namespace: dict[str, Any] = {}
    exec(f"def loop(it):\n    for _ in STEPS:\n        {statement}\n", globals(), namespace)
    return namespace["loop"]


def timed(loop: Callable[[Any], None], subject: Any) -> float:
    start = time.perf_counter_ns()
    loop(subject)
    return (time.perf_counter_ns() - start) / len(STEPS)


def compare(*sides: tuple[str, Any]) -> list[float]:
    """Nanoseconds for each (statement, subject), the empty loop subtracted."""
    loops = [(compile_loop(statement), subject) for statement, subject in sides]
    empty = compile_loop("pass")
    taken: list[list[float]] = [[] for _ in sides]
    for _ in range(REPEATS):
        nothing = timed(empty, None)
        for (loop, subject), samples in zip(loops, taken, strict=True):
            samples.append(timed(loop, subject) - nothing)
    return [statistics.median(samples) for samples in taken]


def show(name: str, ours: float, other: str, theirs: float, bound: float) -> None:
    ratio = f"{ours / theirs:.2f}"
    print(f"{name:<38} {ours:>9,.0f} {theirs:>9,.0f} {ratio:>6} {bound:>6}  {other}")


def operations() -> None:
    pair = "it.acquire(); it.release()"
    semaphore, standard = sharevar.Semaphore(3), multiprocessing.Semaphore(3)
    ours, theirs = compare((pair, semaphore), (pair, standard))
    show("Semaphore acquire + release", ours, "multiprocessing.Semaphore", theirs, 1.2)
    for name, kind in (("Lock", "Lock"), ("RLock", "RLock")):
        sides = (pair, getattr(sharevar, kind)()), (pair, getattr(multiprocessing, kind)())
        ours, theirs = compare(*sides)
        show(f"{name} acquire + release", ours, f"multiprocessing.{kind}", theirs, 1.2)
    event = sharevar.Event()
    ours, theirs = compare(("it.set(); it.clear()", event), (pair, standard))
    show("Event set + clear", ours, "multiprocessing.Semaphore", theirs, 1.2)
    ours, theirs = compare(("it.is_set()", event), (pair, standard))
    show("Event is_set", ours, "half of Semaphore's pair", theirs / 2, 1.2)
    with sharevar.Manager() as manager:
        namespace = manager.Namespace(x=1)
        for name, statement in (("get", "it.x"), ("set", "it.x = 7")):
            # The interpreter finds the one's attribute by its inline cache, the other's not.
            for local in (Local(), SimpleNamespace(x=1)):
                ours, theirs = compare((statement, namespace), (statement, local))
                other = f"{type(local).__name__}'s attribute"
                show(f"Namespace attribute {name}", ours, other, theirs, 4.5)


def produce(queue: Any, count: int, start: Any) -> None:
    start.wait()
    for number in range(count):
        queue.put(number)


def stream(queue: Any, count: int) -> float:
    """Nanoseconds for each int that goes from one process to another."""
    barrier = fork.Barrier(2)
    producer = fork.Process(target=produce, args=(queue, count, barrier))
    producer.start()
    barrier.wait()
    start = time.perf_counter_ns()
    for number in range(count):
        if queue.get() != number:
            raise SystemExit("the queue lost something")
    taken = (time.perf_counter_ns() - start) / count
    producer.join()
    return taken


def streams() -> None:
    ours, theirs = [], []
    for _ in range(ROUNDS):
        ours.append(stream(sharevar.SimpleQueue(), ITEMS))
        theirs.append(stream(fork.SimpleQueue(), ITEMS // 10))
    taken = statistics.median(ours), statistics.median(theirs)
    show("Queue of ints, one to one", taken[0], "multiprocessing.SimpleQueue", taken[1], 0.1)


def echo(there: Any, back: Any) -> None:
    while (ball := there.get()) is not None:
        back.put(ball)


def ping_pong(asleep: bool, rounds: int) -> float:
    there, back = sharevar.SimpleQueue(), sharevar.SimpleQueue()
    other = fork.Process(target=echo, args=(there, back))
    other.start()
    samples = []
    for number in range(rounds):
        if asleep:
            time.sleep(0.002)
        start = time.perf_counter_ns()
        there.put(number)
        back.get()
        samples.append(time.perf_counter_ns() - start)
    there.put(None)
    other.join()
    return statistics.median(samples)


def compiled(program: str, mode: str, rounds: int) -> float:
    command = [EXAMPLES / program, mode, str(rounds)]
    return float(subprocess.run(command, capture_output=True, check=True).stdout)


def echo_semaphore(there: Any, back: Any, rounds: int) -> None:
    for _ in range(rounds):
        there.acquire()
        back.release()


def ping_pong_of_semaphores(rounds: int) -> float:
    there, back = fork.Semaphore(0), fork.Semaphore(0)
    other = fork.Process(target=echo_semaphore, args=(there, back, rounds))
    other.start()
    samples = []
    for _ in range(rounds):
        time.sleep(0.002)
        start = time.perf_counter_ns()
        there.release()
        back.acquire()
        samples.append(time.perf_counter_ns() - start)
    other.join()
    return statistics.median(samples)


def hand_overs() -> None:
    """There and back, between two processes through two queues."""
    # Two who meet asleep stay so for a whole run, here and with the bare futex: where a
    # wake-up takes longer than either side spins, only the best of many runs was awake.
    awake = [
        (
            compiled("bare_ping_pong", "awake", 3_000),
            compiled("ping_pong", "awake", 3_000),
            ping_pong(False, 3_000),
        )
        for _ in range(4 * ROUNDS)
    ]
    bare, rust, python = map(min, zip(*awake, strict=True))
    show("hand-over, both awake, Rust", rust, "bare futex", bare, 5)
    show("hand-over, both awake, Python", python, "bare futex", bare, 5)
    rounds = 200
    asleep = [
        (
            compiled("bare_ping_pong", "asleep", rounds),
            compiled("bare_ping_pong", "bounded", rounds),
            compiled("ping_pong", "asleep", rounds),
            ping_pong(True, rounds),
            ping_pong_of_semaphores(rounds),
        )
        for _ in range(ROUNDS)
    ]
    bare, bounded, rust, python, semaphore = map(statistics.median, zip(*asleep, strict=True))
    for name, ours in (("Rust", rust), ("Python", python)):
        title = f"hand-over, both asleep, {name}"
        show(title, ours, "bare futex", bare, 1.5)
        # The cost of a sleep that ends by itself, in case the other side has been killed.
        show(title, ours, "bare futex with a time-out", bounded, 1.5)
    # The interpreter takes its time, too.
    show(title, python, "multiprocessing.Semaphore", semaphore, 1.5)


def wait_for(waiting: Callable[[], Any], ready: Any, done: Any) -> None:
    before = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
    ready.release()
    waiting()
    done.put(sum(resource.getrusage(resource.RUSAGE_SELF)[:2]) - before)


def percent_while_waiting(
    count: int, waiting: Callable[[], Any], end: Callable[[], Any]
) -> float:
    """Processor time of `count` processes that wait, in percent of one processor."""
    ready, done = fork.Semaphore(0), fork.SimpleQueue()
    waiters = [
        fork.Process(target=wait_for, args=(waiting, ready, done)) for _ in range(count)
    ]
    for waiter in waiters:
        waiter.start()
    for _ in waiters:
        ready.acquire()
    start = time.perf_counter()
    time.sleep(3 if QUICK else 10)
    taken = time.perf_counter() - start
    for _ in waiters:
        end()
    used = sum(done.get() for _ in waiters)
    for waiter in waiters:
        waiter.join()
    return 100 * used / taken


def waiting_costs() -> None:
    print(f"\n{'processor time while waiting, bound 1 %':<38} {'1 waiter':>9} {'100':>9}")
    for name, make in (
        ("Lock.acquire", held_lock),
        ("Semaphore.acquire", empty_semaphore),
        ("Event.wait", clear_event),
        ("Condition.wait", condition),
        ("Queue.get", empty_queue),
    ):
        shares = [percent_while_waiting(count, *make()) for count in (1, 100)]
        print(f"{name:<38} {shares[0]:>7.2f} % {shares[1]:>7.2f} %")


def held_lock() -> tuple[Callable[[], Any], Callable[[], Any]]:
    lock = sharevar.Lock()
    lock.acquire()
    return lambda: (lock.acquire(), lock.release()), lambda: lock.locked() and lock.release()


def empty_semaphore() -> tuple[Callable[[], Any], Callable[[], Any]]:
    semaphore = sharevar.Semaphore(0)
    return semaphore.acquire, semaphore.release


def clear_event() -> tuple[Callable[[], Any], Callable[[], Any]]:
    event = sharevar.Event()
    return event.wait, event.set


def condition() -> tuple[Callable[[], Any], Callable[[], Any]]:
    condition = sharevar.Condition()

    def wait() -> None:
        with condition:
            condition.wait()

    def notify() -> None:
        with condition:
            condition.notify()

    return wait, notify


def empty_queue() -> tuple[Callable[[], Any], Callable[[], Any]]:
    queue: Any = sharevar.Queue()
    return queue.get, lambda: queue.put(1)


def main() -> None:
    print(f"{'ns':<38} {'sharevar':>9} {'other':>9} {'ratio':>6} {'bound':>6}  other is")
    operations()
    streams()
    hand_overs()
    waiting_costs()


if __name__ == "__main__":
    main()
