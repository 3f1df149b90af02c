"""The end of a host that a client asks for."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import sharevar

KEY = b"a key that both sides know"

# Its thread that answers comes to that only when the main thread leaves.
PROGRAM = f"""
    import sys, threading
    from sharevar.managers import BaseManager

    server = BaseManager(sys.argv[1], {KEY!r}).get_server()
    is_stopped = threading.Event()
    native, call_host = server._native, server.call_host

    class Telling:
        def __getattr__(self, name):
            return getattr(native, name)

        def stop(self):
            native.stop()
            is_stopped.set()

    def answer_late(method, arguments, named):
        result = call_host(method, arguments, named)
        if method == "shutdown":
            assert is_stopped.wait(20)
        return result

    server._native, server.call_host = Telling(), answer_late
    print("ready", flush=True)
    server.serve_forever()
"""


def test_the_request_for_the_end_is_answered(tmp_path: Path) -> None:
    address = str(tmp_path / "host")
    command = [sys.executable, "-c", textwrap.dedent(PROGRAM), address]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as host:
        try:
            assert host.stdout is not None
            assert host.stdout.readline() == "ready\n"
            assert sharevar.connect(address, KEY)._client.call(0, "shutdown", ()) is None
            assert host.wait(50) == 0
        finally:
            host.kill()
