"""gymnasium: environments in processes of their own write what they see into arrays in
shared memory, and their errors into a queue."""

import sys

import gymnasium
import numpy
from made import tell


class Counting(gymnasium.Env):
    """Sees how often it was stepped, in two kinds of arrays."""

    observation_space = gymnasium.spaces.Dict(
        steps=gymnasium.spaces.Box(0, 1000, (3,), numpy.float64),
        parity=gymnasium.spaces.Discrete(2),
    )
    action_space = gymnasium.spaces.Discrete(10)

    def __init__(self, start):
        self.start = self.count = start

    def look(self):
        return {"steps": numpy.full(3, self.count, numpy.float64), "parity": self.count % 2}

    def reset(self, *, seed=None, options=None):
        self.count = self.start
        return self.look(), {}

    def step(self, action):
        self.count += int(action)
        return self.look(), float(self.count), False, False, {}


class Starting:
    """Makes the environment in its process."""

    def __init__(self, start):
        self.start = start

    def __call__(self):
        return Counting(self.start)


if __name__ == "__main__":
    environments = gymnasium.vector.AsyncVectorEnv(
        [Starting(start) for start in (0, 10, 20)], shared_memory=True, context=sys.argv[1]
    )
    tell(environments.observations["steps"].base.base._wrapper)
    environments.reset()
    for actions in ([1, 2, 3], [0, 1, 0]):
        seen, rewards, *_ = environments.step(actions)
        print(seen["steps"].tolist(), seen["parity"].tolist(), rewards.tolist())
    environments.close()
