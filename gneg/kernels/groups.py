"""Draws from one of several pools of targets, such as the range of a relation."""

from __future__ import annotations

import numpy as np

from gneg.kernels import bitmap
from gneg.kernels._jit import GOLDEN, below, has, jit, stream


@jit
def draws(lo, hi, out, rows, group, indptr, members, known_indptr, known, seed, tries):
    """Uniform draws from the members of each row's group that are not known.

    ``group[i]`` belongs to row i of ``out``; -1: none. A slot that rejects too often makes its
    row be listed; slots stay -1 only where nothing is left of the pool.
    """
    k = out.shape[1]
    bits = bitmap.empty(k)
    for i in range(lo, hi):
        if group[i] < 0:
            continue
        start, stop = known_indptr[rows[i]], known_indptr[rows[i] + 1]
        first, size = indptr[group[i]], indptr[group[i] + 1] - indptr[group[i]]
        if size == 0:
            continue
        state = stream(seed, i)
        failed, filled = 0, 0
        mask = bitmap.mark(bits, known, start, stop, -1, k)
        allowed = max(tries, size // 4)  # by then a list of the pool costs less
        while filled < k and failed < allowed:
            state += GOLDEN
            v = members[first + below(state, size)]
            excluded = bitmap.may_hold(bits, mask, v) and bitmap.holds(
                mask, known, start, stop, -1, v
            )
            out[i, filled] = v
            filled += not excluded
            failed += excluded
        if filled < k:
            out[i, filled] = -1
            left = np.empty(size, np.int64)
            count = 0
            for e in range(first, first + size):
                v = members[e]
                excluded = bitmap.may_hold(bits, mask, v) and bitmap.holds(
                    mask, known, start, stop, -1, v
                )
                left[count] = v  # kept if it is usable
                count += not excluded
            for j in range(filled, k if count else filled):
                state += GOLDEN
                out[i, j] = left[below(state, count)]
        bitmap.clear(bits, mask, known, start, stop, -1)


@jit
def free(lo, hi, out, rows, group, indptr, members, known_indptr, known):
    """Number of members of each row's group that are not known."""
    for i in range(lo, hi):
        out[i] = 0
        if group[i] >= 0:
            start, stop = known_indptr[rows[i]], known_indptr[rows[i] + 1]
            for e in range(indptr[group[i]], indptr[group[i] + 1]):
                out[i] += not has(known, start, stop, members[e])


@jit
def inside(lo, hi, out, rows, targets, group, indptr, members):
    """Whether each of ``targets [B, K]`` is a member of its row's group."""
    for i in range(lo, hi):
        for j in range(targets.shape[1]):
            out[i, j] = group[i] >= 0 and has(
                members, indptr[group[i]], indptr[group[i] + 1], targets[i, j]
            )
