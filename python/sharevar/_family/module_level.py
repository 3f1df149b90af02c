"""Objects that a module makes when it is imported, in a child that imports it again.

Under spawn and forkserver a child imports the main program, and the modules that it
imports. A `Manager()` or a `sharevar.Lock()` at the top level of one of them would be
another one in each child: a silent wrong answer. So a child that is still importing gets
the object of the process that has started it. The object is found by its call site: the
lines that lead to it, the function that makes it, and the number of calls before.
"""

import contextlib
import functools
import io
import linecache
import os
import pickle
import sys
import weakref
from collections import Counter
from collections.abc import Callable, Iterator
from multiprocessing import process, spawn
from multiprocessing.reduction import ForkingPickler
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from .._native import Arena, Store
from ..errors import SharevarError
from .arenas import attach, refer_to_arena
from .callers import is_inside

if TYPE_CHECKING:
    import ast

_Function = TypeVar("_Function", bound=Callable[..., Any])

# Each a module, a function in it, and a line.
_Lines = tuple[tuple[str, str, int], ...]


class CallSite(NamedTuple):
    """A call in a program that makes an object while modules are imported."""

    lines: _Lines
    kind: str
    time: int


# The objects that this process has made or received, by call site.
_made: dict[CallSite, weakref.ref[Any]] = {}
# Those which the standard library makes for each child anew. They are passed to a child that
# makes a manager, too: with the standard library it raises, so that no program expects objects
# of its own there.
_beside_managers: set[CallSite] = set()
# The objects of the process that has started this one, as pickles.
_given: dict[CallSite, bytes] = {}
_passed: Counter[tuple[_Lines, str]] = Counter()
# A fork server itself only imports the modules given to `set_forkserver_preload`.
_is_fork_server = False
_MAIN = ("__main__", "__mp_main__")
_DEEPEST = 16


def call_site(make: Any) -> CallSite | None:
    """The site of a call of ``make``; None if no module is being imported in this thread.

    It counts the calls, so it is called once for each object, before another is made.
    """
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and is_inside(frame.f_globals):
        frame = frame.f_back
    lines: list[tuple[str, str, int]] = []
    while frame is not None and len(lines) < _DEEPEST:
        code, name = frame.f_code, str(frame.f_globals.get("__name__"))
        line = frame.f_lineno
        lines.append((_MAIN[0] if name in _MAIN else name, code.co_name, line))
        if code.co_name == "<module>":
            if name == _MAIN[0] and _is_of_program_only(code, line):
                return None
            # A class's `__call__`, or a function.
            kind = str(getattr(getattr(make, "__self__", make), "__qualname__", ""))
            passed = tuple(lines), kind
            _passed[passed] += 1
            return CallSite(*passed, _passed[passed])
        frame = frame.f_back
    return None


def is_importing() -> bool:
    """Whether this is a child that still imports the modules of its parent's program."""
    return _is_fork_server or getattr(process.current_process(), "_inheriting", False)


def found(site: CallSite | None) -> Any:
    """The object that the process which started this one made at a call site, or None."""
    if site is None or not _given or not is_importing():
        return None
    pickled = _given.get(site)
    if pickled is None:
        return None
    try:
        return note(site, _Unpickler(io.BytesIO(pickled)).load())
    except (SharevarError, AttributeError, ImportError):
        # The other process has dropped it or shut it down, or its class is not defined yet.
        return None


class _Unpickler(pickle.Unpickler):
    def find_class(self, module_name: str, global_name: str, /) -> Any:
        # The main program, as long as it is imported.
        if module_name == _MAIN[0] and _MAIN[1] in sys.modules:
            module_name = _MAIN[1]
        return super().find_class(module_name, global_name)


def note(site: CallSite | None, made: Any) -> Any:
    """Note an object that was made at a call site, for children to find it."""
    if site is not None:
        try:
            _made[site] = weakref.ref(made, lambda gone: _forget(site, gone))
        except TypeError:
            # It takes no weak references, so its end would not be noticed.
            pass
    return made


def _forget(site: CallSite, gone: weakref.ref[Any]) -> None:
    if _made.get(site) is gone:
        del _made[site]
        _beside_managers.discard(site)


