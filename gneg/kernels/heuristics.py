"""Scores of pairs by their common neighbours: CN, AA, RA and the two-step walk's density."""

from __future__ import annotations

import numpy as np

from gneg.kernels._jit import jit


@jit
def gathered(values, row):
    """Sum of ``values`` at ``row``, in the order of ``row``: vector units would add in their own.

    Unsigned, because a signed index may count from the end: a test for each, three times as long.
    """
    total = 0.0
    for e in range(len(row)):
        total += values[np.uint64(row[e])]
    return total


@jit
def weighted(lo, hi, out, rows, targets, indptr, indices, in_indptr, in_indices, weight, values):
    """``out[i, j]`` = sum of ``weight[w]`` over w with rows[i] -> w -> targets[i, j].

    The weights of a row's neighbours are laid out in ``values`` (zero elsewhere), then summed over
    each target's in-neighbours: one gather for each, and nothing to branch on. Equal rows in a
    row share the layout. Targets below 0 score 0.
    """
    for i in range(lo, hi):
        start, stop = indptr[rows[i]], indptr[rows[i] + 1]
        if i == lo or rows[i] != rows[i - 1]:
            for e in range(start, stop):
                values[indices[e]] = weight[indices[e]]
        for j in range(targets.shape[1]):
            v = targets[i, j]
            out[i, j] = (
                gathered(values, in_indices[in_indptr[v] : in_indptr[v + 1]]) if v >= 0 else 0.0
            )
        if i + 1 == hi or rows[i] != rows[i + 1]:
            for e in range(start, stop):
                values[indices[e]] = 0.0
