"""Which of the interpreter's tests run, in which group, and which do not and why."""

from __future__ import annotations

import re

# By the name of the class; the first that matches. Those that none matches are in the last.
GROUPS = {
    "managers": r"WithManager|TestSyncManagerTypes|TestManagerExceptions"
    r"|WithProcessesTestManagerRestart",
    "synchronisation": r"WithProcessesTest(Lock|Semaphore|Condition|Event|Barrier)$"
    r"|SemLockTests",
    "queues": r"WithProcessesTestQueue|TestSimpleQueue|TestTimeouts",
    "shared memory": r"WithProcessesTest(Value|Array|SharedCTypes|SharedMemory|Heap)$",
    "pools": r"WithProcessesTestPool(?!l)|TestPool",
    "processes": r"",
}

# Tests that pass on the standard library and cannot on anything else, because they
# feed or look at private parts of it.
EXCLUDED = {
    "TestResourceTracker.test_resource_tracker_sigkill": "waits for the warning with which"
    " a new semaphore finds the resource tracker killed; sharevar's have none to register at",
    "TestStartMethod.test_mixed_startmethod": "expects that SemLock, inside a queue of the fork"
    " context, refuses a spawned process; sharevar's queues go to any process of the family",
    "WithProcessesTestLock.test_repr_lock": "expects that a lock shows which thread of its own"
    " process holds it; sharevar's knows processes",
    "WithProcessesTestLock.test_repr_rlock": "expects that a process which has ended holds an"
    " RLock for ever; sharevar's is given to the next one",
    "WithProcessesTestLock.test_rlock_locked_2processes": "looks for an RLock that is held by a"
    " process which may have ended; see above",
}

# Not listed at all.
WITH_THREADS = "they test multiprocessing.dummy, which shares nothing between processes"


def group_of(name: str) -> str:
    """The group that a test, ``Class.test``, belongs to."""
    cls = name.partition(".")[0]
    return next(group for group, pattern in GROUPS.items() if re.match(pattern, cls))
