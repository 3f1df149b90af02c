"""aiomultiprocess: a worker's result is an attribute of a manager's namespace, and its
pool works over queues of the context."""

import asyncio
import sys

import aiomultiprocess
from aiomultiprocess.core import get_manager
from made import tell


async def square(number):
    await asyncio.sleep(0)
    return number * number


async def fail():
    raise ValueError("as it should")


async def main():
    worker = aiomultiprocess.Worker(target=square, args=(7,))
    tell(get_manager(), worker.unit.namespace)
    worker.start()
    print(await worker)
    print(await aiomultiprocess.Worker(target=square, kwargs={"number": 8}))
    try:
        await aiomultiprocess.Worker(target=fail)
    except ValueError as error:
        print(error)
    async with aiomultiprocess.Pool(processes=2, childconcurrency=4) as pool:
        tell(next(iter(pool.queues.values()))[0])
        print(await pool.map(square, range(10)))
        print([result async for result in pool.starmap(square, [(1,), (2,)])])


if __name__ == "__main__":
    aiomultiprocess.set_start_method(sys.argv[1])
    asyncio.run(main())
