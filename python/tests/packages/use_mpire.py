"""mpire: insights (a list of a manager of its own, with arrays and a lock), the progress
bar (a second manager, with a lock and a class registered with it), and between all its
workers queues, values, arrays, events and a condition.
"""

import sys

if "install" in sys.argv:
    import sharevar

    sharevar.install()

from made import tell
from mpire import WorkerPool
from mpire.tqdm_utils import TqdmManager


def square(shared, number):
    return number * number * shared["factor"]


if __name__ == "__main__":
    options = {"start_method": sys.argv[1], "shared_objects": {"factor": 2}}
    with WorkerPool(2, enable_insights=True, **options) as pool:
        squares = pool.map(square, range(30), progress_bar=True)
        insights = pool.get_insights()
        tell(
            pool._worker_insights.insights_manager.manager,
            pool._worker_insights.max_task_args,
            pool._worker_insights.insights_manager_lock,
        )
        print(sum(squares), squares[:4], sum(insights["n_completed_tasks"]))
        print(sorted(insights)[:3])
        TqdmManager.start_manager(use_dill=False)
        tell(TqdmManager.MANAGER, TqdmManager.LOCK)
        TqdmManager.stop_manager()
        try:
            pool.map(square, ["a", None])
        except TypeError as error:
            print(type(error).__name__)
