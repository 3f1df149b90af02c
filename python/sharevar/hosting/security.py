"""What keeps others from reading or taking part where a connection leaves the machine."""

from __future__ import annotations

import os
from os import PathLike
from typing import Any, NamedTuple

# Set by ``python -m sharevar --plaintext``, and inherited by children.
PLAINTEXT = "SHAREVAR_PLAINTEXT"

_Path = str | PathLike[str]


class TLS(NamedTuple):
    """The files for TLS on TCP, all PEM.

    A host needs its chain of ``certificates`` and its ``private_key``; who connects to it,
    the ``authorities`` that he believes, and the ``name`` in the host's certificate if it
    is not the one in the address. The process that starts a host needs both.
    """

    certificates: _Path | None = None
    private_key: _Path | None = None
    authorities: _Path | None = None
    name: str | None = None


class Security(NamedTuple):
    """How TCP is secured. A Unix socket needs none of it."""

    plaintext: bool = False
    tls: TLS | None = None

    def of_host(self) -> dict[str, Any]:
        """As a `HostServer` takes it."""
        tls = self.tls
        if tls is None:
            return self._options(None)
        if tls.certificates is None or tls.private_key is None:
            raise ValueError("a host needs TLS(certificates=..., private_key=...)")
        return self._options((tls.certificates, tls.private_key))

    def of_client(self) -> dict[str, Any]:
        """As a `HostClient` takes it."""
        tls = self.tls
        if tls is None:
            return self._options(None)
        if tls.authorities is None:
            raise ValueError("whoever connects to a host with TLS needs TLS(authorities=...)")
        return self._options((tls.authorities, tls.name))

    def _options(self, tls: Any) -> dict[str, Any]:
        return {"plaintext": self.plaintext or bool(os.environ.get(PLAINTEXT)), "tls": tls}
