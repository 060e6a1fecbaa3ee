"""Second neighbours of every node as bitmaps, for graphs small enough to keep them.

One look in a bitmap of N bits, which stays in the nearest cache for all slots of a row, takes the
place of a search for a path of two steps.
"""

from __future__ import annotations

import numpy as np

from gneg.kernels import bitmap
from gneg.kernels._jit import GOLDEN, below, jit
from gneg.kernels.ball import fill_from_list, num_slots
from gneg.kernels.logs import log

# Measured: so many second neighbours are listed in the time of a try.
LISTED_A_TRY = 2


@jit
def mark(lo, hi, out, indptr, indices):
    """Set the bits of each row's neighbours in ``out [N, words]``, zeros."""
    for i in range(lo, hi):
        start, stop = indptr[i], indptr[i + 1]
        bitmap.mark_all(out[i], bitmap.ALL, indices, start, stop, np.int64(-1))


@jit
def unite(lo, hi, out, sizes, neighbors, indptr, indices):
    """Set the bits of the nodes at distance two in ``out [N, words]``, zeros.

    ``sizes [N]`` become their numbers; ``neighbors`` are the bitmaps of :func:`mark`.
    """
    for i in range(lo, hi):
        row, adjacent = out[i], neighbors[i]
        for e in range(indptr[i], indptr[i + 1]):
            reached = neighbors[indices[e]]
            for w in range(len(row)):
                row[w] |= reached[w]
        row[i >> 6] &= ~(np.uint64(1) << np.uint64(i & 63))
        size = 0
        for w in range(len(row)):
            row[w] &= ~adjacent[w]
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
def fill(
    row, shell_of, second, size, num_targets, known_start, known_stop, known, bits, tried, state
):
    """Fill the slots of the second shell: by tries of any target, or from the list of the shell.

    No tries where listing is expected to cost less, and no more than cost twice as much.

    Args:
        row: ``[K]``, the targets of the query.
        shell_of: ``[K]``, the shell of each slot.
        second: ``[words]``, the bitmap of the query.
        size: Number of its ones.
        num_targets: Number of targets.
        known_start: Where the query's known edges begin.
        known_stop: Where they end.
        known: The targets of known edges.
        bits: Room for a bitmap of known edges.
        tried: ``[K]``, room for targets.
        state: The state of the draws.

    Returns:
        The state.
    """
    slots, j = num_slots(shell_of, 2), 0
    if slots * num_targets * LISTED_A_TRY > size * size:  # tries are targets / size a slot
        listed = _listed(second, known_start, known_stop, known)
        return fill_from_list(row, shell_of, 2, listed, state)
    left = 2 * size // LISTED_A_TRY
    none = np.int64(-1)  # the query is not among its second neighbours
    mask = bitmap.mark(bits, known, known_start, known_stop, none, slots)
    while slots > 0 and left > 0:
        # Draws apart from looks: the former then take vector instructions.
        tries, hits = min(slots, left), np.uint64(0)
        for t in range(tries):
            tried[t] = below(state + GOLDEN * np.uint64(t + 1), num_targets)
        state += GOLDEN * np.uint64(tries)
        for t in range(tries):
            v = np.uint64(tried[t])
            tried[hits] = v  # written in any case and kept if inside: no branch to mispredict
            hits += (second[v >> np.uint64(6)] >> (v & np.uint64(63))) & np.uint64(1)
        for t in range(np.int64(hits)):
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
    if slots > 0:
        listed = _listed(second, known_start, known_stop, known)
        return fill_from_list(row, shell_of, 2, listed, state)
    return state


@jit
def _listed(second, known_start, known_stop, known):
    """Return the second neighbours of a bitmap that are not known, ascending."""
    free, one, size = second.copy(), np.uint64(1), 0
    for e in range(known_start, known_stop):
        v = np.uint64(known[e])
        free[v >> np.uint64(6)] &= ~(one << (v & np.uint64(63)))
    for w in range(len(free)):
        size += _ones(free[w])
    listed, at = np.empty(size, np.int64), 0
    for w in range(len(free)):
        word = free[w]
        while word != np.uint64(0):
            listed[at] = 64 * w + _ones((word & (~word + one)) - one)
            word &= word - one
            at += 1
    return listed


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
