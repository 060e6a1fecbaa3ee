"""Two-step walks, one for each query: many queries advance together."""

from __future__ import annotations

import numpy as np

from gneg.kernels._jit import GOLDEN, below, has, jit, stream, unit
from gneg.kernels.listed_walks import (
    LEAST_REJECTED,
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
    each step is a loop over all that have no target yet.
    """
    weighted = len(accept) > 0
    row, state = np.empty(TOGETHER, np.int64), np.empty(TOGETHER, np.uint64)
    failed, allowed = np.empty(TOGETHER, np.int64), np.empty(TOGETHER, np.int64)
    place, size = np.empty(TOGETHER, np.int64), np.empty(TOGETHER, np.int64)
    room = scratch(1)
    for low in range(lo, hi, TOGETHER):
        num = 0
        for i in range(low, min(low + TOGETHER, hi)):
            ask_ahead(i, hi, rows, indptr, indices)
            ask_ahead(i, hi, known_rows, known_indptr, known)
            fanout = indptr[rows[i] + 1] - indptr[rows[i]]
            row[num], state[num] = i, stream(seed, i)
            failed[num], allowed[num] = 0, max(LEAST_REJECTED, fanout // 4)
            num += fanout > 0
        while num > 0:
            for p in range(num):
                first = indptr[rows[row[p]]]
                place[p] = first + below(state[p] + GOLDEN, indptr[rows[row[p]] + 1] - first)
                if weighted and unit(state[p] + GOLDEN + GOLDEN) >= accept[place[p]]:
                    place[p] = first + alias[place[p]]
                ask_for(indices, place[p])
                state[p] += GOLDEN * np.uint64(DRAWS)
            for p in range(num):
                place[p] = indices[place[p]]
                ask_for(indptr, place[p])
            for p in range(num):
                w = place[p]
                place[p], size[p] = indptr[w], indptr[w + 1] - indptr[w]
                if weighted and pass_weight[w] <= 0:
                    size[p] = 0
                place[p] += below(state[p], size[p])
                ask_for(indices, place[p])
            for p in range(num):
                place[p] = indices[place[p]] if size[p] > 0 else np.int64(-1)
            rejected = 0
            for p in range(num):
                i, v = row[p], place[p]
                u = rows[i]
                start, stop = known_indptr[known_rows[i]], known_indptr[known_rows[i] + 1]
                known_edge = has(known, start, stop, v)
                out[i, 0] = v  # drawn anew if it is bad: no branch to mispredict
                row[rejected], state[rejected] = i, state[p]
                failed[rejected], allowed[rejected] = failed[p] + 1, allowed[p]
                rejected += v < 0 or known_edge or (no_self and v == u)
            num = 0
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
                failed[num], allowed[num] = failed[p], allowed[p]
                num += 1
