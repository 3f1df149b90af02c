"""The standard manager process, for what is not in shared memory yet."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

_announced: set[str] = set()


def announce(name: str) -> None:
    """Say, once for each name, that something runs on a manager process."""
    if name not in _announced:
        _announced.add(name)
        print(
            f"sharevar: {name} is not in shared memory yet; "
            "it runs on multiprocessing's own manager process (said once)",
            file=sys.stderr,
            flush=True,
        )


def make_server(
    registrations: Mapping[str, tuple[Any, ...]],
    address: Any,
    authkey: bytes | None,
    serializer: str,
    context: Any,
    shutdown_timeout: float,
) -> Any:
    """A standard manager, not started, that knows what was registered with ours."""
    # Here, because programs that need no server need not load it.
    from . import standard

    standard_class: Any = standard.SyncManager
    server_class: Any = type(
        "SyncManager",
        (standard_class,),
        # A child under spawn unpickles this by name, and a class made here has none.
        {"_run_server": staticmethod(standard_class._run_server)},
    )
    for typeid, registration in registrations.items():
        server_class.register(typeid, *registration)
    options: dict[str, Any] = {}
    if sys.version_info >= (3, 11):
        options["shutdown_timeout"] = shutdown_timeout
    return server_class(address, authkey, serializer, context, **options)


def served_method(typeid: str) -> Callable[..., Any]:
    """A manager's method that makes its object in the manager process."""

    def create(self: Any, /, *arguments: Any, **named: Any) -> Any:
        return self._serve(typeid, arguments, named)

    create.__name__ = typeid
    create.__doc__ = f"A {typeid} on the standard manager process."
    return create
