"""Rows of a small graph, and what is read of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gneg import datasets
from gneg.datasets import LinkData
from tests.worlds import random_graph

N = 40
EDGES = [(int(u), int(v)) for u, v in random_graph(N, 120).edge_index.t().tolist() if u < v]
Name = Callable[[int], object]


def rows(separator: str, name: Name = int, *more: Callable[[int], object]) -> str:
    """A line for each edge: its two ends, and further values by the number of the line."""
    lines = [
        separator.join(map(str, (name(u), name(v), *(of(i) for of in more))))
        for i, (u, v) in enumerate(EDGES)
    ]
    return "\n".join(lines) + "\n"


def spaced(i: int) -> str:
    return f"New York {i}"


def named_edges(data: LinkData) -> set[frozenset[str]]:
    """All edges of the data by the user's own names."""
    ends = np.concatenate([data.positives(part).numpy() for part in ("train", "valid", "test")], 1)
    names = data.names if isinstance(data.names, tuple) else (data.names, data.names)
    return {frozenset((names[0][u], names[1][v])) for u, v in ends.T.tolist()}


def expected(name: Name) -> set[frozenset[str]]:
    return {frozenset((str(name(u)), str(name(v)))) for u, v in EDGES}


def read(folder, file: str, content: str | bytes, **options) -> LinkData:
    path = folder / file
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content, newline="")
    return datasets.load(path, **options)
