"""The workers of a server, started however it starts them, count in one variable.

The servers are installed into an environment of their own. Their applications are in
``servers/``.
"""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sysconfig
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
from support.environments import python_with
from support.waiting import eventually
from support.web_servers import Answers, WebServer, serving

import sharevar

PROGRAMS = Path(__file__).parent / "servers"
EXAMPLES = Path(__file__).parents[2] / "examples" / "python"
SHAREVAR = str(Path(sysconfig.get_path("scripts"), "sharevar"))
REQUESTS = 160

# A download is in the first of them.
pytestmark = [pytest.mark.long, pytest.mark.one_version, pytest.mark.timeout(400)]

# By module, so that the runner can start them; PORT is filled in.
BY_MODULE = {
    "gunicorn": ["gunicorn", "-w", "2", "-b", "127.0.0.1:PORT", "counting_app:wsgi"],
    "gunicorn --preload": [
        "gunicorn", "--preload", "-w", "2", "-b", "127.0.0.1:PORT", "counting_app:wsgi",
    ],
    "Django": [
        "gunicorn", "--preload", "-w", "2", "-b", "127.0.0.1:PORT", "django_site:application",
    ],
    "uvicorn": ["uvicorn", "--workers", "2", "--port", "PORT", "counting_app:asgi"],
    "granian": [
        "granian", "--workers", "2", "--port", "PORT", "--interface", "asgi",
        "counting_app:asgi",
    ],
    "hypercorn": ["hypercorn", "-w", "2", "-b", "127.0.0.1:PORT", "counting_app:asgi"],
}  # fmt: skip
UWSGI = [
    "uwsgi", "--master", "--lazy-apps", "--die-on-term", "--processes", "2",
    "--http-socket", "127.0.0.1:PORT", "--module", "counting_app:wsgi",
]  # fmt: skip


@pytest.fixture(scope="module")
def python() -> Path:
    """An interpreter that finds the servers, and sharevar."""
    return python_with("servers")


@pytest.fixture
def app() -> Iterator[str]:
    """The name of an application that no other test has; it is gone afterwards."""
    name = f"test-{secrets.token_hex(6)}"
    yield name
    # Killed processes take a moment to end.
    eventually(lambda: name not in sharevar.manager_names())


def command_of(server: str, python: Path, *, runner: bool = False) -> list[str]:
    if server == "uWSGI":
        # No module of Python, so that the command is its runner.
        before = [SHAREVAR, "run", "--"] if runner else []
        return [*before, str(python.parent / UWSGI[0]), *UWSGI[1:]]
    before = ["-m", "sharevar"] if runner else []
    return [str(python), *before, "-m", *BY_MODULE[server]]


def load_all(running: WebServer, counted: int = 0) -> int:
    """Asks until two workers have answered. The number of requests, each counted once.

    Then the server may be ended: Granian waits for ever for a worker that had not yet started
    when it was to stop.
    """
    counts: list[int] = []
    processes: set[int] = set()
    while len(processes) < 2:
        answers = running.load(REQUESTS)
        assert answers.lost == 0
        counts += answers.counts
        processes |= set(answers.processes)
    assert sorted(counts) == list(range(counted + 1, counted + len(counts) + 1))
    return len(counts)


@pytest.mark.parametrize("server", [*BY_MODULE, "uWSGI"])
@pytest.mark.parametrize("variable", ["TEST_APP", "SHAREVAR_APP"])
def test_by_name(
    python: Path, tmp_path: Path, app: str, server: str, variable: str
) -> None:
    environment = {variable: app, "PYTHONPATH": str(PROGRAMS)}
    command = command_of(server, python)
    with serving(command, environment, PROGRAMS, tmp_path / "log") as running:
        count = load_all(running)
        assert "SeparateFamilyWarning" not in running.log.read_text()
        # Another program looks into it, and counts on.
        with sharevar.attach(app) as shop:
            assert len(shop["workers"]) == 2
            assert shop["hits"].incr() == count + 1


