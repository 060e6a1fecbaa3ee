"""The complement of a sorted row: its size, and its entries by rank."""

from __future__ import annotations

import numpy as np

from gneg.kernels._jit import AT_ONCE, has, jit, lower_bound

# Whether a query may be its own negative, and whether it may stand in its own known row: only
# then that has to be looked up.
SELF_FREE, SELF_OUT, SELF_MAYBE_KNOWN = 0, 1, 2


@jit
def complement_size(u, indptr, indices, num_targets, no_self):
    """Number of targets that are neither known for ``u`` nor (if ``no_self``) ``u`` itself."""
    start, stop = indptr[u], indptr[u + 1]
    size = num_targets - (stop - start)
    if no_self == SELF_OUT or (no_self and not has(indices, start, stop, u)):
        size -= 1
    return size


@jit
def unrank(indices, start, stop, rank):
    """The ``rank``-th value (from 0) that is absent from the sorted ``indices[start:stop]``.

    Before position i of the row lie ``indices[i] - i`` absent values, a number that never
    decreases: a binary search finds how many known values precede the wanted one. As in
    :func:`gneg.kernels._jit.has`, entries are compared at once instead of its last steps.
    """
    known = np.int64(0)
    if stop - start < AT_ONCE:
        for e in range(stop - start):
            known += indices[np.uint64(start + e)] - e <= rank
        return rank + known
    base, length = start, stop - start
    while length > AT_ONCE:
        half = length >> 1
        probe = base + half - 1
        base += half if indices[np.uint64(probe)] - (probe - start) <= rank else 0
        length -= half
    first = min(base, stop - AT_ONCE)
    highest = rank + (first - start)
    for e in range(AT_ONCE):
        known += indices[np.uint64(first + e)] - e <= highest
    return highest + known


@jit
def self_rank(u, indptr, indices, num_targets, no_self):
    """Rank of ``u`` among the absent values of its own row; ``num_targets`` if not there."""
    if not no_self:
        return num_targets
    start, stop = indptr[u], indptr[u + 1]
    position = lower_bound(indices, start, stop, u)
    if position < stop and indices[position] == u:
        return num_targets
    return u - (position - start)


@jit
def sizes(lo, hi, out, rows, indptr, indices, num_targets, no_self):
    """Complement sizes of ``rows``."""
    for i in range(lo, hi):
        out[i] = complement_size(rows[i], indptr, indices, num_targets, no_self)


@jit
def nth(lo, hi, out, rows, ranks, indptr, indices, num_targets, no_self):
    """``out[i]`` = the ``ranks[i]``-th non-neighbour of ``rows[i]``, -1 where there is none."""
    for i in range(lo, hi):
        u, rank = rows[i], ranks[i]
        if rank < 0 or rank >= complement_size(u, indptr, indices, num_targets, no_self):
            out[i] = -1
            continue
        if rank >= self_rank(u, indptr, indices, num_targets, no_self):
            rank += 1
        out[i] = unrank(indices, indptr[u], indptr[u + 1], rank)
