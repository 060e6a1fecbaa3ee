"""Two-step walks, one for each query: many queries advance together."""

from __future__ import annotations

import numpy as np

from gneg.kernels._jit import GOLDEN, below, has, jit, stream, unit
from gneg.kernels.listed_walks import (
    LEAST_OF_ONE,
    PATHS_A_TRY,
    from_list,
    num_paths,
    scratch,
)
from gneg.kernels.prefetch import ask_ahead, ask_for
from gneg.kernels.walks import DRAWS

TOGETHER = 64  # queries


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
    """Draw ``out [B, 1]``, what :func:`gneg.kernels.walks.two_steps` draws with K = 1.

    A single walk is a chain of reads that wait for each other. Those of many queries do not, so
    each step is a loop over some that have no target yet; others follow those that have.
    """
    weighted = len(accept) > 0
    # Of the queries that have no target yet: what each step would read again.
    row, state = np.empty(TOGETHER, np.int64), np.empty(TOGETHER, np.uint64)
    failed, allowed = np.empty(TOGETHER, np.int64), np.empty(TOGETHER, np.int64)
    first, fanout = np.empty(TOGETHER, np.int64), np.empty(TOGETHER, np.int64)
    place, size = np.empty(TOGETHER, np.int64), np.empty(TOGETHER, np.int64)
    room, num, upcoming = scratch(1), np.uint64(0), lo
    while num > 0 or upcoming < hi:
        while num < TOGETHER and upcoming < hi:
            i = upcoming
            ask_ahead(i, hi, rows, indptr, indices)
            ask_ahead(i, hi, known_rows, known_indptr, known)
            u = np.uint64(rows[i])
            row[num], state[num] = i, stream(seed, i)
            first[num], fanout[num] = indptr[u], indptr[u + np.uint64(1)] - indptr[u]
            failed[num], allowed[num] = 0, max(LEAST_OF_ONE, fanout[num] // 4)
            num += np.uint64(fanout[num] > 0)
            upcoming += 1
        # Draws apart from reads: the former then take vector instructions.
        for p in range(num):
            place[p] = first[p] + below(state[p] + GOLDEN, fanout[p])
        if weighted:
            for p in range(num):
                at = np.uint64(place[p])
                other = first[p] + alias[at]  # read in any case: no branch to mispredict
                stays = unit(state[p] + GOLDEN + GOLDEN) < accept[at]
                place[p] = place[p] if stays else other
        for p in range(num):
            ask_for(indices, place[p])
        for p in range(num):
            place[p] = indices[np.uint64(place[p])]
            ask_for(indptr, place[p])
        for p in range(num):
            w = np.uint64(place[p])
            place[p], size[p] = indptr[w], indptr[w + np.uint64(1)] - indptr[w]
            if weighted and pass_weight[w] <= 0:
                size[p] = 0
        for p in range(num):
            state[p] += GOLDEN * np.uint64(DRAWS)
            place[p] += below(state[p], size[p])
        for p in range(num):
            ask_for(indices, place[p])
        for p in range(num):
            place[p] = indices[np.uint64(place[p])] if size[p] > 0 else np.int64(-1)
        rejected = np.uint64(0)
        for p in range(num):
            i, v = np.uint64(row[p]), place[p]
            known_row = np.uint64(known_rows[i])
            start, stop = known_indptr[known_row], known_indptr[known_row + np.uint64(1)]
            known_edge = has(known, start, stop, v)
            out[i, 0] = v  # drawn anew if it is bad: no branch to mispredict
            row[rejected], state[rejected] = i, state[p]
            first[rejected], fanout[rejected] = first[p], fanout[p]
            failed[rejected], allowed[rejected] = failed[p] + 1, allowed[p]
            rejected += np.uint64(v < 0 or known_edge or (no_self and v == rows[i]))
        num = np.uint64(0)
        for p in range(rejected):
            i = row[p]
            u = rows[i]
            if failed[p] >= allowed[p]:
                allowed[p] = max(allowed[p], num_paths(u, indptr, indices) // PATHS_A_TRY)
            if failed[p] >= allowed[p]:
                out[i, 0] = -1
                start, stop = known_indptr[known_rows[i]], known_indptr[known_rows[i] + 1]
                loop = u if no_self else np.int64(-1)
                weights = indptr, indices, pass_weight
                from_list(out[i], u, *weights, bits, known, start, stop, loop, state[p], room)
                continue
            row[num], state[num] = i, state[p]
            first[num], fanout[num] = first[p], fanout[p]
            failed[num], allowed[num] = failed[p], allowed[p]
            num += np.uint64(1)
