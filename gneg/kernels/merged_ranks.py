"""Ranks of candidates by several heuristics, merged into one order."""

from __future__ import annotations

import numpy as np

from gneg.kernels._jit import jit
from gneg.kernels.sorting import nth_largest, sort_rows


@jit
def largest(touched, values, keep):
    """Move the nodes of the ``keep + 1`` largest values to the front; return how many.

    There are more of them if some are equal, in float32, and fewer if fewer are above 0.
    """
    scores = np.empty(len(touched), np.float32)
    for t in range(len(touched)):
        scores[t] = values[touched[t]]
    cut = nth_largest(scores.copy(), keep + 1) if len(scores) > keep else np.float32(0.0)
    size = 0
    for t in range(len(touched)):
        if scores[t] >= cut and scores[t] > 0:
            touched[size], touched[t] = touched[t], touched[size]
            size += 1
    return size


@jit
def _ranked(scores, column, total, keep, out):
    """Ranks by one column of ``scores [t, H]`` among ``total``; the other candidates score 0.

    Equal scores share the mean of their ranks; those of 0, which the heuristic does not see, all
    take the last of theirs. What at least ``keep`` others come before, whatever their number,
    gets infinity.
    Returns the rank of 0.
    """
    positive, late = np.empty(len(scores), np.float32), 0
    size = 0
    for t in range(len(scores)):
        if scores[t, column] > 0:
            positive[size] = scores[t, column]
            size += 1
        elif scores[t, column] < 0:
            late += 1
    cut = nth_largest(positive[:size], keep + 1) if size > keep else np.float32(0.0)
    zero = np.float64(total - late)
    listed, values = np.empty(len(scores), np.int64), np.empty(len(scores))
    size = 0
    for t in range(len(scores)):
        score = scores[t, column]
        out[t] = np.inf
        if (cut > 0 and score >= cut) or (cut == 0 and score != 0):
            listed[size], values[size] = t, -score
            size += 1
        elif cut == 0:
            out[t] = zero
    listed, values = listed[:size], values[:size]
    sort_rows(values, np.zeros(size, np.uint64), listed)
    start = 0
    while start < size:
        stop = start + 1
        while stop < size and values[stop] == values[start]:
            stop += 1
        ahead = start if values[start] < 0 else total - size + start
        for i in range(start, stop):
            out[listed[i]] = ahead + (stop - start + 1) / 2
        start = stop
    return zero


@jit
def merge(scores, total, keep, best):
    """Best rank or sum of ranks of each row of ``scores [t, H]``, and of a node that scores 0.

    The sum orders as the mean does and, of halves, is exact.
    """
    size, columns = scores.shape
    merged, ranks = np.empty(size), np.empty(size)
    unseen = np.inf if best else 0.0
    for h in range(columns):
        zero = _ranked(scores, h, total, keep, ranks)
        unseen = min(unseen, zero) if best else unseen + zero
        for t in range(size):
            if h == 0:
                merged[t] = ranks[t]
            elif best:
                merged[t] = min(merged[t], ranks[t])
            else:
                merged[t] += ranks[t]
    return merged, unseen
