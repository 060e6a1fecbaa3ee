"""One step of Adam for some rows of a table, in one pass."""

from __future__ import annotations

import numpy as np

from gneg.kernels._jit import jit


@jit
def update(lo, hi, table, mean, square, rows, gradient, rate, betas, corrections, eps, decay):
    """Update ``table``, ``mean`` and ``square`` at ``rows``, all different (Kingma and Ba 2015).

    Args:
        lo: The first of the rows.
        hi: The end of the rows.
        table: ``[N, D]`` single precision, parameters.
        mean: ``[N, D]``, mean of the gradients.
        square: ``[N, D]``, mean of their squares.
        rows: ``[n]``.
        gradient: ``[n, D]``.
        rate: Learning rate.
        betas: Decays of both means.
        corrections: 1 - beta ** steps, of both.
        eps: Added to the root.
        decay: Weight of the parameter that is added to its gradient.
    """
    first, second = np.float32(betas[0]), np.float32(betas[1])
    size = np.float32(rate / corrections[0])
    scale, smallest = np.float32(1.0 / np.sqrt(corrections[1])), np.float32(eps)
    new_share, new_square_share, weight = (
        np.float32(1) - first,
        np.float32(1) - second,
        np.float32(decay),
    )
    for i in range(lo, hi):
        row = rows[i]
        for j in range(table.shape[1]):
            g = gradient[i, j] + weight * table[row, j]
            m = first * mean[row, j] + new_share * g
            v = second * square[row, j] + new_square_share * g * g
            mean[row, j], square[row, j] = m, v
            table[row, j] -= size * m / (np.sqrt(v) * scale + smallest)
