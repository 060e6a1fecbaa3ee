"""The arguments of an operation in lists, tuples and dicts; torch's pytree takes far longer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any


def leaves(values: Any, kind: type) -> Iterator[Any]:
    """Yield the values of a kind, in their order."""
    for value in values.values() if isinstance(values, dict) else values:
        if isinstance(value, kind):
            yield value
        elif isinstance(value, list | tuple | dict):
            yield from leaves(value, kind)


def mapped(function: Callable[[Any], Any], value: Any) -> Any:
    """Return a copy with the result of the function in each value's place."""
    if isinstance(value, list | tuple):
        return type(value)([mapped(function, part) for part in value])
    if isinstance(value, dict):
        return {key: mapped(function, part) for key, part in value.items()}
    return function(value)
