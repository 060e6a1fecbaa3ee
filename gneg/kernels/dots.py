"""Inner products and cosines of rows of a matrix, summed in ascending order of the columns.

The order is that of the source code, without fused or reassociated operations, so that a sum has
the same bits on any processor: what ranks by it depends on them. Rows of zeros have cosine 0.
"""

from __future__ import annotations

import numpy as np

from gneg.kernels._jit import jit

# A cosine of less than this is what rounding leaves of orthogonal rows: a sum of F products is off
# by at most F * 2**-53 of the rows' lengths.
LEAST = 2.0**-40
# Rows and columns of a tile of all cosines, whose sums stay in the nearest cache.
TILE_ROWS, TILE = 8, 512


@jit
def cosine(product, square, other_square):
    """Cosine of two rows by their inner product and their squared lengths."""
    length = np.sqrt(square * other_square)
    return product / length if abs(product) >= LEAST * length and length > 0.0 else 0.0


@jit
def dense(lo, hi, out, rows, targets, values):
    """``out[i]`` = values[rows[i]] . values[targets[i]].

    Four pairs at a time: a sum waits for its last term, but not for those of other pairs.
    """
    width = values.shape[1]
    i = lo
    while i + 4 <= hi:
        a, b, c, d = 0.0, 0.0, 0.0, 0.0
        left, right = rows[i : i + 4], targets[i : i + 4]
        a_left, a_right = values[left[0]], values[right[0]]
        b_left, b_right = values[left[1]], values[right[1]]
        c_left, c_right = values[left[2]], values[right[2]]
        d_left, d_right = values[left[3]], values[right[3]]
        for j in range(width):
            a += np.float64(a_left[j]) * np.float64(a_right[j])
            b += np.float64(b_left[j]) * np.float64(b_right[j])
            c += np.float64(c_left[j]) * np.float64(c_right[j])
            d += np.float64(d_left[j]) * np.float64(d_right[j])
        out[i], out[i + 1], out[i + 2], out[i + 3] = a, b, c, d
        i += 4
    while i < hi:
        total = 0.0
        for j in range(width):
            total += np.float64(values[rows[i], j]) * np.float64(values[targets[i], j])
        out[i] = total
        i += 1


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
                total += np.float64(values[a]) * np.float64(values[b])
            a += left <= right
            b += right <= left
        out[i] = total


@jit
def cosines(lo, hi, out, rows, targets, squares):
    """Turn the inner products ``out [B]`` of pairs into their cosines."""
    for i in range(lo, hi):
        out[i] = cosine(out[i], squares[rows[i]], squares[targets[i]])


@jit
def all_dense(lo, hi, out, rows, values, columns, squares):
    """``out[i, v]`` = cosine of the rows ``rows[i]`` and v of ``values [N, F]``.

    ``columns [F, N]`` is the transpose: the sums of a tile of targets advance beside each other,
    four features between a load and a store of each.
    """
    width, size = columns.shape
    whole = width - width % 4
    sums = np.empty((TILE_ROWS, TILE))
    for first in range(lo, hi, TILE_ROWS):
        count = min(TILE_ROWS, hi - first)
        for start in range(0, size, TILE):
            stop = min(start + TILE, size)
            sums[:] = 0.0
            for f in range(0, whole, 4):
                a, b = columns[f, start:stop], columns[f + 1, start:stop]
                c, d = columns[f + 2, start:stop], columns[f + 3, start:stop]
                for r in range(count):
                    total, row = sums[r], values[rows[first + r], f : f + 4]
                    w, x = np.float64(row[0]), np.float64(row[1])
                    y, z = np.float64(row[2]), np.float64(row[3])
                    for v in range(len(a)):
                        partial = total[v] + w * np.float64(a[v])
                        partial = partial + x * np.float64(b[v])
                        partial = partial + y * np.float64(c[v])
                        total[v] = partial + z * np.float64(d[v])
            for f in range(whole, width):
                column = columns[f, start:stop]
                for r in range(count):
                    total, factor = sums[r], np.float64(values[rows[first + r], f])
                    for v in range(len(column)):
                        total[v] += factor * np.float64(column[v])
            for r in range(count):
                square = squares[rows[first + r]]
                for v in range(start, stop):
                    out[first + r, v] = cosine(sums[r, v - start], square, squares[v])


@jit
def all_sparse(
    lo, hi, out, rows, indptr, indices, values, in_indptr, in_indices, in_values, squares
):
    """The same of CSR rows, whose indices are sorted, and their transpose."""
    size = len(squares)
    sums = np.zeros(size)
    for i in range(lo, hi):
        u = rows[i]
        for e in range(indptr[u], indptr[u + 1]):
            factor, f = np.float64(values[e]), indices[e]
            for g in range(in_indptr[f], in_indptr[f + 1]):
                sums[np.uint64(in_indices[g])] += factor * np.float64(in_values[g])
        for v in range(size):
            out[i, v] = cosine(sums[v], squares[u], squares[v])
            sums[v] = 0.0
