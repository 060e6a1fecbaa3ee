"""Random-walk proposals: two weighted steps.

The walked graph and the known edges are two CSR pairs, read at ``rows [B]`` and at
``known_rows [B]``, the same unless the known ones are triples.
"""

from __future__ import annotations

import numpy as np

from gneg.kernels import bitmap
from gneg.kernels._jit import GOLDEN, below, jit, stream, unit
from gneg.kernels.listed_walks import (
    PATHS_A_TRY,
    from_list,
    least_rejected,
    num_paths,
    scratch,
    usable_after,
)
from gneg.kernels.prefetch import ask_ahead, ask_for

TESTS = 1  # tests of a row's bitmap for each slot, as far as its length is concerned
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
    room = scratch(k)
    for i in range(lo, hi):
        ask_ahead(i, hi, rows, indptr, indices)
        ask_ahead(i, hi, known_rows, known_indptr, known)
        u, row = rows[i], out[i]
        first, fanout = indptr[u], indptr[u + 1] - indptr[u]
        if fanout == 0:
            continue
        start, stop = known_indptr[known_rows[i]], known_indptr[known_rows[i] + 1]
        loop = u if no_self else np.int64(-1)
        state = stream(seed, i)
        filled, failed, allowed = 0, 0, max(least_rejected(k), fanout // 4)
        mask = bitmap.marked(hashed, exact, known, start, stop, loop, TESTS * k)
        while filled < k and failed < allowed:
            # Draws apart from reads, and positions that cannot be negative: the former then take
            # vector instructions, the latter no test.
            tries = min(k - filled, allowed - failed)
            for j in range(tries):
                place[j] = first + below(state + GOLDEN * np.uint64(DRAWS * j + 1), fanout)
            if weighted:
                for j in range(tries):
                    at = np.uint64(place[j])
                    other = first + alias[at]  # read in any case: no branch to mispredict
                    stays = unit(state + GOLDEN * np.uint64(DRAWS * j + 2)) < accept[at]
                    place[j] = place[j] if stays else other
            for j in range(tries):
                place[j] = indices[np.uint64(place[j])]
                ask_for(indptr, place[j])
            lost = False
            for j in range(tries):
                w = np.uint64(place[j])
                place[j], size[j] = indptr[w], indptr[w + np.uint64(1)] - indptr[w]
                if weighted and pass_weight[w] <= 0:
                    size[j] = 0  # no way on; a row of only such nodes has a uniform table
                lost |= size[j] == 0
            for j in range(tries):
                place[j] += below(state + GOLDEN * np.uint64(DRAWS * j + 3), size[j])
            for j in range(tries):
                ask_for(indices, place[j])
            state += GOLDEN * np.uint64(DRAWS * tries)
            failed += tries + filled
            # Written in any case and kept if good.
            if mask == bitmap.ALL and not lost:  # nearly always
                for j in range(tries):
                    v = np.uint64(indices[np.uint64(place[j])])
                    row[np.uint64(filled)] = v
                    filled += bitmap.is_clear(hashed, v)
            else:
                for j in range(tries):
                    v = np.int64(indices[np.uint64(place[j]) if size[j] > 0 else np.uint64(first)])
                    excluded = bitmap.may_hold(hashed, mask, v)
                    if mask != bitmap.ALL and excluded:
                        excluded = bitmap.holds(mask, known, start, stop, loop, v)
                    row[np.uint64(filled)] = v
                    filled += size[j] > 0 and not excluded
            failed -= filled
            # The number of the row's paths takes a pass over the row to know, so not before tries
            # have cost as much.
            if filled < k and failed == allowed:
                allowed = max(allowed, num_paths(u, indptr, indices) // PATHS_A_TRY)
        bitmap.clear(hashed, mask, known, start, stop, loop)
        if filled < k:
            slots = row[filled:]
            slots[:] = -1
            from_list(
                slots, u, indptr, indices, pass_weight, bits, known, start, stop, loop, state, room
            )


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
            usable = usable_after(w, indptr, indices, hashed, mask, known, start, stop, loop)
            total += usable * pass_weight[w]
        bitmap.clear(hashed, mask, known, start, stop, loop)
        out[i] = total
