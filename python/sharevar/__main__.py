"""``python -m sharevar [options] [-m module | -c command | script] [arguments]``.

``python -m sharevar --version`` says which version it is.

Runs an unmodified multiprocessing program on sharevar. The program finds everything
as if Python itself had started it: a fresh ``__main__``, ``sys.argv``, ``sys.path``.
"""

from __future__ import annotations

import builtins
import io
import linecache
import os
import pkgutil
import runpy
import sys
import types
import warnings
from importlib.machinery import SourceFileLoader, SourcelessFileLoader
from typing import Any

from sharevar import SeparateFamilyWarning, SharevarError, __version__, install
from sharevar._edition import IS_NATIVE

_USAGE = (
    "usage: python -m sharevar [--plaintext] [--engine address]"
    " [-m module | -c command | script.py | -] [arguments]"
)


def main(arguments: list[str]) -> None:
    """Run the program that the arguments name."""
    if not arguments:
        print(_USAGE, file=sys.stderr)
        sys.exit(2)
    first, *rest = arguments
    if first == "--plaintext":
        from sharevar._hosting.security import PLAINTEXT

        # Hosts of the program, and its children's, may be at addresses off this machine.
        os.environ[PLAINTEXT] = "1"
        main(rest)
        return
    if first == "--engine" and rest and IS_NATIVE:
        from sharevar._family.engines import ENGINE

        # The variables of the program's managers are there, and its children's.
        os.environ[ENGINE] = rest[0]
        _connect()
        main(rest[1:])
        return
    if first in ("-V", "--version"):
        print(f"sharevar {__version__}")
        sys.exit()
    if first in ("-h", "--help"):
        print(_USAGE)
        sys.exit()
    option, argument = first[:2], first[2:]
    if option in ("-m", "-c"):
        if not argument:
            if not rest:
                print(f"Argument expected for the {option} option", file=sys.stderr)
                print(_USAGE, file=sys.stderr)
                sys.exit(2)
            argument, *rest = rest
        run_module(argument, rest) if option == "-m" else run_command(argument, rest)
    elif first != "-" and first.startswith("-"):
        print(f"Unknown option: {first}", file=sys.stderr)
        print(_USAGE, file=sys.stderr)
        sys.exit(2)
    elif first == "-":
        run_code(sys.stdin.read(), "<stdin>", first, rest)
    elif os.path.isdir(first) or _is_archive(first):
        run_directory(first, rest)
    else:
        run_script(first, rest)


def _connect() -> None:
    """Have the engine that the environment names at hand, or end and say why it is not."""
    from sharevar._family.engines import store_of_environment

    try:
        store_of_environment()
    except SharevarError as error:
        print(f"sharevar: {error}", file=sys.stderr)
        sys.exit(2)


def lead_family() -> None:
    """Give the program's family a name, so that all that it starts belongs to it."""
    if not IS_NATIVE:
        # It has one from the import of the package on.
        return
    from sharevar._family import family

    try:
        family.lead()
    except (SharevarError, OSError) as error:
        # Its children do all the same, as far as they are forked or multiprocessing's.
        warnings.warn(
            f"programs that this one starts in other ways than by multiprocessing will not "
            f"share variables with it: {error}",
            SeparateFamilyWarning,
            stacklevel=1,
        )


def run_module(name: str, arguments: list[str]) -> None:
    """As ``python -m name``: the current directory stays first on the path."""
    sys.argv[:] = ["-m", *arguments]
    _fresh_main()
    runpy._run_module_as_main(name)  # type: ignore[attr-defined]


def run_command(command: str, arguments: list[str]) -> None:
    """As ``python -c command``."""
    run_code(command + "\n", "<string>", "-c", arguments)


def run_code(source: str, file_name: str, name: str, arguments: list[str]) -> None:
    """Run source text that no file holds."""
    sys.argv[:] = [name, *arguments]
    _set_first_path("")
    if sys.version_info >= (3, 13):
        # Since then Python shows these lines in tracebacks, too.
        lines = source.splitlines(keepends=True)
        linecache.cache[file_name] = (len(source), None, lines, file_name)
    namespace = _fresh_main()
    exec(compile(source, file_name, "exec", dont_inherit=True), namespace)


def run_directory(path: str, arguments: list[str]) -> None:
    """Run the ``__main__`` of a directory or zip archive."""
    sys.argv[:] = [path, *arguments]
    _set_first_path(os.path.join(os.getcwd(), path), even_if_safe=True)
    _fresh_main()
    runpy._run_module_as_main("__main__", alter_argv=False)  # type: ignore[attr-defined]


def run_script(path: str, arguments: list[str]) -> None:
    """As ``python path``."""
    # Not normalised: this is what Python shows in tracebacks and in __file__.
    full_path = os.path.join(os.getcwd(), path)
    try:
        with io.open_code(full_path) as stream:
            code: Any = pkgutil.read_code(stream) if path.endswith(".pyc") else None
            source = None if code is not None else stream.read()
    except OSError as error:
        program = sys.orig_argv[0]
        print(
            f"{program}: can't open file {full_path!r}: "
            f"[Errno {error.errno}] {error.strerror}",
            file=sys.stderr,
        )
        sys.exit(2)
    sys.argv[:] = [path, *arguments]
    _set_first_path(os.path.dirname(os.path.realpath(path)))
    loader = SourceFileLoader if code is None else SourcelessFileLoader
    namespace = _fresh_main()
    namespace.update(
        __file__=full_path, __cached__=None, __loader__=loader("__main__", full_path)
    )
    if source is not None:
        code = compile(source, full_path, "exec", dont_inherit=True)
    exec(code, namespace)


def _is_archive(path: str) -> bool:
    return os.path.isfile(path) and pkgutil.get_importer(path) is not None


def _set_first_path(entry: str, even_if_safe: bool = False) -> None:
    safe = getattr(sys.flags, "safe_path", False)
    if not safe:
        sys.path[0] = entry
    elif even_if_safe:
        sys.path.insert(0, entry)


def _fresh_main() -> dict[str, Any]:
    """A new ``__main__``, which children under spawn will find described in there."""
    module = types.ModuleType("__main__")
    module.__dict__.update(__builtins__=builtins)
    if sys.version_info < (3, 14):
        # Since then Python makes it only when it is asked for.
        module.__dict__.update(__annotations__={})
    # Ours stays alive; its functions are still running.
    sys.modules["sharevar.__main__"] = sys.modules["__main__"]
    # By the second name children under spawn pickle what the program defines.
    sys.modules["__main__"] = sys.modules["__mp_main__"] = module
    return module.__dict__


def _hide_own_frames() -> None:
    """Have the traceback begin where it begins under plain Python."""
    standard = sys.excepthook

    def excepthook(
        kind: type[BaseException],
        exception: BaseException,
        traceback: types.TracebackType | None,
    ) -> None:
        entry, own = traceback, None
        while entry is not None:
            if entry.tb_frame.f_globals.get("__spec__") is __spec__:
                own = entry
            entry = entry.tb_next
        shown = traceback if own is None else own.tb_next
        standard(kind, exception.with_traceback(shown), shown)

    sys.excepthook = excepthook


if __name__ == "__main__":
    install()
    lead_family()
    try:
        main(sys.argv[1:])
    except SystemExit:
        raise
    except BaseException:
        # Not before: until here the program sees the hook that Python set.
        _hide_own_frames()
        raise
