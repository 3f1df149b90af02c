"""Calls a Rust host at a server, and is a host there: for ``host_with_python.rs``."""

import sys

import sharevar
from sharevar.managers import BaseManager


class Manager(BaseManager):
    pass


Manager.register("list", list, exposed=("append", "pop", "__len__"))

if __name__ == "__main__":
    rust, python, key = sys.argv[1:]
    till = sharevar.connect(rust, key.encode()).find("till")
    assert [till.add(2), till.add(3)] == [2, 5]
    server = Manager(python, key.encode()).get_server()
    print("ready", flush=True)
    server.serve_forever()