def found_or_made(make: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """The object that is found for the site of this call, or made there now."""
    return _found_or_made(call_site(make), make, *arguments, **named)


def found_beside_manager_or_made(
    make: Callable[..., Any], *arguments: Any, **named: Any
) -> Any:
    """The same, but only where the process that has started this one has a manager that a
    module has made."""
    site = call_site(make)
    made = _found_or_made(site, make, *arguments, **named)
    if site is not None:
        _beside_managers.add(site)
    return made


def _found_or_made(
    site: CallSite | None, make: Callable[..., Any], *arguments: Any, **named: Any
) -> Any:
    if site is None:
        return make(*arguments, **named)
    known = found(site)
    return note(site, make(*arguments, **named)) if known is None else known


def founding(make: _Function) -> _Function:
    """Decorates a maker of objects: it returns the one that is found for its call site."""

    @functools.wraps(make)
    def make_or_find(*arguments: Any, **named: Any) -> Any:
        if is_inside(sys._getframe(1).f_globals):
            return make(*arguments, **named)
        return found_or_made(make, *arguments, **named)

    return make_or_find  # type: ignore[return-value]


def refuse(context: Any) -> None:
    """Raise as the standard library does where a process would be started by a child
    that still imports the main program."""
    if context is not None and context.get_start_method() == "fork":
        return
    try:
        spawn._check_not_importing_main()  # type: ignore[attr-defined]
    except RuntimeError as error:
        raise RuntimeError(f"{error}{_HINT}") from None


_HINT = """
        A variable that a module makes at its top level for all processes is made by
        sharevar.shared, as in
            names = sharevar.shared("names", list)
        """


# Passing them to children


def to_children() -> dict[CallSite, bytes]:
    """The objects that this process has made, as pickles for a child."""
    pickles = {}
    living = {site: reference() for site, reference in list(_made.items())}
    makes_manager = any(
        isinstance(made, Arena) and not made.closed and not _is_conditional(site)
        for site, made in living.items()
    )
    for site, made in living.items():
        if made is not None and (makes_manager or site not in _beside_managers):
            try:
                pickles[site] = bytes(ForkingPickler.dumps(_Sent(made)))
            except Exception:
                # It cannot be pickled; the child makes its own, as without sharevar.
                continue
    return pickles


def arenas() -> list[Arena]:
    """The arenas of the managers among these objects."""
    made = (reference() for reference in list(_made.values()))
    return [arena for arena in made if isinstance(arena, Arena) and not arena.closed]


@contextlib.contextmanager
def in_file() -> Iterator[int | None]:
    """The descriptor of a file with the same, for a process that inherits it; None if
    there is nothing to tell. A command line would be too short."""
    given = {tuple(site): pickled for site, pickled in to_children().items()}
    if not given:
        yield None
        return
    descriptor = os.memfd_create("sharevar-module-level")
    with os.fdopen(descriptor, "wb") as file:
        pickle.dump(given, file)
        file.flush()
        yield descriptor


def from_file(descriptor: int | None) -> dict[Any, bytes]:
    """The pickles that `in_file` has put there."""
    if descriptor is None:
        return {}
    with os.fdopen(descriptor, "rb") as file:
        file.seek(0)
        given: dict[Any, bytes] = pickle.load(file)
        return given


def receive(given: dict[Any, bytes]) -> None:
    """Take the pickles from the process that has started this one."""
    _given.update({CallSite(*site): pickled for site, pickled in given.items()})


def begin_fork_server() -> None:
    """Note that this process is one."""
    global _is_fork_server
    _is_fork_server = True
    os.register_at_fork(after_in_child=_end_fork_server)


def _end_fork_server() -> None:
    global _is_fork_server
    _is_fork_server = False


class _Sent:
    """Arenas and other stores are pickled only in here."""

    def __init__(self, made: Any) -> None:
        self._made = made

    def __reduce__(self) -> Any:
        if isinstance(self._made, Store):
            return attach, (refer_to_arena(self._made),)
        return _itself, (self._made,)


def _itself(made: Any) -> Any:
    return made


# Lines of a program that no child ever passes


def _is_of_program_only(code: CodeType, line: int) -> bool:
    """Whether a line of the main program is below ``if __name__ == "__main__":``."""
    main = sys.modules.get("__main__")
    spec = getattr(main, "__spec__", None)
    if getattr(main, "__file__", None) is None and spec is None:
        # No child can import it.
        return True
    if spec is not None and spec.name.endswith(f".{_MAIN[0]}"):
        # A package's main module, which no child imports.
        return True
    file = code.co_filename
    if file not in _guarded:
        _guarded[file] = _guards(file)
    return any(line in lines for lines in _guarded[file])


_guarded: dict[str, list[range]] = {}


def _guards(file: str) -> list[range]:
    if not any(_MAIN[0] in line for line in linecache.getlines(file)):
        return []
    return [
        _lines_of(statement.body)
        for statement in _conditions(file)
        if _asks_for_main(statement.test)
    ]


def _is_conditional(site: CallSite) -> bool:
    """Whether a child that imports the module may pass the line by: it is below an ``if``."""
    name, _, line = site.lines[-1]
    file = getattr(sys.modules.get(name), "__file__", None)
    if file is None:
        return True
    parts = (part for each in _conditions(file) for part in (each.body, each.orelse) if part)
    return any(line in _lines_of(part) for part in parts)


def _lines_of(statements: "list[ast.stmt]") -> range:
    return range(statements[0].lineno, (statements[-1].end_lineno or sys.maxsize) + 1)


def _conditions(file: str) -> "list[ast.If]":
    """The conditional statements at the top level of a module."""
    import ast

    try:
        tree = ast.parse("".join(linecache.getlines(file)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    return [statement for statement in tree.body if isinstance(statement, ast.If)]


def _asks_for_main(test: "ast.expr") -> bool:
    import ast

    return (
        isinstance(test, ast.Compare)
        and len(test.ops) == 1
        and isinstance(test.ops[0], ast.Eq)
        and {ast.unparse(side) for side in (test.left, test.comparators[0])}
        == {"__name__", repr("__main__")}
    )
