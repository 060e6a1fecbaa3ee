"""Scores of pairs by their common neighbours: CN, AA, RA and the two-step walk's density."""

from __future__ import annotations

from gneg.kernels._jit import jit


@jit
def weighted(lo, hi, out, rows, targets, indptr, indices, in_indptr, in_indices, weight, mark):  # type: ignore[no-untyped-def]  # noqa: E501
    """``out[i, j]`` = sum of ``weight[w]`` over w with rows[i] -> w -> targets[i, j].

    The row's neighbours are stamped once, then each target's in-neighbours are looked up.
    Targets below 0 score 0.
    """
    previous = -1
    stamp = mark[-1]
    for i in range(lo, hi):
        u = rows[i]
        if u != previous:
            mark[-1] += 1
            stamp = mark[-1]
            for e in range(indptr[u], indptr[u + 1]):
                mark[indices[e]] = stamp
            previous = u
        for j in range(targets.shape[1]):
            v = targets[i, j]
            score = 0.0
            if v >= 0:
                for e in range(in_indptr[v], in_indptr[v + 1]):
                    if mark[in_indices[e]] == stamp:
                        score += weight[in_indices[e]]
            out[i, j] = score
