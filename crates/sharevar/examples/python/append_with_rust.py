"""The Python half of ``append_with_python.rs``, which starts it."""

import os
import resource
import signal
import sys

import sharevar
from sharevar import ValueProxy
from sharevar._family import arenas, family
from sharevar._native import Arena
from sharevar._variables.append_file import AppendFile

LONG = 200_000
RECORDS = 20
HALF = 4


def inherited() -> Arena:
    """The arena that the Rust parent shared with ``Command::share``."""
    _name, _, entry = os.environ["SHAREVAR_INHERITED"].partition("=")
    number, _, identity = entry.partition(":")
    arena = Arena.attach(int(number))
    if arena.id.hex() != identity:
        raise RuntimeError(f"descriptor {number} leads to another arena")
    return arena


def main(part: str, path: str) -> None:
    arena = inherited()
    family.adopt(arenas.refer_to_arena(arena))
    if part == "fill":
        with AppendFile(path, os.open(path, os.O_WRONLY)) as pipe:
            arena.named("ready", ValueProxy).set(True)
            for _ in range(RECORDS):
                pipe.write(b"p" * LONG)
        return
    with sharevar.open(path, "ab") as file:
        if part == "die":
            # The kernel kills this process in the middle of its record.
            most = os.path.getsize(path) + HALF
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
            signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
            file.write(b"python is killed")
        file.write(b"python\n")


main(*sys.argv[1:])
