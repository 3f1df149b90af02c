"""A user's mistakes: a line with ``# E:`` gives that error, and no other line gives any."""

from __future__ import annotations

import sharevar
from sharevar import DictProxy, Event, ListProxy, Lock, QueueProxy, SetProxy, ValueProxy


def mistakes(
    counts: DictProxy[str, int],
    names: ListProxy[str],
    weight: ValueProxy[float],
    lock: Lock,
    queue: QueueProxy[int],
    group: SetProxy[str],
    event: Event,
) -> None:
    counts["apple"] = "many"  # E: Incompatible types in assignment [assignment]
    counts[1] = 1  # E: Invalid index type "int" [index]
    text: str = counts["apple"]  # E: Incompatible types in assignment [assignment]
    counts.get("apple") + 1  # E: Unsupported operand types for + [operator]
    counts.append(1)  # E: has no attribute "append" [attr-defined]
    names.append(1)  # E: Argument 1 to "append" [arg-type]
    names["first"]  # E: No overload variant of "__getitem__" [call-overload]
    number: int = names[0]  # E: Incompatible types in assignment [assignment]
    names.extend([1])  # E: List item 0 has incompatible type "int" [list-item]
    weight.value = "heavy"  # E: Incompatible types in assignment [assignment]
    weight.set(None)  # E: Argument 1 to "set" [arg-type]
    lock.acquire(timeout="long")  # E: Argument "timeout" to "acquire" [arg-type]
    lock.owner_died = True  # E: read-only [misc]
    queue.put("one")  # E: Argument 1 to "put" [arg-type]
    text = queue.get(timeout=1)  # E: Incompatible types in assignment [assignment]
    group.add(1)  # E: Argument 1 to "add" [arg-type]
    event.wait("long")  # E: Argument 1 to "wait" [arg-type]
    sharevar.Manager().list().push(1)  # E: has no attribute "push" [attr-defined]
    sharevar.Manager(size=1)  # E: Unexpected keyword argument "size" [call-overload]
    sharevar.shared(1, list)  # E: No overload variant of "shared" [call-overload]
    sharevar.dictionary  # E: Module has no attribute "dictionary" [attr-defined]
    sharevar.Manager().dict({"a": 1})["b"] = "c"  # E: Incompatible types [assignment]
    sharevar.Manager().list([1]).append("c")  # E: Argument 1 to "append" [arg-type]
    text = sharevar.Value("i", 1).value  # E: Incompatible types in assignment [assignment]
    sharevar.Array("d", 2).value  # E: has no attribute "value" [attr-defined]
    text = sharevar.get_context().Value("i", 1).value  # E: Incompatible types [assignment]
    sharevar.get_context().Array("d", 2).value  # E: has no attribute "value" [attr-defined]
    print(text, number)


right: ListProxy[int] = sharevar.shared("right", list)
wrong: ListProxy[int] = sharevar.shared("wrong", dict)  # E: Incompatible types [assignment]
