"""Undirected edges that a file lists in both directions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gneg.datasets.sources.edges import EdgeTable

#: Share of the edges that are listed in both directions from which on each of these counts once.
NEARLY = 0.9
SAMPLE = 1000  # rows that tell most files, whose edges are listed once, without sorting them


def once(table: EdgeTable, edges: Tensor) -> tuple[EdgeTable, Tensor]:
    """Return undirected edges of one kind of node, those that are listed both ways once.

    The rows (v, u), v > u, are left out beside rows (u, v) of the same weight, time, label and
    part, if nearly all edges are listed so. Else both rows count: their weights add up.

    Args:
        table: The edges as the file lists them.
        edges: ``[2, E]`` ids of their ends.
    """
    source, target = edges.numpy()
    size = max(int(edges.max()) + 1, 1)
    pair = np.minimum(source, target) * size + np.maximum(source, target)
    forward, backward = source < target, source > target
    if not _likely(pair[forward], pair[backward]):
        return table, edges
    pairs = len(np.unique(pair[forward | backward]))
    row = pair
    for values in (table.positive, table.weight, table.time, table.part):
        row = row if values is None else _combined(row, values)
    mirrored = backward & np.isin(row, row[forward])
    mutual = len(np.unique(pair[mirrored]))
    if mutual < NEARLY * pairs:
        return table, edges
    left = ~mirrored
    subject = "every edge is" if mutual == pairs else f"{mutual:,} of {pairs:,} edges are"
    notes = (*table.reading.notes, f"{subject} listed in both directions and taken once")
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


def _likely(forward: npt.NDArray[np.int64], backward: npt.NDArray[np.int64]) -> bool:
    """Return whether most of a sample of pairs in one direction are there in the other one too."""
    sample = np.unique(backward[:: max(len(backward) // SAMPLE, 1)])
    if not len(sample):
        return False
    place = np.searchsorted(sample, forward).clip(max=len(sample) - 1)
    mirrored = np.zeros(len(sample), bool)
    mirrored[place[sample[place] == forward]] = True
    return bool(mirrored.mean() > 0.5)


def _combined(key: npt.NDArray[np.int64], column: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Return integers ``[E]`` that are equal where both the key and the column are."""
    values, codes = np.unique(column, return_inverse=True)
    if len(values) == 1:
        return key
    return np.unique(key, return_inverse=True)[1].astype(np.int64) * len(values) + codes
