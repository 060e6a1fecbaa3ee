"""Random-walk proposals: two weighted steps.

The walked graph and the known edges are two CSR pairs, read at ``rows [B]`` and at
``known_rows [B]``, the same unless the known ones are triples.
"""

from __future__ import annotations

import numpy as np

from gneg.kernels import bitmap
from gneg.kernels._jit import GOLDEN, below, jit, stream, unit, upper_bound
from gneg.kernels.prefetch import ask_ahead, ask_for

TESTS = 1  # tests of a row's bitmap for each slot, as far as its length is concerned
MOST_PATHS = 2**20  # of a row, up to which there is room for all of them
# A row is listed once it has rejected this many tries, and so many that they cost about what
# listing costs, where a path takes this fraction of a try's time. So a row that holds nothing costs
# twice its list, and others seldom need one.
LEAST_REJECTED = 64
PATHS_A_TRY = 8
DRAWS = 3  # of each try: a first step by its table, and a second one


@jit
def two_steps(
    lo,
    hi,
    out,
    rows,
    indptr,
    indices,
    accept,
    alias,
    pass_weight,
    known_rows,
    known_indptr,
    known,
    no_self,
    seed,
    bits,
):
    """Draw targets of two-step walks, usable ones only: u -> w by its table, w -> v uniformly.

    The walks of a row advance together, so that their cache misses overlap. A row that rejects too
    often is listed instead, so the result follows the conditional distribution exactly; slots stay
    -1 only where that is empty. ``bits`` are zeros, one for each target, or none.

    Tries are a sequence, each with draws of its own: what is drawn does not depend on how many of
    them are made at once.
    """
    k = out.shape[1]
    weighted, exact = len(accept) > 0, len(bits) > 0
    hashed = bits if exact else bitmap.empty(TESTS * k)
    place, size = np.empty(k, np.int64), np.empty(k, np.int64)
    for i in range(lo, hi):
        ask_ahead(i, hi, rows, indptr, indices)
        ask_ahead(i, hi, known_rows, known_indptr, known)
        u = rows[i]
        first, fanout = indptr[u], indptr[u + 1] - indptr[u]
        if fanout == 0:
            continue
        start, stop = known_indptr[known_rows[i]], known_indptr[known_rows[i] + 1]
        loop = u if no_self else np.int64(-1)
        state = stream(seed, i)
        mask = bitmap.marked(hashed, exact, known, start, stop, loop, TESTS * k)
        filled, failed, allowed = 0, 0, max(LEAST_REJECTED, fanout // 4)
        while filled < k and failed < allowed:
            # Draws apart from reads, and positions that cannot be negative: the former then take
            # vector instructions, the latter no test.
            tries = min(k - filled, allowed - failed)
            for j in range(tries):
                place[j] = first + below(state + GOLDEN * np.uint64(DRAWS * j + 1), fanout)
            if weighted:
                for j in range(tries):
                    if unit(state + GOLDEN * np.uint64(DRAWS * j + 2)) >= accept[place[j]]:
                        place[j] = first + alias[place[j]]
            for j in range(tries):
                place[j] = indices[np.uint64(place[j])]
                ask_for(indptr, place[j])
            for j in range(tries):
                w = np.uint64(place[j])
                place[j], size[j] = indptr[w], indptr[w + np.uint64(1)] - indptr[w]
                if weighted and pass_weight[w] <= 0:
                    size[j] = 0  # no way on; a row of only such nodes has a uniform table
            for j in range(tries):
                place[j] += below(state + GOLDEN * np.uint64(DRAWS * j + 3), size[j])
                ask_for(indices, place[j])
            state += GOLDEN * np.uint64(DRAWS * tries)
            failed += tries + filled
            for j in range(tries):
                v = np.int64(indices[np.uint64(place[j]) if size[j] > 0 else np.uint64(first)])
                excluded = bitmap.may_hold(hashed, mask, v)
                if mask != bitmap.ALL and excluded:
                    excluded = bitmap.holds(mask, known, start, stop, loop, v)
                # Written in any case and kept if good: no branch to mispredict.
                out[i, filled] = v
                filled += size[j] > 0 and not excluded
            failed -= filled
            # The number of the row's paths takes a pass over the row to know, so not before tries
            # have cost as much.
            if filled < k and failed == allowed:
                allowed = max(allowed, num_paths(u, indptr, indices) // PATHS_A_TRY)
        bitmap.clear(hashed, mask, known, start, stop, loop)
        if filled < k:
            slots = out[i, filled:]
            slots[:] = -1
            from_list(slots, u, indptr, indices, pass_weight, bits, known, start, stop, loop, state)


@jit
def num_paths(u, indptr, indices):
    """Number of two-step walks from ``u``."""
    paths = np.int64(0)
    for e in range(indptr[u], indptr[u + 1]):
        paths += indptr[indices[e] + 1] - indptr[indices[e]]
    return paths


@jit
def num_usable(u, indptr, indices, bits, known, start, stop, loop):
    """Number of two-step walks from ``u`` that end on a usable target."""
    bits, mask = bitmap.wholly_marked(bits, known, start, stop, loop)
    usable = np.int64(0)
    for e in range(indptr[u], indptr[u + 1]):
        usable += _usable_after(indices[e], indptr, indices, bits, mask, known, start, stop, loop)
    bitmap.clear(bits, mask, known, start, stop, loop)
    return usable


@jit
def _usable_after(w, indptr, indices, bits, mask, known, start, stop, loop):
    """Number of steps from ``w`` to a usable target."""
    usable = 0
    for f in range(indptr[w], indptr[w + 1]):
        v = indices[f]
        excluded = bitmap.may_hold(bits, mask, v)
        if mask != bitmap.ALL and excluded:
            excluded = bitmap.holds(mask, known, start, stop, loop, v)
        usable += not excluded
    return usable


@jit
def from_list(slots, u, indptr, indices, pass_weight, bits, known, start, stop, loop, state):
    """Fill ``slots`` from the list of all usable two-step walks."""
    fanout = indptr[u + 1] - indptr[u]
    last, reached = np.empty(fanout, np.int64), np.empty(fanout, np.float64)
    room = num_paths(u, indptr, indices)
    if room > MOST_PATHS:
        room = num_usable(u, indptr, indices, bits, known, start, stop, loop)
    # All allocated before the row is marked: if memory is out, its marks would stay.
    ends = np.empty(room + 1, np.int64)
    bits, mask = bitmap.wholly_marked(bits, known, start, stop, loop)
    size, ways, total, exact = 0, 0, 0.0, mask == bitmap.ALL
    for e in range(indptr[u], indptr[u + 1]):
        w, before = indices[e], size
        if pass_weight[w] <= 0:
            continue
        for f in range(indptr[w], indptr[w + 1]):
            v = indices[f]
            excluded = bitmap.may_hold(bits, mask, v)
            if not exact and excluded:
                excluded = bitmap.holds(mask, known, start, stop, loop, v)
            ends[size] = v  # kept if it is usable
            size += not excluded
        if size > before:
            total += (size - before) * pass_weight[w]
            last[ways], reached[ways] = size, total
            ways += 1
    bitmap.clear(bits, mask, known, start, stop, loop)
    if size == 0:
        return
    for j in range(len(slots)):
        way = min(upper_bound(reached, ways, unit(state + GOLDEN) * total), ways - 1)
        state += GOLDEN + GOLDEN
        before = last[way - 1] if way > 0 else 0
        slots[j] = ends[before + below(state, last[way] - before)]


@jit
def allowed_mass(
    lo, hi, out, rows, indptr, indices, pass_weight, known_indptr, known, no_self, bits
):
    """Unnormalised probability that a two-step walk from each row ends on a usable target.

    ``bits`` are zeros, one for each target, or none.
    """
    for i in range(lo, hi):
        u = rows[i]
        start, stop = known_indptr[u], known_indptr[u + 1]
        loop = u if no_self else np.int64(-1)
        hashed, mask = bitmap.wholly_marked(bits, known, start, stop, loop)
        total = 0.0
        for e in range(indptr[u], indptr[u + 1]):
            w = indices[e]
            usable = _usable_after(w, indptr, indices, hashed, mask, known, start, stop, loop)
            total += usable * pass_weight[w]
        bitmap.clear(hashed, mask, known, start, stop, loop)
        out[i] = total