@pytest.mark.parametrize("server", [*BY_MODULE, "uWSGI"])
def test_under_the_runner(python: Path, tmp_path: Path, server: str) -> None:
    environment = {"PYTHONPATH": str(PROGRAMS)}
    command = command_of(server, python, runner=True)
    with serving(command, environment, PROGRAMS, tmp_path / "log") as running:
        load_all(running)
        assert "SeparateFamilyWarning" not in running.log.read_text()


class Counted:
    """The answers that clients have got while workers come and go."""

    def __init__(self, running: WebServer) -> None:
        self.running = running
        self.answered, self.lost = 0, 0

    def load(self, meanwhile: Callable[[], object]) -> None:
        """A load, during which something else is done, and one more answer after it."""
        self.add(self.running.load_while(REQUESTS, meanwhile))
        eventually(self.is_answered)

    def add(self, answers: Answers) -> None:
        self.answered, self.lost = self.answered + len(answers.counts), self.lost + answers.lost

    def is_answered(self) -> bool:
        answer = self.running.ask()
        self.answered, self.lost = self.answered + bool(answer), self.lost + (not answer)
        return bool(answer)

    def check(self, hits: int) -> None:
        """A request whose worker was killed is counted or not, and every other one is."""
        assert self.answered <= hits <= self.answered + self.lost


# Granian replaces workers only if it is told to. A second death of one within 5 s ends it.
RESPAWN = ["--respawn-failed-workers", "--respawn-interval", "0.1"]


@pytest.mark.parametrize(
    "server",
    ["gunicorn", "gunicorn --preload", "Django", "uvicorn", "granian", "uWSGI"],
)
def test_killed_workers_are_replaced_and_lose_nothing(
    python: Path, tmp_path: Path, app: str, server: str
) -> None:
    environment = {"TEST_APP": app, "PYTHONPATH": str(PROGRAMS)}
    command = command_of(server, python) + (RESPAWN if server == "granian" else [])
    with (
        sharevar.Manager(name=app) as shop,
        serving(command, environment, PROGRAMS, tmp_path / "log") as running,
    ):
        counted = Counted(running)
        counted.answered = load_all(running)
        hits, workers = shop.shared("hits", int), shop.shared("workers", set)
        first = sorted(workers)
        for worker in first:
            counted.load(partial(os.kill, worker, signal.SIGKILL))
        while len(set(workers) - set(first)) < 2:
            counted.load(lambda: None)
        counted.check(hits.get())


# The wheel of uWSGI starts itself again without its environment, and ends.
@pytest.mark.parametrize("server", ["gunicorn", "uvicorn", "granian", "hypercorn"])
def test_reloaded_workers_lose_nothing(
    python: Path, tmp_path: Path, app: str, server: str
) -> None:
    environment = {"SHAREVAR_APP": app, "PYTHONPATH": str(PROGRAMS)}
    command = command_of(server, python) + (RESPAWN if server == "granian" else [])
    with serving(command, environment, PROGRAMS, tmp_path / "log") as running:
        counted = Counted(running)
        counted.answered = load_all(running)
        with sharevar.attach(app) as shop:
            hits, workers = shop.shared("hits", int), shop.shared("workers", set)
            first = set(workers)
            counted.load(partial(os.kill, running.leader.pid, signal.SIGHUP))
            while len(set(workers) - first) < 2:
                counted.load(lambda: None)
            counted.check(hits.get())


