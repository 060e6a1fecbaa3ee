"""Second neighbours of every node as bitmaps, for graphs small enough to keep them.

One look in a bitmap of N bits, which stays in the nearest cache for all slots of a row, takes the
place of a search for a path of two steps.
"""

from __future__ import annotations

import numpy as np

from gneg.kernels import bitmap
from gneg.kernels._jit import GOLDEN, below, jit
from gneg.kernels.logs import log
from gneg.kernels.walks import num_paths

# Targets are tried where a row has at least a path for so many targets, so often for each slot.
TARGETS_A_PATH, TRIES = 8, 16


@jit
def mark(lo, hi, out, indptr, indices):
    """Set the bits of each row's neighbours in ``out [N, words]``, zeros."""
    for i in range(lo, hi):
        start, stop = indptr[i], indptr[i + 1]
        bitmap.mark_all(out[i], bitmap.ALL, indices, start, stop, np.int64(-1))


@jit
def unite(lo, hi, out, sizes, paths, neighbors, indptr, indices):
    """Set the bits of the nodes at distance two in ``out [N, words]``, zeros.

    ``sizes [N]`` become their numbers, ``paths [N]`` those of the walks of two steps;
    ``neighbors`` are the bitmaps of :func:`mark`.
    """
    for i in range(lo, hi):
        row, own = out[i], neighbors[i]
        for e in range(indptr[i], indptr[i + 1]):
            others = neighbors[indices[e]]
            for w in range(len(row)):
                row[w] |= others[w]
        paths[i] = num_paths(i, indptr, indices)
        row[i >> 6] &= ~(np.uint64(1) << np.uint64(i & 63))
        size = 0
        for w in range(len(row)):
            row[w] &= ~own[w]
            size += _ones(row[w])
        sizes[i] = size


@jit
def _ones(word):
    """Return the number of ones of a word, by sums of ever wider fields."""
    word -= (word >> np.uint64(1)) & np.uint64(0x5555555555555555)
    fours = np.uint64(0x3333333333333333)
    word = (word & fours) + ((word >> np.uint64(2)) & fours)
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((word * np.uint64(0x0101010101010101)) >> np.uint64(56))


@jit
def serve(paths, u, num_targets):
    """Whether the second shell of a query is drawn by tries in its bitmap."""
    return len(paths) > 0 and paths[u] * TARGETS_A_PATH >= num_targets


@jit
def fill(
    row, shell_of, slots, second, num_targets, known_start, known_stop, known, bits, tried, state
):
    """Fill the ``slots`` of the second shell by tries of any target, :data:`TRIES` a slot at most.

    ``second`` is the bitmap of the query; ``tried`` has room for as many targets as there are
    slots, and one more. Returns the number of slots that are left, and the state.
    """
    left, j = TRIES * slots, 0
    none = np.int64(-1)  # the query is not among its second neighbours
    mask = bitmap.mark(bits, known, known_start, known_stop, none, slots)
    while slots > 0 and left > 0:
        tries, size = min(slots, left), np.uint64(0)
        for _ in range(tries):
            state += GOLDEN
            v = np.uint64(below(state, num_targets))
            tried[size] = v  # written in any case and kept if inside: no branch to mispredict
            size += (second[v >> np.uint64(6)] >> (v & np.uint64(63))) & np.uint64(1)
        for t in range(np.int64(size)):
            v = np.int64(tried[t])
            excluded = bitmap.may_hold(bits, mask, v)
            if excluded and bitmap.holds(mask, known, known_start, known_stop, none, v):
                continue
            while shell_of[j] != 2:
                j += 1
            row[j] = v
            j += 1
            slots -= 1
        left -= tries
    bitmap.clear(bits, mask, known, known_start, known_stop, none)
    return slots, state


@jit
def log_prob(lo, hi, out, rows, targets, second, sizes, known_indptr, known):
    """Log probability of ``targets [B, K]`` as uniform second neighbours that are not known.

    NaN in rows that have none. A known second neighbour gets the value of any other.
    """
    for i in range(lo, hi):
        row, size = second[rows[i]], sizes[rows[i]]
        for e in range(known_indptr[rows[i]], known_indptr[rows[i] + 1]):
            size -= bitmap.may_hold(row, bitmap.ALL, known[e])
        inside, outside = np.nan, np.nan
        if size > 0:
            inside, outside = log(1.0 / size), -np.inf
        for j in range(targets.shape[1]):
            near = bitmap.may_hold(row, bitmap.ALL, targets[i, j])
            out[i, j] = inside if near else outside
