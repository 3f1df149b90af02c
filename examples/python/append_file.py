"""One file, opened once, written by several processes: the trap, then `sharevar.open`.

    python examples/python/append_file.py
"""

import multiprocessing
import tempfile
from collections import Counter
from pathlib import Path

import sharevar

WRITERS = 4
LINES = 1_000


def write_lines(name: str, file) -> None:
    for number in range(LINES):
        print(name, number, "x" * (number % 90), file=file)


def expected_lines() -> Counter:
    return Counter(
        f"writer-{writer} {number} {'x' * (number % 90)}"
        for writer in range(WRITERS)
        for number in range(LINES)
    )


def run(method: str, file) -> None:
    context = multiprocessing.get_context(method)
    writers = [
        context.Process(target=write_lines, args=(f"writer-{number}", file))
        for number in range(WRITERS)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()


def report(what: str, path: Path) -> None:
    found = Counter(path.read_text().split("\n")[:-1])
    expected = expected_lines()
    whole = (found & expected).total()
    torn = (found - expected).total()
    print(f"  {what}: {whole} of {expected.total()} lines are whole, {torn} are torn")


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "inherited")
        with path.open("a") as file:
            run("fork", file)
        report("an inherited Python file object", path)
        for method in ("fork", "spawn"):
            path = Path(directory, method)
            with sharevar.open(path, "a") as file:
                run(method, file)
            report(f"sharevar.open, {method}", path)


if __name__ == "__main__":
    main()
