"""Variables on a cluster, of which any node may be named."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import engine_servers
from support.certificates import make_certificate

import sharevar

pytestmark = [
    pytest.mark.redis,
    pytest.mark.skipif(
        not engine_servers.ARE_ALL_TESTED, reason="it is long, and one of `make test-redis`"
    ),
]


@pytest.fixture(params=list(engine_servers.PROGRAMS))
def cluster(request: pytest.FixtureRequest) -> Iterator[engine_servers.Cluster]:
    cluster = engine_servers.Cluster(request.param)
    try:
        yield cluster
    finally:
        cluster.stop()


def take(jobs: Any, done: Any, lock: Any) -> None:
    while (job := jobs.get()) is not None:
        with lock:
            done[job % 3] = done.get(job % 3, 0) + 1


def test_any_node_leads_to_the_variables(cluster: Any, context: Any) -> None:
    ports = [node.port for node in cluster.nodes]
    # Each is the wrong one for some of these.
    for number, namespace in enumerate(["a", "b", "c"]):
        address = f"redis+cluster://127.0.0.1:{ports[number]}/0?namespace={namespace}"
        with sharevar.Manager(address) as manager:
            jobs, done, lock = manager.Queue(), manager.dict(), manager.Lock()
            children = [context.Process(target=take, args=(jobs, done, lock)) for _ in range(2)]
            for child in children:
                child.start()
            jobs.put_many(list(range(30)))
            for _ in children:
                jobs.put(None)
            for child in children:
                child.join()
                assert child.exitcode == 0
            assert done.copy() == {0: 10, 1: 10, 2: 10}
    keys = [node.ask("DBSIZE") for node in cluster.nodes]
    assert len([answer for answer in keys if answer != b":0\r\n"]) > 1, "they are on several"


@pytest.mark.skipif(
    "redis" not in engine_servers.FOUND or shutil.which("openssl") is None,
    reason="needs redis-server, which has TLS, and openssl",
)
def test_under_tls_nodes_send_on_to_names(tmp_path: Path) -> None:
    certificate, settings = make_certificate(tmp_path)
    # Without these a node sends on to a number, which the certificate has not.
    settings += ["--cluster-announce-hostname", "localhost"]
    settings += ["--cluster-preferred-endpoint-type", "hostname"]
    program = (
        "import sharevar, sys\n"
        "for namespace in 'abc':\n"
        "    numbers = sharevar.Manager(sys.argv[1] + namespace).list(name='numbers')\n"
        "    numbers.append(1)\n"
        "    print(numbers[:])\n"
    )
    cluster = engine_servers.Cluster("redis", *settings)
    try:
        address = f"rediss+cluster://localhost:{cluster.tls_ports[0]}/0?namespace="
        for times in (1, 2):
            done = subprocess.run(
                [sys.executable, "-c", program, address],
                env={**os.environ, "SSL_CERT_FILE": str(certificate)},
                capture_output=True,
                text=True,
            )
            assert done.stdout == f"{[1] * times}\n" * 3, done.stderr
    finally:
        cluster.stop()
