"""One module for each library; it is imported only when it is measured."""

MODULES = (
    "local",
    "of_sharevar",
    "of_multiprocessing",
    "of_ultradict",
    "of_subetha",
    "of_shared_memory_dict",
    "of_lmdb",
    "of_diskcache",
    "of_valkey",
    "of_faster_fifo",
    "of_rpyc",
    "of_pyro",
)
