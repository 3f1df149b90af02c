"""A pipeline of NumPy: one process makes frames, others compute, none copies a frame.

    python examples/python/numpy_pipeline.py
"""

from __future__ import annotations

import multiprocessing

import numpy as np

import sharevar

FRAMES = 40
SLOTS = 4
HEIGHT, WIDTH = 240, 320
WORKERS = 2


def frames_in(memory: sharevar.ArrayProxy) -> np.ndarray:
    """The slots for frames: an array over the shared memory, which copies nothing."""
    return np.frombuffer(memory, dtype=np.float64).reshape(SLOTS, HEIGHT, WIDTH)


def produce(memory: sharevar.ArrayProxy, free: sharevar.Queue, ready: sharevar.Queue) -> None:
    frames = frames_in(memory)
    for number in range(FRAMES):
        slot = free.get()
        frames[slot] = np.sin(np.arange(WIDTH) * (number + 1) / 50)
        # The number of a slot goes through the queue, and not the frame.
        ready.put((number, slot))
    ready.put_many([None] * WORKERS)


def compute(
    memory: sharevar.ArrayProxy,
    free: sharevar.Queue,
    ready: sharevar.Queue,
    energies: sharevar.DictProxy[int, float],
) -> None:
    frames = frames_in(memory)
    while (work := ready.get()) is not None:
        number, slot = work
        energies[number] = float(np.square(frames[slot]).sum())
        free.put(slot)


def main() -> None:
    with sharevar.Manager() as manager:
        memory = manager.Array("d", SLOTS * HEIGHT * WIDTH)
        energies = manager.dict()
        free, ready = sharevar.Queue(), sharevar.Queue()
        free.put_many(range(SLOTS))
        processes = [
            multiprocessing.Process(target=produce, args=(memory, free, ready)),
            *(
                multiprocessing.Process(target=compute, args=(memory, free, ready, energies))
                for _ in range(WORKERS)
            ),
        ]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
        row = np.sin(np.arange(WIDTH) / 50)
        assert np.isclose(energies[0], HEIGHT * np.square(row).sum())
        print(f"{len(energies)} frames of {HEIGHT} x {WIDTH} through {SLOTS} slots")


if __name__ == "__main__":
    main()
