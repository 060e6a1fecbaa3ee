"""Draws from one of several pools of targets, such as the range of a relation."""

from __future__ import annotations

import numpy as np

from gneg.kernels import bitmap
from gneg.kernels._jit import GOLDEN, below, has, jit, stream
from gneg.kernels.prefetch import ask_ahead


@jit
def draws(lo, hi, out, rows, group, indptr, members, known_indptr, known, seed, tries, bits):
    """Uniform draws from the members of each row's group that are not known.

    ``group[i]`` belongs to row i of ``out``; -1: none. A slot that rejects too often makes its
    row be listed; slots stay -1 only where nothing is left of the pool. ``bits`` are zeros, one for
    each target, or none.
    """
    k, exact = out.shape[1], len(bits) > 0
    hashed, place = bits if exact else bitmap.empty(k), np.empty(k, np.int64)
    for i in range(lo, hi):
        ask_ahead(i, hi, rows, known_indptr, known)
        if group[i] < 0:
            continue
        start, stop = known_indptr[rows[i]], known_indptr[rows[i] + 1]
        first, size = indptr[group[i]], indptr[group[i] + 1] - indptr[group[i]]
        if size == 0:
            continue
        state = stream(seed, i)
        failed, filled = 0, 0
        mask = bitmap.marked(hashed, exact, known, start, stop, -1, k)
        allowed = max(tries, size // 4)  # by then a list of the pool costs less
        while filled < k and failed < allowed:
            count, before = min(k - filled, allowed - failed), filled
            for j in range(count):
                place[j] = first + below(state + GOLDEN * np.uint64(j + 1), size)
            state += GOLDEN * np.uint64(count)
            for j in range(count):
                v = np.int64(members[np.uint64(place[j])])
                excluded = bitmap.may_hold(hashed, mask, v)
                if mask != bitmap.ALL and excluded:
                    excluded = bitmap.holds(mask, known, start, stop, -1, v)
                out[i, filled] = v  # kept if it is usable: no branch to mispredict
                filled += not excluded
            failed += count - (filled - before)
        if filled < k:
            out[i, filled] = -1
            left = np.empty(size, np.int64)
            count = 0
            for e in range(first, first + size):
                v = members[e]
                excluded = bitmap.may_hold(hashed, mask, v) and bitmap.holds(
                    mask, known, start, stop, -1, v
                )
                left[count] = v  # kept if it is usable
                count += not excluded
            for j in range(filled, k if count else filled):
                state += GOLDEN
                out[i, j] = left[below(state, count)]
        bitmap.clear(hashed, mask, known, start, stop, -1)


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
