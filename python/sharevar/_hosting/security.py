"""TLS, or permission to do without it, for connections that leave the machine."""

import os
import socket
import warnings
from os import PathLike
from typing import Any, NamedTuple

from .._family.callers import stacklevel
from .._family.installed import is_installed
from .._public import public_in
from ..errors import PlaintextWarning

# Set by ``python -m sharevar --plaintext``, and inherited by children.
PLAINTEXT = "SHAREVAR_PLAINTEXT"

_Path = str | PathLike[str]


@public_in("sharevar")
class TLS(NamedTuple):
    """The files for TLS on TCP, all PEM.

    A host needs its chain of ``certificates`` and its ``private_key``. A client needs the
    ``authorities`` that it trusts, and the ``name`` in the host's certificate if that is
    not the one in the address. The process that starts a host needs both.
    """

    certificates: _Path | None = None
    private_key: _Path | None = None
    authorities: _Path | None = None
    name: str | None = None


class Security(NamedTuple):
    """How TCP is secured. A Unix socket needs none of it."""

    plaintext: bool = False
    tls: TLS | None = None

    def of_host(self, address: Any) -> dict[str, Any]:
        """As a `HostServer` at an address takes it."""
        tls = self.tls
        if tls is None:
            return {"plaintext": self._allows_plaintext(address), "tls": None}
        if tls.certificates is None or tls.private_key is None:
            raise ValueError("a host needs TLS(certificates=..., private_key=...)")
        return {"plaintext": False, "tls": (tls.certificates, tls.private_key)}

    def of_client(self, address: Any) -> dict[str, Any]:
        """As a `HostClient` of the host at an address takes it."""
        tls = self.tls
        if tls is None:
            return {"plaintext": self._allows_plaintext(address), "tls": None}
        if tls.authorities is None:
            raise ValueError("a client of a host with TLS needs TLS(authorities=...)")
        return {"plaintext": False, "tls": (tls.authorities, tls.name)}

    def warn(self, address: Any) -> None:
        """Warn the process that starts a host in plain text because `_tolerates` allows it."""
        global _has_warned
        if _has_warned or self.tls is not None or self._is_allowed() or not _tolerates(address):
            return
        _has_warned = True
        warnings.warn(
            f"the manager at {address!r} sends everything in plain text over TCP, where "
            "other machines may read it; give it no address if it is for this machine only, "
            "or sharevar.TLS if not; `python -m sharevar --plaintext` allows it silently",
            PlaintextWarning,
            stacklevel(),
        )

    def _allows_plaintext(self, address: Any) -> bool:
        return self._is_allowed() or _tolerates(address)

    def _is_allowed(self) -> bool:
        return self.plaintext or bool(os.environ.get(PLAINTEXT))


_has_warned = False


def _tolerates(address: Any) -> bool:
    """Whether plain text is allowed to a program that does not know of sharevar.

    It is allowed at this machine's own name, by which such programs reach themselves. At
    all addresses, or at other machines', it is refused to them, too.
    """
    if not isinstance(address, tuple) or not is_installed() or address[0] == "localhost":
        return False
    try:
        found = socket.getaddrinfo(address[0] or None, 0, type=socket.SOCK_STREAM)
    except OSError:
        return False
    own = [_is_own(family, where) for family, *_, where in found]
    return bool(address[0]) and bool(own) and all(own)


def _is_own(family: socket.AddressFamily, where: Any) -> bool:
    """Whether an address is one of this machine's, and not all of them or its inside."""
    import ipaddress

    try:
        found = ipaddress.ip_address(where[0].partition("%")[0])
        if found.is_unspecified:
            return False
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.bind(where)
    except (OSError, ValueError):
        return False
    return True
