"""Functions of an imported module, called by loky's workers: programs by themselves."""

from __future__ import annotations

from counting_app import count, hits
from loky import get_reusable_executor

if __name__ == "__main__":
    with get_reusable_executor(max_workers=2) as executor:
        for waited in [executor.submit(count) for _ in range(40)]:
            waited.result()
    print(hits.get())
