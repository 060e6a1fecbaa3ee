"""The nodes that short walks from a node reach: candidates for new links."""

from __future__ import annotations

import numpy as np

from gneg.kernels._jit import jit

# Steps that the third stage of a row may take; where it would take more, two steps reach enough.
MOST = 1 << 21
# Added to scores of two steps, so that they lie above all those of three.
FIRST = 1e9


@jit
def nearby(
    lo, hi, out, rows, indptr, indices, weight, first, last, known_ptr, known, values, touched
):
    """The M nodes in ``[first, last)`` that short walks from each row reach best, best first.

    A node at two steps scores the sum of ``weight[w]`` over row -> w -> node. Where fewer than M
    are reached, those at three steps follow: each spreads its score evenly over its neighbours.
    Never among them are the row itself and ``known[known_ptr[i]:known_ptr[i + 1]]``. Equal scores
    by ascending id; -1 where fewer are reached. ``values [>= 2 N]`` is left as zeros, ``touched``
    holds N nodes.
    """
    n, m = len(indptr) - 1, out.shape[1]
    near, far = values[:n], values[n : 2 * n]
    for i in range(lo, hi):
        u = rows[i]
        far[u] = -np.inf
        for e in range(known_ptr[i], known_ptr[i + 1]):
            far[known[e]] = -np.inf
        size = usable = steps = 0
        for e in range(indptr[u], indptr[u + 1]):
            w = indices[e]
            for f in range(indptr[w], indptr[w + 1]):
                v = indices[f]
                if near[v] == 0.0:
                    touched[size] = v
                    size += 1
                    usable += far[v] == 0.0 and first <= v < last
                    steps += indptr[v + 1] - indptr[v]
                near[v] += weight[w]
        reached = size
        if usable < m and steps <= MOST:
            for t in range(size):
                w = touched[t]
                share = near[w] / (indptr[w + 1] - indptr[w])
                for e in range(indptr[w], indptr[w + 1]):
                    v = indices[e]
                    if near[v] == 0.0 and far[v] == 0.0:
                        touched[reached] = v
                        reached += 1
                    far[v] += share
        nodes = np.empty(reached, np.int64)
        count = 0
        for t in range(reached):
            if far[touched[t]] >= 0.0 and first <= touched[t] < last:
                nodes[count] = touched[t]
                count += 1
        nodes = np.sort(nodes[:count])
        scores = np.empty(count, np.float64)
        for t in range(count):
            v = nodes[t]
            scores[t] = -(near[v] + FIRST) if near[v] > 0.0 else -far[v]
        best = np.argsort(scores, kind="mergesort")
        for j in range(m):
            out[i, j] = nodes[best[j]] if j < count else -1
        for t in range(reached):
            near[touched[t]] = far[touched[t]] = 0.0
        far[u] = 0.0
        for e in range(known_ptr[i], known_ptr[i + 1]):
            far[known[e]] = 0.0
