"""Undirected edges that a file lists in both directions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gneg.datasets.sources.edges import EdgeTable

#: Share of the edges that are listed in both directions from which on each of these counts once.
NEARLY = 0.9


def once(table: EdgeTable, edges: Tensor) -> tuple[EdgeTable, Tensor]:
    """Return undirected edges of one kind of node, those that are listed both ways once.

    The rows (v, u), v > u, are left out beside rows (u, v) of the same weight, time, label and
    part, if nearly all edges are listed so. Else both rows count: their weights add up.

    Args:
        table: The edges as the file lists them.
        edges: ``[2, E]`` ids of their ends.
    """
    source, target = edges.numpy()
    key = _key(np.minimum(source, target), np.maximum(source, target))
    row = _key(key, table.positive)
    for values in (table.weight, table.time, table.part):
        row = row if values is None else _key(row, values)
    forward, backward = source < target, source > target
    mirrored = backward & np.isin(row, row[forward])
    pairs = len(np.unique(key[forward | backward]))
    both = len(np.unique(key[mirrored]))
    if not both or both < NEARLY * pairs:
        return table, edges
    left = ~mirrored
    every = "every edge is" if both == pairs else f"{both:,} of {pairs:,} edges are"
    notes = (*table.reading.notes, f"{every} listed in both directions and taken once")
    weight, time, part = (
        None if values is None else values[left]
        for values in (table.weight, table.time, table.part)
    )
    ends = table.ends[0].filter(left), table.ends[1].filter(left)
    table = table._replace(
        ends=ends,
        weight=weight,
        time=time,
        part=part,
        positive=table.positive[left],
        reading=replace(table.reading, notes=notes),
    )
    return table, edges[:, torch.from_numpy(left)]


def _key(*columns: npt.NDArray[np.generic]) -> npt.NDArray[np.int64]:
    """Return an integer ``[E]`` for each combination of values ``[E]``, the same for the same."""
    key = np.zeros(len(columns[0]), np.int64)
    for column in columns:
        values, codes = np.unique(column, return_inverse=True)
        key = np.unique(key * len(values) + codes, return_inverse=True)[1].astype(np.int64)
    return key
