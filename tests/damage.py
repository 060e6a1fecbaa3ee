"""Records with one entry taken away or replaced, for tests that damage files."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from typing import Any

VALUES = (None, 3, 1.5, True, "x", [], {})


def damaged(content: Any, count: int, seed: int = 0) -> Iterator[Any]:
    """Yield copies of a JSON value, each with one entry removed or of another kind."""
    generator = random.Random(seed)
    # One place of each kind: the first item stands for all items of a list.
    places = {tuple(0 if type(key) is int else key for key in path) for path in _paths(content)}
    chosen = generator.sample(sorted(places, key=str), min(count, len(places)))
    for *path, last in chosen:
        changed = copy.deepcopy(content)
        entry = changed
        for key in path:
            entry = entry[key]
        if generator.random() < 0.5:
            del entry[last]
        else:
            entry[last] = generator.choice(VALUES)
        yield changed


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    if isinstance(value, dict):
        for key in value:
            yield from _paths(value[key], (*path, key))
    elif isinstance(value, list) and value:
        yield from _paths(value[0], (*path, 0))
