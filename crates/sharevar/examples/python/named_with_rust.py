"""The Python half of ``named_with_python.rs``, which starts it and tells it a name."""

import signal
import sys

import sharevar


def main(name: str, rounds: int) -> None:
    shop = sharevar.attach(name)
    counts = shop["counts"]
    for _ in range(rounds):
        counts.incr("both")
        counts.incr("python")
    shop.shared("greetings", list).append("Hello from Python")
    shop["lock"].acquire()
    print("I hold it", flush=True)
    # Until it is killed.
    signal.pause()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
