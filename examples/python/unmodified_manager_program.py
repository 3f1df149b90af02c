"""A program that knows nothing of sharevar.

    python examples/python/unmodified_manager_program.py [fork | spawn | forkserver]
    python -m sharevar examples/python/unmodified_manager_program.py ...
"""

import sys
from multiprocessing import Manager, Process, set_start_method


def count_words(text, counts, order, total, lengths, lock):
    for word in text.split():
        with lock:
            counts[word] = counts.get(word, 0) + 1
            total.value += 1
            lengths[min(len(word), 9)] += 1
    order.append(text.split()[0])


def main():
    with Manager() as manager:
        counts = manager.dict()
        order = manager.list()
        total = manager.Value("i", 0)
        lengths = manager.Array("i", [0] * 10)
        lock = manager.Lock()
        texts = ["the cat and the dog", "a dog and a bone", "the bone"]
        workers = [
            Process(target=count_words, args=(text, counts, order, total, lengths, lock))
            for text in texts
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        print("words:", dict(sorted(counts.items())))
        print("began:", sorted(order))
        print("total:", total.value, "by length:", list(lengths))


if __name__ == "__main__":
    set_start_method(sys.argv[1] if len(sys.argv) > 1 else "fork")
    main()
