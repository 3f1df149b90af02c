"""sharevar."""

from __future__ import annotations

from typing import Any

import sharevar
import sharevar.managers

from ..rival import Operation
from .local import Counter
from .managed import Managed


class Hosts(sharevar.managers.BaseManager):
    pass


Hosts.register("Counter", Counter)


class Sharevar(Managed):
    name = "sharevar"
    add = "entries.incr('count')"

    def make_manager(self) -> Any:
        return sharevar.Manager()

    def make_hosts(self) -> Any:
        return Hosts()

    def operations(self) -> dict[str, Operation]:
        view = "with values.view('long') as seen: size = len(seen)"
        return {**super().operations(), "view 1 MiB": Operation(view, self.names, "size")}


RIVALS = (Sharevar,)
