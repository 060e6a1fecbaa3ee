"""Inner products of pairs of rows of a matrix."""

from __future__ import annotations

from gneg.kernels._jit import jit, jit_sums


@jit_sums
def dense(lo, hi, out, rows, targets, values):
    """``out[i]`` = values[rows[i]] . values[targets[i]]."""
    for i in range(lo, hi):
        u, v = rows[i], targets[i]
        total = 0.0
        for j in range(values.shape[1]):
            total += values[u, j] * values[v, j]
        out[i] = total


@jit
def sparse(lo, hi, out, rows, targets, indptr, indices, values):
    """The same of CSR rows, whose indices are sorted."""
    for i in range(lo, hi):
        a, a_end = indptr[rows[i]], indptr[rows[i] + 1]
        b, b_end = indptr[targets[i]], indptr[targets[i] + 1]
        total = 0.0
        while a < a_end and b < b_end:
            left, right = indices[a], indices[b]
            if left == right:
                total += values[a] * values[b]
            a += left <= right
            b += right <= left
        out[i] = total
