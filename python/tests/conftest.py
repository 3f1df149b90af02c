"""Fixtures that many tests need."""

from __future__ import annotations

import multiprocessing
import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import hypothesis
import pytest
from standard_library import report

# Before the settings are deleted that say where the servers are.
from support import engine_servers

import sharevar
from sharevar._edition import IS_NATIVE

pytest_plugins = ["support.time_limit"]
if not IS_NATIVE:
    # It leaves out all that the pure edition does not claim.
    pytest_plugins.append("support.pure_edition")

START_METHODS = ("fork", "spawn", "forkserver")
ENGINES = ("shm", "memory", *engine_servers.PROGRAMS) if IS_NATIVE else ("server",)

# Only a forked child has the functions that a test defines inside of itself. Up to Python 3.13
# forking was the default; a test of every method takes one of the fixtures below.
multiprocessing.set_start_method("fork")

# Other work on the machine is no fault of what is tested.
hypothesis.settings.register_profile(
    "busy", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("busy")

# Settings of the user for other programs are not for those that tests start.
for _name in list(os.environ):
    if _name.startswith("SHAREVAR_PURE"):
        continue
    if _name.startswith("SHAREVAR_") or _name in (
        "PYTHONASYNCIODEBUG", "PYTHONDEVMODE", "PYTHONINSPECT", "PYTHONOPTIMIZE",
        "PYTHONSAFEPATH", "PYTHONSTARTUP", "PYTHONVERBOSE", "PYTHONWARNINGS",
    ):  # fmt: skip
        del os.environ[_name]

# The path of a socket has no more than 107 bytes, of which pytest's folders take most.
if len(tempfile.gettempdir()) > 20:
    os.environ["TMPDIR"], tempfile.tempdir = "/tmp", None

# A shell ignores interrupts for what it runs in the background, and so would all that is
# started here. Tests send signals to themselves and to their children.
signal.pthread_sigmask(signal.SIG_SETMASK, [])
for _signal in (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGCHLD):
    if signal.getsignal(_signal) is signal.SIG_IGN:
        signal.signal(_signal, signal.SIG_DFL)
if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(params=START_METHODS)
def context(request: pytest.FixtureRequest) -> multiprocessing.context.BaseContext:
    """The three ways in which a child may be started, one after the other."""
    return multiprocessing.get_context(request.param)


@pytest.fixture(params=START_METHODS)
def start_method(request: pytest.FixtureRequest) -> str:
    """The name of each start method."""
    return request.param


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> str:
    """The engine that keeps the variables of `manager`."""
    return getattr(request, "param", ENGINES[0])


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tests marked ``every_engine`` run on each; those that need what only shared memory has,
    as the mark ``needs`` says, on it alone."""
    find = metafunc.definition.get_closest_marker
    if "engine" in metafunc.fixturenames and find("every_engine"):
        engines = ENGINES[:1] if find("needs") else ENGINES
        if find("many_operations") and not engine_servers.ARE_ALL_TESTED:
            engines = engines[:2]
        metafunc.parametrize("engine", engines, indirect=True)


@pytest.fixture(params=["sharevar", *(ENGINES[1:] if IS_NATIVE else [])])
def maker(request: pytest.FixtureRequest) -> Iterator[Any]:
    """An object that makes locks, queues and the like in this process: the package, whose
    variables are in shared memory, or a manager of another engine."""
    if request.param == "sharevar":
        yield sharevar
        return
    with _manager_of(request.param) as manager:
        yield manager


@contextmanager
def _manager_of(engine: str) -> Iterator[Any]:
    """A manager of another engine than shared memory."""
    if engine in ("memory", "server"):
        # A manager of the pure edition takes this address, too.
        with sharevar.Manager("memory:") as manager:
            yield manager
        return
    with engine_servers.server(engine).manager() as manager:
        yield manager


@pytest.fixture
def manager(engine: str) -> Iterator[Any]:
    """A manager whose arena has no contradiction in it when the test is over."""
    if engine != "shm":
        with _manager_of(engine) as manager:
            yield manager
        return
    with sharevar.Manager() as manager:
        yield manager
        # The remains of killed processes are no contradiction, but still to be swept.
        manager.arena.sweep()
        assert manager.arena.check() == []


@pytest.fixture(autouse=True)
def no_children_left() -> Iterator[None]:
    """No test leaves a process or zombie of its own behind."""
    yield
    for child in multiprocessing.active_children():
        child.kill()
        child.join()
        pytest.fail(f"{child} was left running in {os.getpid()}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Hundreds of examples may take longer than one test, and none of them waits."""
    for item in items:
        if hasattr(getattr(item, "obj", None), "hypothesis"):
            item.add_marker(pytest.mark.timeout(300))


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """How many of the interpreter's own tests ran on sharevar."""
    lines = config.stash.get(report.LINES, [])
    if lines:
        terminalreporter.section(report.title())
        report.write(lines, terminalreporter.write_line)
