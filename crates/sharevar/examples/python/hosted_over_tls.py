"""The Python half of ``hosted_over_tls.rs``, which starts it.

It calls an object of the Rust program's under TLS, and becomes a host under TLS.
"""

import sys
import threading

import sharevar
from sharevar.managers import BaseManager


def main(certificate: str, private_key: str, key: str, rust_address: str) -> None:
    tls = sharevar.TLS(certificate, private_key, authorities=certificate)
    guests = sharevar.connect(rust_address, key.encode(), tls=tls).find("guests")
    assert guests.welcome("Bob") == 2
    try:
        sharevar.connect(rust_address, b"another key", tls=tls)
    except sharevar.AccessRefused:
        pass
    else:
        raise AssertionError("a wrong key was taken")
    BaseManager.register("list", list, exposed=("append", "__len__"))
    server = BaseManager(("localhost", 0), key.encode(), tls=tls).get_server()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.address[1], flush=True)
    # The end of the Rust program is the end of this one.
    sys.stdin.read()


main(*sys.argv[1:])
