"""CPython's own tests of multiprocessing: which of them run on sharevar, and how they went."""
