"""Shortest-path distances of pairs, searched from both ends."""

from __future__ import annotations

import numpy as np

from gneg.kernels._jit import jit


@jit
def _grow(first, last, queue, near_stamp, far_stamp, indptr, indices, mark):
    """Append to ``queue`` what follows its part [first, last); stop at a node marked ``other``.

    Returns the new end of the queue, or -1 where the two searches meet.
    """
    tail = last
    for q in range(first, last):
        w = queue[q]
        for e in range(indptr[w], indptr[w + 1]):
            v = indices[e]
            if mark[v] == far_stamp:
                return -1
            if mark[v] != near_stamp:
                mark[v] = near_stamp
                queue[tail] = v
                tail += 1
    return tail


@jit
def _distance(u, v, farthest, indptr, indices, in_indptr, in_indices, mark, queue, back):
    if u == v:
        return 0
    near_stamp, far_stamp = mark[-1] + 1, mark[-1] + 2
    mark[-1] = far_stamp
    mark[u], mark[v] = near_stamp, far_stamp
    queue[0], back[0] = u, v
    first, last, back_first, back_last = 0, 1, 0, 1
    distance = 0
    while distance < farthest and first < last and back_first < back_last:
        distance += 1
        if last - first <= back_last - back_first:
            tail = _grow(first, last, queue, near_stamp, far_stamp, indptr, indices, mark)
            first, last = last, tail
        else:
            tail = _grow(
                back_first, back_last, back, far_stamp, near_stamp, in_indptr, in_indices, mark
            )
            back_first, back_last = back_last, tail
        if tail < 0:
            return distance
    return farthest + 1


@jit
def distances(
    lo,
    hi,
    out,
    src,
    dst,
    indptr,
    indices,
    in_indptr,
    in_indices,
    farthest,
    mark,
    queue,
    back,
):
    """``out[i]`` = edges on a shortest path from src[i] to dst[i]; ``farthest + 1`` if more.

    Each step widens the smaller of two balls, so that neither grows to the size of the graph.
    """
    for i in range(lo, hi):
        out[i] = _distance(
            np.int64(src[i]),
            np.int64(dst[i]),
            farthest,
            indptr,
            indices,
            in_indptr,
            in_indices,
            mark,
            queue,
            back,
        )
