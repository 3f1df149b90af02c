"""pandarallel: its workers report through a queue of a manager, with and without bars."""

import contextlib
import sys

import pandarallel.core
import pandas
from made import tell
from pandarallel import pandarallel as parallel


def area(row):
    return row.width * row.height


def compute(table):
    areas = table.parallel_apply(area, axis=1)
    groups = table.groupby(table.width % 3).parallel_apply(lambda part: part.height.sum())
    assert areas.equals(table.apply(area, axis=1))
    yield areas.sum()
    yield groups.tolist()
    try:
        table.width.parallel_map(lambda width: 1 // (width - 50))
    except ZeroDivisionError as error:
        yield error


if __name__ == "__main__":
    context = pandarallel.core.CONTEXT
    standard = context.Manager
    managers = []
    context.Manager = lambda: managers.append(standard()) or managers[-1]
    table = pandas.DataFrame({"width": range(100), "height": range(100, 200)})
    for memory_files in (False, True):
        parallel.initialize(
            nb_workers=2, progress_bar=True, verbose=0, use_memory_fs=memory_files
        )
        # The bars are not to be compared.
        with contextlib.redirect_stdout(sys.stderr):
            results = list(compute(table))
        # Flushed before the next managers are forked: one would print it again at its end.
        print(*results, flush=True)
    print(len(managers))
    print(file=sys.stderr)
    for manager in managers:
        tell(manager, manager.Queue())
