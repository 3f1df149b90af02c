"""A queue of jobs whose workers may die, at any moment, and no job is lost or done twice.

    python examples/python/job_queue.py

A job that a worker has taken is noted beside its taker in one step, so that the parent can
give it back when the worker has died.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time

import sharevar

JOBS = 200
WORKERS = 4


@sharevar.monitor
class Jobs:
    """Each method is done as a whole or not at all, also when its process is killed in it."""

    def __init__(self, jobs: list[int]) -> None:
        self.waiting = jobs
        self.taken: dict[int, int] = {}
        self.results: dict[int, int] = {}

    def take(self, worker: int) -> int | None:
        if not self.waiting:
            return None
        job = self.waiting.pop()
        self.taken[worker] = job
        return job

    def finish(self, worker: int, result: int) -> None:
        self.results[self.taken.pop(worker)] = result

    def give_back(self, worker: int) -> None:
        """The job of a worker that has died waits again."""
        if worker in self.taken:
            self.waiting.append(self.taken.pop(worker))


def work(jobs: Jobs) -> None:
    while (job := jobs.take(os.getpid())) is not None:
        if random.random() < 0.1:
            # It runs out of memory, for example.
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(0.001)
        jobs.finish(os.getpid(), job * job)


def main() -> None:
    jobs = Jobs(list(range(JOBS)))
    workers: dict[int, multiprocessing.Process] = {}
    deaths = 0
    while len(jobs.results) < JOBS:
        while len(workers) < WORKERS and (jobs.waiting or not workers):
            worker = multiprocessing.Process(target=work, args=(jobs,))
            worker.start()
            assert worker.pid is not None
            workers[worker.pid] = worker
        multiprocessing.connection.wait([each.sentinel for each in workers.values()])
        for pid, worker in list(workers.items()):
            if not worker.is_alive():
                del workers[pid]
                jobs.give_back(pid)
                deaths += worker.exitcode == -signal.SIGKILL
    assert jobs.results == {job: job * job for job in range(JOBS)}
    print(f"{JOBS} jobs are done, each once, though {deaths} workers were killed")


if __name__ == "__main__":
    main()
