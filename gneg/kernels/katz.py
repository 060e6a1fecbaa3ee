"""Katz's index by counting short walks."""

from __future__ import annotations

from gneg.kernels._jit import jit
from gneg.kernels.heuristics import gathered


@jit
def _walks(u, indptr, indices, beta, length, values, now, after, touched):
    """``values[v]`` = sum over l < ``length`` of ``beta ** (l + 1)`` * walks of length l from u.

    ``now`` and ``after`` hold the walks of one length, ``touched [length, N]`` where from. Returns
    how many nodes of ``touched[0]`` have a value.
    """
    values[u] = beta
    touched[0, 0] = u
    size = 1
    now[u] = beta
    touched[1, 0] = u
    reached = 1
    for _ in range(1, length):
        further = 0
        for t in range(reached):
            w = touched[1, t]
            step = beta * now[w]
            now[w] = 0.0
            if step == 0.0:  # too little for a double: what it reaches would not be seen
                continue
            for e in range(indptr[w], indptr[w + 1]):
                v = indices[e]
                if after[v] == 0.0:
                    touched[2, further] = v
                    further += 1
                after[v] += step
        for t in range(further):
            v = touched[2, t]
            touched[1, t] = v
            now[v], after[v] = after[v], 0.0
            if values[v] == 0.0:
                touched[0, size] = v
                size += 1
            values[v] += now[v]
        reached = further
    for t in range(reached):
        now[touched[1, t]] = 0.0
    return size


@jit
def katz(
    lo,
    hi,
    out,
    rows,
    targets,
    indptr,
    indices,
    in_indptr,
    in_indices,
    beta,
    length,
    values,
    touched,
):
    """``out[i, j]`` = sum over l <= ``length`` of ``beta ** l`` * walks from row to target.

    ``values [>= 3 N]`` is left as zeros; equal rows in a row share their walks; targets below 0
    score 0. Walks but for the last step are laid out, which is then summed at the target.
    """
    n = len(indptr) - 1
    laid, now, after = values[:n], values[n : 2 * n], values[2 * n : 3 * n]
    touched = touched[: 3 * n].reshape(3, n)
    size = 0
    for i in range(lo, hi):
        if i == lo or rows[i] != rows[i - 1]:
            size = _walks(rows[i], indptr, indices, beta, length, laid, now, after, touched)
        for j in range(targets.shape[1]):
            v = targets[i, j]
            out[i, j] = (
                gathered(laid, in_indices[in_indptr[v] : in_indptr[v + 1]]) if v >= 0 else 0.0
            )
        if i + 1 == hi or rows[i] != rows[i + 1]:
            for t in range(size):
                laid[touched[0, t]] = 0.0
