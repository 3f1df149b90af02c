"""Objects that were published, at a host of Python or of Rust."""

from __future__ import annotations

from typing import Any

from .._native import HostClient, HostedReference, address_of_host
from .._public import public_in
from .._variables import standard
from ..errors import NotAHost
from . import addresses, clients, exposed
from .base_proxy import new_token
from .security import TLS, Security


@public_in("sharevar")
def connect(
    place: str | tuple[str, int],
    authkey: bytes = b"",
    *,
    plaintext: bool = False,
    tls: TLS | None = None,
) -> RemoteHost:
    """A host that runs already, in whatever language it is written.

    ``place`` is the name that it was given, its address as text (``unix:/path``,
    ``tcp:host:port``, ``redis://server/0?namespace=shop&host=name``), the path of its socket,
    or (host, port).
    """
    if isinstance(place, str) and place.startswith(("unix:", "tcp:")):
        place = addresses.from_text(place)
    elif addresses.is_relayed(place):
        place = addresses.without_secrets(place)
    elif isinstance(place, str) and "/" not in place:
        place = addresses.from_text(address_of_host(place))
    clients.secure(place, authkey, Security(plaintext, tls))
    client = clients.client(place, authkey)
    if client is None:
        raise NotAHost(
            f"the manager at {place!r} is the standard library's, which publishes nothing"
        )
    return RemoteHost(place, authkey, client)


@public_in("sharevar")
class RemoteHost:
    """A host, and what it has published."""

    def __init__(self, address: Any, authkey: bytes, client: HostClient) -> None:
        self._address = address
        self._authkey = authkey
        self._client = client

    @property
    def address(self) -> Any:
        """The address of the host."""
        return self._address

    def find(self, name: str) -> Any:
        """A proxy of the object of that name."""
        return self._proxy(self._client.find(name))

    def create(self, typeid: str, /, *arguments: Any, **named: Any) -> Any:
        """A proxy of a new object, of a type that is registered there."""
        return self._proxy(self._client.create(typeid, arguments, named))

    def _proxy(self, reference: HostedReference) -> Any:
        with new_token(self._client, reference, self._address) as token:
            return standard.managers.AutoProxy(
                token,
                "pickle",
                authkey=self._authkey,
                exposed=exposed.methods(reference.exposed),
            )

    def __repr__(self) -> str:
        return f"<RemoteHost at {self._address!r}>"
