"""A list and a lock, handed to two processes as arguments.

    python examples/python/list_and_lock.py
"""

import multiprocessing

import sharevar


def append_and_print(name: str, items: sharevar.ListProxy, lock: sharevar.Lock) -> None:
    with lock:
        items.append(name)
        print(f"  {name} sees {len(items)} items:", *items, flush=True)


def main() -> None:
    with sharevar.Manager() as manager:
        for method in ("fork", "spawn"):
            print(f"under {method}:", flush=True)
            items = manager.list(["start"])
            lock = manager.Lock()
            context = multiprocessing.get_context(method)
            children = [
                context.Process(target=append_and_print, args=(name, items, lock))
                for name in ("alpha", "beta")
            ]
            for child in children:
                child.start()
            for child in children:
                child.join()


if __name__ == "__main__":
    main()
