"""Sums of moduli of complex differences, which no matrix product can do."""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(nogil=True, cache=True, error_model="numpy", fastmath={"reassoc", "contract"})
def distances(lo, hi, out, queries, entities):
    """``out[i, j]`` = sum of the moduli of ``queries[i] - entities[j]``, real parts first.

    Entities outside, queries inside: a block of queries stays in the nearest cache.
    """
    width = queries.shape[1] // 2
    for j in range(entities.shape[0]):
        for i in range(lo, hi):
            total = np.float32(0.0)
            for d in range(width):
                real = queries[i, d] - entities[j, d]
                imaginary = queries[i, width + d] - entities[j, width + d]
                total += np.sqrt(real * real + imaginary * imaginary)
            out[i, j] = total