@pytest.mark.parametrize("server", ["granian", "hypercorn"])
def test_a_server_that_ends_with_its_worker_counts_on_when_it_is_started_again(
    python: Path, tmp_path: Path, app: str, server: str
) -> None:
    environment = {"TEST_APP": app, "PYTHONPATH": str(PROGRAMS)}
    command = command_of(server, python)
    with sharevar.Manager(name=app) as shop:
        hits, workers = shop.shared("hits", int), shop.shared("workers", set)
        with serving(command, environment, PROGRAMS, tmp_path / "log") as running:
            counted = Counted(running)
            counted.answered = load_all(running)
            before = set(workers)

            def kill() -> None:
                os.kill(min(before), signal.SIGKILL)
                running.leader.wait(timeout=50)

            counted.add(running.load_while(REQUESTS, kill))
            counted.check(hits.get())
        counts = hits.get()
        with serving(command, environment, PROGRAMS, tmp_path / "log") as running:
            assert load_all(running, counts) == hits.get() - counts
        assert len(set(workers) - before) >= 2


def run(command: list[str], folder: Path, **environment: str) -> str:
    """The output of a program that is to end well."""
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(PROGRAMS), **environment},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "SeparateFamilyWarning" not in done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("program", "count"),
    [
        ("count_by_loky", "40\n"),
        ("count_by_subprocess", "4\n"),
        ("count_by_xdist", "20\n"),
        ("count_by_celery", "40\n"),
    ],
)
@pytest.mark.parametrize("way", ["TEST_APP", "SHAREVAR_APP", "runner"])
def test_programs_that_a_program_starts(
    python: Path, tmp_path: Path, app: str, program: str, count: str, way: str
) -> None:
    path = str(PROGRAMS / f"{program}.py")
    environment = {"TEST_BROKER": str(tmp_path)}
    if way == "runner":
        assert run([str(python), "-m", "sharevar", path], tmp_path, **environment) == count
    else:
        assert run([str(python), path], tmp_path, **environment, **{way: app}) == count


def test_celery_whose_worker_is_killed_and_a_producer_that_is_no_relative(
    python: Path, tmp_path: Path, app: str
) -> None:
    environment = {
        "PYTHONPATH": str(PROGRAMS),
        "SHAREVAR_APP": app,
        "TEST_BROKER": str(tmp_path),
    }
    command = [str(python), "-m", "celery", "-A", "tasks:celery", "worker", "-c", "2"]
    produce = """
import tasks
for task in [tasks.count] * 20 + [tasks.count_and_die] + [tasks.count] * 20:
    tasks.sent.incr()
    task.delay()
"""
    log = tmp_path / "log"
    with sharevar.Manager(name=app) as shop, log.open("w") as output:
        sent, done = shop.shared("sent", int), shop.shared("done", int)
        workers, killed = shop.shared("workers", set), shop.shared("killed", set)
        worker = subprocess.Popen(
            [*command, "--without-gossip", "--without-mingle", "--without-heartbeat"],
            cwd=tmp_path,
            env={**os.environ, **environment},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            # The second time the pool has replaced a process, or does so meanwhile.
            for count in (41, 82):
                run([str(python), "-c", produce], tmp_path, **environment)
                eventually(lambda count=count: done.get() >= count)
                assert (sent.get(), done.get()) == (count, count), log.read_text()
            assert len(killed) == 2
            assert set(workers) - set(killed)
        finally:
            os.killpg(worker.pid, signal.SIGKILL)
            worker.wait()


def test_the_hit_counter_of_the_examples_counts_and_limits_in_all_workers(
    python: Path, app: str, tmp_path: Path
) -> None:
    command = [str(python), "-m", "gunicorn", "-w", "2", "-b", "127.0.0.1:PORT"]
    with serving(
        [*command, "hit_counter:application"], {"SHAREVAR_APP": app}, EXAMPLES, tmp_path / "log"
    ) as server:
        begin = time.time()
        with ThreadPoolExecutor(8) as clients:
            bodies = list(clients.map(lambda _: server.ask(), range(150)))
        end = time.time()
        counts = sorted(int(body.split()[1]) for body in bodies if body is not None)
        assert counts == list(range(1, len(counts) + 1))
        # The limit is 100 a minute.
        if begin // 60 == end // 60:
            assert len(counts) == 100
        else:
            assert 100 <= len(counts) <= 150
