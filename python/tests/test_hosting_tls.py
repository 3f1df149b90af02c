"""Hosts that show certificates."""

from __future__ import annotations

import shutil
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

import sharevar
from sharevar.managers import BaseManager

KEY = b"a key that both sides know"

pytestmark = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="needs openssl to make certificates"
)


class Manager(BaseManager):
    pass


Manager.register("list", list)


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> sharevar.TLS:
    """A certificate for this machine, which vouches for itself."""
    folder = tmp_path_factory.mktemp("certificates")
    return certify(folder)


def certify(folder: Path) -> sharevar.TLS:
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    command = [
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
        "-nodes", "-subj", "/CN=localhost", "-addext", "basicConstraints=critical,CA:FALSE",
        "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
        "-keyout", key, "-out", certificate,
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return sharevar.TLS(certificate, key, authorities=certificate)


def append(items: Any, item: str) -> None:
    items.append(item)


def test_calls_under_tls(tls: sharevar.TLS, context: Any) -> None:
    # Off this machine it is allowed, too; the name is that in the certificate.
    named = tls._replace(name="localhost")
    with Manager(("0.0.0.0", 0), KEY, ctx=context, tls=named) as manager:
        port = manager.address[1]
        items = manager.list(["from here"])
        child = context.Process(target=append, args=(items, "from a child"))
        child.start()
        child.join()
        assert items._getvalue() == ["from here", "from a child"]
        believing = sharevar.TLS(authorities=tls.authorities)
        client = Manager(("localhost", port), KEY, tls=believing)
        client.connect()
        assert client.list([1]).pop() == 1
        assert client._number_of_objects() >= 1


def test_who_is_not_vouched_for_is_refused(tls: sharevar.TLS, tmp_path: Path) -> None:
    stranger = certify(tmp_path)
    with Manager(("localhost", 0), KEY, tls=tls) as manager:
        for security in (
            stranger,
            tls._replace(name="another.example"),
        ):
            with pytest.raises(sharevar.AccessRefused, match="TLS"):
                Manager(manager.address, KEY + b"x", tls=security).connect()
        with socket.create_connection(manager.address, timeout=30) as plain:
            # Nothing is said to who does not begin with TLS.
            plain.sendall(b"\0\0\0\x04what")
            assert b"CHALLENGE" not in plain.recv(100)
        assert manager.list([1]).pop() == 1


def test_files_that_are_missing(tls: sharevar.TLS, tmp_path: Path) -> None:
    missing = tmp_path / "missing.pem"
    with pytest.raises(sharevar.AccessRefused, match=r"missing\.pem"):
        Manager(("localhost", 0), KEY, tls=tls._replace(certificates=missing)).start()
    with pytest.raises(ValueError, match="certificates"):
        Manager(("localhost", 0), KEY, tls=sharevar.TLS(authorities=missing)).start()
    with pytest.raises(ValueError, match="authorities"):
        Manager(("localhost", 1), KEY, tls=sharevar.TLS(missing, missing)).connect()
