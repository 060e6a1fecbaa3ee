"""Random-walk proposals: two weighted steps, uniform walks of any length, walks with restart.

The walked graph and the known edges are two CSR pairs. In a bipartite graph the walk runs over
one joint id space, rows first; ``target_shift`` says where the targets begin.
"""

from __future__ import annotations

import numpy as np

from gneg.kernels._jit import GOLDEN, below, has, jit, stream, unit, upper_bound

# Measured: up to here stamps (4 bytes each) cost less than searches.
STAMPED_NODES = 3_000_000
# Up to here stamps stay in the nearest caches, and cost next to nothing.
CACHED_NODES = 50_000
# Listing a path takes about this fraction of the time of a try.
PATHS_A_TRY = 32


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
    known_indptr,
    known,
    no_self,
    seed,
    mark,
):
    """Draw targets of two-step walks, usable ones only: u -> w by its table, w -> v uniformly.

    The walks of a row advance together, so that their cache misses overlap. A row that rejects too
    often is listed instead, so the result follows the conditional distribution exactly; slots stay
    -1 only where that is empty.
    """
    k = out.shape[1]
    weighted = len(accept) > 0
    begin, size, end = np.empty(k, np.int64), np.empty(k, np.int64), np.empty(k, np.int64)
    for i in range(lo, hi):
        u = rows[i]
        first, fanout = indptr[u], indptr[u + 1] - indptr[u]
        if fanout == 0:
            continue
        start, stop = known_indptr[u], known_indptr[u + 1]
        state = stream(seed, i)
        # A short known row is stamped, a long one searched: K lookups must pay for the stamps. In
        # a large graph each of them would miss the caches, and so would the paths of a list.
        width = 128 * k if len(mark) <= CACHED_NODES else 8 * k
        stamped = stop - start <= width and len(mark) <= STAMPED_NODES
        if stamped:
            mark[-1] += 1
            _stamp(u, start, stop, known, no_self, mark)
        if stamped and fanout <= k and _num_paths(u, indptr, indices) <= PATHS_A_TRY * k // 2:
            # A few paths are listed in less time than K of them are walked.
            _from_list(out[i], u, indptr, indices, pass_weight, mark, state)
            continue
        stamp = mark[-1]
        filled, failed, allowed, listed = 0, 0, max(4, fanout // 4), False
        while filled < k and not listed:
            tries = k - filled
            for j in range(tries):
                offset = below(state + GOLDEN, fanout)
                if weighted and unit(state + GOLDEN + GOLDEN) >= accept[first + offset]:
                    offset = alias[first + offset]
                state += GOLDEN + GOLDEN
                w = indices[first + offset]
                begin[j], size[j] = indptr[w], indptr[w + 1] - indptr[w]
                if weighted and pass_weight[w] <= 0:
                    size[j] = 0  # no way on; a row of only such nodes has a uniform table
            for j in range(tries):
                state += GOLDEN
                end[j] = indices[begin[j] + below(state, size[j]) if size[j] > 0 else first]
            for j in range(tries):
                v = end[j]
                if stamped:
                    good = size[j] > 0 and mark[v] != stamp
                else:
                    is_self = no_self and v == u
                    good = size[j] > 0 and not is_self and not has(known, start, stop, v)
                # Written in any case and kept if good: no branch to mispredict.
                out[i, filled] = v
                filled += good
            # Rejection is given up when it has cost about what listing the row's paths costs; their
            # number takes a pass over the row to know, so not before that has been spent either.
            failed += k - filled
            if filled < k and failed >= allowed:
                allowed = max(allowed, _num_paths(u, indptr, indices) // PATHS_A_TRY)
                listed = failed >= allowed
        if listed:
            out[i, filled:] = -1
            if not stamped:
                mark[-1] += 1
                _stamp(u, start, stop, known, no_self, mark)
            _from_list(out[i], u, indptr, indices, pass_weight, mark, state)


@jit
def _num_paths(u, indptr, indices):
    """Number of two-step walks from ``u``."""
    paths = np.int64(0)
    for e in range(indptr[u], indptr[u + 1]):
        paths += indptr[indices[e] + 1] - indptr[indices[e]]
    return paths


@jit
def _stamp(u, start, stop, known, no_self, mark):
    """Mark all targets that must not be returned with the highest stamp, ``mark[-1]``."""
    for e in range(start, stop):
        mark[known[e]] = mark[-1]
    if no_self:
        mark[u] = mark[-1]


@jit
def _from_list(row, u, indptr, indices, pass_weight, mark, state):
    """Fill the -1 slots of ``row`` from the list of all usable two-step walks and their weights."""
    paths = _num_paths(u, indptr, indices)
    ends, reached = np.empty(paths, np.int64), np.empty(paths, np.float64)
    size, total = 0, 0.0
    for e in range(indptr[u], indptr[u + 1]):
        w = indices[e]
        if pass_weight[w] <= 0:
            continue
        for f in range(indptr[w], indptr[w + 1]):
            if mark[indices[f]] != mark[-1]:
                total += pass_weight[w]
                ends[size], reached[size] = indices[f], total
                size += 1
    if size == 0:
        return
    for j in range(len(row)):
        if row[j] < 0:
            state += GOLDEN
            at = upper_bound(reached, size, unit(state) * total)
            row[j] = ends[min(at, size - 1)]


@jit
def steps(
    lo,
    hi,
    out,
    rows,
    indptr,
    indices,
    accept,
    alias,
    target_shift,
    num_targets,
    known_indptr,
    known,
    num_steps,
    restart,
    no_self,
    seed,
    tries,
    mark,
):
    """Draw end points of walks, ``num_steps`` long; uniform unless there are tables of weights.

    With ``restart`` > 0 the length is geometric: the end point follows personalised PageRank, cut
    off where a walk goes on with probability below 1e-9. The walks of a row advance together, so
    that their cache misses overlap. Where ``tries`` of them are rejected in a row, the rest of it
    is left -1.
    """
    k = out.shape[1]
    weighted = len(accept) > 0
    limit = num_steps if restart <= 0 else np.int64(np.ceil(-21.0 / np.log1p(-restart)))
    node, live = np.empty(k, np.int64), np.empty(k, np.int64)
    for i in range(lo, hi):
        u = rows[i]
        start, stop = known_indptr[u], known_indptr[u + 1]
        state = stream(seed, i)
        stamped = stop - start <= 16 * k and len(mark) <= CACHED_NODES
        if stamped:
            mark[-1] += 1
            _stamp(u, start, stop, known, no_self, mark)
        filled, failed = 0, 0
        while filled < k and failed < tries:
            walks = k - filled
            for j in range(walks):
                node[j], live[j] = u, j
            left = walks
            for _taken in range(limit):
                on = 0
                for a in range(left):
                    j = live[a]
                    at = node[j]
                    state += GOLDEN
                    goes = restart <= 0 or unit(state) >= restart
                    first, size = indptr[at], indptr[at + 1] - indptr[at]
                    state += GOLDEN
                    place = first + below(state, size) if size > 0 else np.int64(0)
                    if weighted and size > 0:
                        state += GOLDEN
                        if unit(state) >= accept[place]:
                            place = first + alias[place]
                    end = np.int64(indices[place]) if size > 0 else np.int64(-1)
                    # Written in any case: no branch to mispredict.
                    node[j] = end if goes else at
                    live[on] = j
                    on += goes and size > 0
                left = on
                if left == 0:
                    break
            before = filled
            for j in range(walks):  # as many as there are slots left: filled < k
                v = node[j] - target_shift
                good = node[j] >= 0 and 0 <= v < num_targets
                if stamped:
                    good = good and mark[v] != mark[-1]
                else:
                    good = good and not (no_self and v == u) and not has(known, start, stop, v)
                out[i, filled] = v if good else -1
                filled += good
            failed = failed + walks if filled == before else 0


@jit
def allowed_mass(
    lo, hi, out, rows, indptr, indices, pass_weight, known_indptr, known, no_self, mark
):
    """Unnormalised probability that a two-step walk from each row ends on a usable target."""
    for i in range(lo, hi):
        u = rows[i]
        mark[-1] += 1
        _stamp(u, known_indptr[u], known_indptr[u + 1], known, no_self, mark)
        total = 0.0
        for e in range(indptr[u], indptr[u + 1]):
            w = indices[e]
            usable = 0
            for f in range(indptr[w], indptr[w + 1]):
                usable += mark[indices[f]] != mark[-1]
            total += usable * pass_weight[w]
        out[i] = total
