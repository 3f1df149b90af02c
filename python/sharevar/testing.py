"""A server inside of the test: what a program does when a server fails or a lease ends."""

from typing import TYPE_CHECKING

from ._public import export, listing

if TYPE_CHECKING:
    from ._managers.fake_server import FakeClient as FakeClient
    from ._managers.fake_server import FakeServer as FakeServer
    from ._managers.fake_server import Fault as Fault
else:
    __getattr__ = export(
        __name__,
        {
            "FakeClient": "._managers.fake_server",
            "FakeServer": "._managers.fake_server",
            "Fault": "._managers.fake_server",
        },
    )

__all__ = ["FakeClient", "FakeServer", "Fault"]

__dir__ = listing(__name__)
