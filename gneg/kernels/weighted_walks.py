"""Two-step walks on a weighted graph: u -> w by its own table, w -> v in proportion to weight.

A walk ends at v with a probability ~ sum over w of ``W[u, w] * through[w] * W[w, v]``.
"""

from __future__ import annotations

import numpy as np

from gneg.kernels import bitmap
from gneg.kernels._jit import GOLDEN, below, jit, stream, unit, upper_bound
from gneg.kernels.listed_walks import (
    MOST_PATHS,
    PATHS_A_TRY,
    least_rejected,
    num_paths,
    num_usable,
)
from gneg.kernels.prefetch import ask_ahead
from gneg.kernels.walks import TESTS

DRAWS = 4  # of each try: two steps by their tables


@jit
def pick(state, first, size, accept, alias):
    """An edge of the row that begins at ``first``, by the row's alias table.

    Takes the draws at ``state`` and after it.
    """
    offset = below(state, size)
    if unit(state + GOLDEN) >= accept[first + offset]:
        offset = alias[first + offset]
    return first + offset


@jit
def two_steps(
    lo,
    hi,
    out,
    rows,
    indptr,
    indices,
    first_accept,
    first_alias,
    accept,
    alias,
    weights,
    through,
    known_rows,
    known_indptr,
    known,
    no_self,
    seed,
    bits,
):
    """Draw targets of two-step walks, usable ones only.

    A row that rejects too often is listed instead, so the result follows the conditional
    distribution exactly; slots stay -1 only where that is empty. ``known_rows [B]`` are the rows of
    known edges; ``bits`` are zeros, one for each target, or none.
    """
    k, exact = out.shape[1], len(bits) > 0
    hashed = bits if exact else bitmap.empty(TESTS * k)
    for i in range(lo, hi):
        ask_ahead(i, hi, rows, indptr, indices)
        ask_ahead(i, hi, known_rows, known_indptr, known)
        u = rows[i]
        first, fanout = indptr[u], indptr[u + 1] - indptr[u]
        if fanout == 0:
            continue
        start, stop = known_indptr[known_rows[i]], known_indptr[known_rows[i] + 1]
        loop = u if no_self else np.int64(-1)
        mask = bitmap.marked(hashed, exact, known, start, stop, loop, TESTS * k)
        state = stream(seed, i)
        failed, filled, allowed = 0, 0, max(least_rejected(k), fanout // 4)
        while filled < k and failed < allowed:
            here = state + GOLDEN
            state += GOLDEN * np.uint64(DRAWS)
            w = indices[pick(here, first, fanout, first_accept, first_alias)]
            begin, size = indptr[w], indptr[w + 1] - indptr[w]
            good = size > 0 and through[w] > 0
            if good:
                here += GOLDEN + GOLDEN  # uint64: a product with an int would be a float
                v = np.int64(indices[pick(here, begin, size, accept, alias)])
                good = not (
                    bitmap.may_hold(hashed, mask, v)
                    and bitmap.holds(mask, known, start, stop, loop, v)
                )
                out[i, filled] = v if good else -1
            filled += good
            failed += not good
            if failed == allowed:
                allowed = max(allowed, num_paths(u, indptr, indices) // PATHS_A_TRY)
        bitmap.clear(hashed, mask, known, start, stop, loop)
        if filled < k:
            slots = out[i, filled:]
            _from_list(
                slots, u, indptr, indices, weights, through, bits, known, start, stop, loop, state
            )


@jit
def _from_list(slots, u, indptr, indices, weights, through, bits, known, start, stop, loop, state):
    """Fill ``slots`` from the list of all usable walks."""
    room = num_paths(u, indptr, indices)
    if room > MOST_PATHS:
        room = num_usable(u, indptr, indices, bits, known, start, stop, loop)
    # All allocated before the row is marked: if memory is out, its marks would stay.
    ends, reached = np.empty(room, np.int64), np.empty(room, np.float64)
    bits, mask = bitmap.wholly_marked(bits, known, start, stop, loop)
    size, total = 0, 0.0
    for e in range(indptr[u], indptr[u + 1]):
        w = indices[e]
        for f in range(indptr[w], indptr[w + 1]):
            v = indices[f]
            excluded = bitmap.may_hold(bits, mask, v) and bitmap.holds(
                mask, known, start, stop, loop, v
            )
            if through[w] > 0 and not excluded:
                total += weights[e] * through[w] * weights[f]
                ends[size], reached[size] = v, total
                size += 1
    bitmap.clear(bits, mask, known, start, stop, loop)
    if size == 0:
        return
    for j in range(len(slots)):
        state += GOLDEN
        at = upper_bound(reached, size, unit(state) * total)
        slots[j] = ends[min(at, size - 1)]


@jit
def allowed_mass(
    lo, hi, out, rows, indptr, indices, weights, through, known_indptr, known, no_self, bits
):
    """Unnormalised probability that a walk from each row ends on a usable target.

    ``bits`` are zeros, one for each target, or none.
    """
    for i in range(lo, hi):
        u = rows[i]
        start, stop = known_indptr[u], known_indptr[u + 1]
        loop = u if no_self else np.int64(-1)
        hashed, mask = bitmap.wholly_marked(bits, known, start, stop, loop)
        out[i] = 0.0
        for e in range(indptr[u], indptr[u + 1]):
            w = indices[e]
            usable = 0.0
            for f in range(indptr[w], indptr[w + 1]):
                v = indices[f]
                excluded = bitmap.may_hold(hashed, mask, v) and bitmap.holds(
                    mask, known, start, stop, loop, v
                )
                usable += weights[f] * (not excluded)
            out[i] += weights[e] * through[w] * usable
        bitmap.clear(hashed, mask, known, start, stop, loop)


@jit
def mass(
    lo,
    hi,
    out,
    rows,
    targets,
    indptr,
    indices,
    weights,
    in_indptr,
    in_indices,
    in_weights,
    through,
    values,
):
    """``out[i, j]`` = unnormalised probability of a walk from ``rows[i]`` to ``targets[i, j]``.

    ``values`` are zeros, and are left so. Targets below 0 have none.
    """
    for i in range(lo, hi):
        start, stop = indptr[rows[i]], indptr[rows[i] + 1]
        for e in range(start, stop):
            values[indices[e]] = weights[e] * through[indices[e]]
        for j in range(targets.shape[1]):
            out[i, j] = 0.0
            v = targets[i, j]
            if v >= 0:
                for e in range(in_indptr[v], in_indptr[v + 1]):
                    out[i, j] += values[in_indices[e]] * in_weights[e]
        for e in range(start, stop):
            values[indices[e]] = 0.0
