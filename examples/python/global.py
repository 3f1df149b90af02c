"""A global that processes share: first the trap, then `sharevar.shared`.

    python examples/python/global.py
"""

import multiprocessing

import sharevar

plain = []
share_var = sharevar.shared("share_var", list)


def append_name(name: str) -> None:
    plain.append(name)
    share_var.append(name)
    print(f"  {name} sees: plain list {plain}, shared list {share_var}", flush=True)


def main() -> None:
    for method in ("fork", "spawn"):
        print(f"under {method}:", flush=True)
        share_var.clear()
        context = multiprocessing.get_context(method)
        for name in ("first child", "second child"):
            child = context.Process(target=append_name, args=(name,))
            child.start()
            child.join()
        print(f"  parent sees: plain list {plain}, shared list {share_var}", flush=True)


if __name__ == "__main__":
    main()
