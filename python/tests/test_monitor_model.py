"""Monitors against a dict: scripts of changes, in calls inside of calls that fail or not."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sharevar

NAMES = st.sampled_from(["a", "b", "c", "a name that is longer than a short key"])

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(max_size=40),
    st.binary(max_size=40),
)
VALUES = st.recursive(
    SCALARS | st.complex_numbers(allow_nan=False),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.tuples(inner, inner),
        st.dictionaries(st.text(max_size=3), inner, max_size=3),
        st.sets(st.integers(), max_size=3),
    ),
    max_leaves=8,
)

STEPS = st.recursive(
    st.one_of(
        st.tuples(st.just("set"), NAMES, VALUES),
        st.tuples(st.just("delete"), NAMES),
        st.tuples(st.just("change"), NAMES, SCALARS),
        st.tuples(st.just("fail")),
    ),
    lambda steps: st.tuples(st.just("call"), st.lists(steps, max_size=4)),
    max_leaves=12,
)


class Failed(Exception):
    pass


def change(container: Any, value: Any) -> None:
    """A change in place, of the innermost container at the front."""
    if isinstance(container, list):
        if container and isinstance(container[0], (list, dict, set)):
            change(container[0], value)
        container.append(value)
    elif isinstance(container, dict):
        container["changed"] = value
    elif isinstance(container, set):
        container.add(value)


@sharevar.monitor
class Subject:
    def run(self, steps: list[Any]) -> int:
        done = 0
        for step in steps:
            match step:
                case ("set", name, value):
                    setattr(self, name, copy.deepcopy(value))
                case ("delete", name):
                    if hasattr(self, name):
                        delattr(self, name)
                case ("change", name, value):
                    change(getattr(self, name, None), value)
                case ("call", inner):
                    try:
                        done += self.run(inner)
                    except Failed:
                        done += 100
                case ("fail",):
                    raise Failed
            done += 1
        return done


def run_model(state: dict[str, Any], steps: list[Any]) -> int:
    """The same on a dict, which a failure brings back as a whole."""
    before = copy.deepcopy(state)
    done = 0
    for step in steps:
        match step:
            case ("set", name, value):
                state[name] = copy.deepcopy(value)
            case ("delete", name):
                state.pop(name, None)
            case ("change", name, value):
                change(state.get(name), value)
            case ("call", inner):
                try:
                    done += run_model(state, inner)
                except Failed:
                    done += 100
            case ("fail",):
                state.clear()
                state.update(before)
                raise Failed
        done += 1
    return done


def types_in(value: Any) -> Any:
    """What is equal may still be of another type."""
    if isinstance(value, dict):
        return {name: types_in(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value), [types_in(item) for item in value]
    return type(value)


def outcome(run: Any, *arguments: Any) -> Any:
    try:
        return run(*arguments)
    except Failed:
        return "failed"


@pytest.mark.every_engine
@pytest.mark.many_operations
@pytest.mark.timeout(300)
def test_all_or_nothing_at_every_depth(manager: Any, engine: str) -> None:
    @settings(deadline=None, max_examples=300 if engine in ("shm", "memory") else 30)
    @given(st.lists(st.lists(STEPS, max_size=5), min_size=1, max_size=5))
    def check(calls: list[list[Any]]) -> None:
        subject, state = manager.monitor(Subject), dict[str, Any]()
        other = pickle.loads(pickle.dumps(subject))
        for steps in calls:
            assert outcome(subject.run, steps) == outcome(run_model, state, steps)
            for seen in (subject, other):
                found = dict(vars(seen))
                assert found == state
                assert types_in(found) == types_in(state)
            assert [name for name in state if hasattr(subject, name)] == list(state)

    check()
