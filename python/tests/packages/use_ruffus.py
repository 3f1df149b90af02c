"""ruffus: a pipeline's jobs look at an event of a manager and take one of its semaphores
where they are limited; its shared logger is an object of a class registered with one."""

import multiprocessing
import tempfile
from pathlib import Path

import ruffus.proxy_logger
from made import tell

standard = multiprocessing.Manager
managers = []
multiprocessing.Manager = lambda: managers.append(standard()) or managers[-1]


def count_words(source, target, log, lock):
    words = Path(source).read_text().split()
    Path(target).write_text(str(len(words)))
    with lock:
        log.info(f"{Path(source).name} {len(words)}")


def add_up(sources, target):
    Path(target).write_text(str(sum(int(Path(source).read_text()) for source in sources)))


def run(folder):
    log, lock = ruffus.proxy_logger.make_shared_logger_and_proxy(
        ruffus.proxy_logger.setup_std_shared_logger,
        "words",
        {"file_name": str(folder / "log"), "formatter": "%(message)s", "level": 20},
    )
    for number in range(8):
        (folder / f"{number}.text").write_text("word " * number)
    pipeline = ruffus.Pipeline("words")
    pipeline.transform(
        count_words,
        [str(folder / f"{number}.text") for number in range(8)],
        ruffus.suffix(".text"),
        ".count",
        extras=[log, lock],
    ).jobs_limit(2)
    pipeline.merge(add_up, count_words, str(folder / "total"))
    pipeline.run(multiprocess=4, verbose=0, history_file=str(folder / "history"))
    print((folder / "total").read_text(), sorted((folder / "log").read_text().splitlines()))
    tell(lock)
    for manager in managers:
        tell(manager, manager.Event(), manager.BoundedSemaphore(2))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        run(Path(folder))
