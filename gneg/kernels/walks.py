"""Random-walk proposals: two weighted steps, uniform walks of any length, walks with restart.

The walked graph and the known edges are two CSR pairs. In a bipartite graph the walk runs over
one joint id space, rows first; ``target_shift`` says where the targets begin.
"""

from __future__ import annotations

import numpy as np

from gneg.kernels._jit import GOLDEN, below, has, jit, stream, unit


@jit
def _first_step(u, state, indptr, indices, accept, alias):
    """Middle node drawn from u's row, by its alias table if there is one; uses two draws."""
    start = indptr[u]
    offset = below(state + GOLDEN, indptr[u + 1] - start)
    if len(accept) and unit(state + GOLDEN + GOLDEN) >= accept[start + offset]:
        offset = alias[start + offset]
    return indices[start + offset]


@jit
def _way_on(w, indptr, accept, pass_weight):
    """Number of second steps; none through a node without weight.

    A row of only such nodes has a uniform table.
    """
    if len(accept) and pass_weight[w] <= 0:
        return np.int64(0)
    return indptr[w + 1] - indptr[w]


@jit
def _usable(v, u, start, stop, known, no_self):
    return not (no_self and v == u) and not has(known, start, stop, v)


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
    tries,
):
    """Draw targets of two-step walks, usable ones only: u -> w by its table, w -> v uniformly.

    The K walks of a row advance together, so that their cache misses overlap. A slot that rejects
    ``tries`` times makes the row fall back to its enumerated distribution, so the result follows
    the conditional distribution exactly; slots stay -1 only where that is empty.
    """
    k = out.shape[1]
    begin, degree = np.empty(k, np.int64), np.empty(k, np.int64)
    for i in range(lo, hi):
        u = rows[i]
        if indptr[u] == indptr[u + 1]:
            continue
        start, stop = known_indptr[u], known_indptr[u + 1]
        state = stream(seed, i)
        for j in range(k):
            w = _first_step(u, state, indptr, indices, accept, alias)
            state += GOLDEN + GOLDEN
            begin[j] = indptr[w]
            degree[j] = _way_on(w, indptr, accept, pass_weight)
        for j in range(k):
            state += GOLDEN
            if degree[j] > 0:
                out[i, j] = indices[begin[j] + below(state, degree[j])]
        for j in range(k):
            if out[i, j] >= 0 and _usable(out[i, j], u, start, stop, known, no_self):
                continue
            out[i, j] = -1
            for _attempt in range(tries):
                w = _first_step(u, state, indptr, indices, accept, alias)
                state += GOLDEN + GOLDEN + GOLDEN
                size = _way_on(w, indptr, accept, pass_weight)
                if size == 0:
                    continue
                v = indices[indptr[w] + below(state, size)]
                if _usable(v, u, start, stop, known, no_self):
                    out[i, j] = v
                    break
            if out[i, j] < 0:
                for rest in range(j + 1, k):
                    if out[i, rest] >= 0 and not _usable(
                        out[i, rest], u, start, stop, known, no_self
                    ):
                        out[i, rest] = -1
                _enumerate(
                    out[i], u, indptr, indices, pass_weight, start, stop, known, no_self, state
                )
                break


@jit
def _enumerate(row, u, indptr, indices, pass_weight, start, stop, known, no_self, state):
    """Fill the -1 slots of ``row`` by inverting the walk's conditional distribution.

    Two passes over all two-step paths: the first adds up the usable weight, the second stops at
    each slot's share of it. Needs memory for K numbers only.
    """
    total = 0.0
    for e in range(indptr[u], indptr[u + 1]):
        w = indices[e]
        usable = 0
        for f in range(indptr[w], indptr[w + 1]):
            usable += _usable(indices[f], u, start, stop, known, no_self)
        total += usable * pass_weight[w]
    if total <= 0:
        return
    slots = np.flatnonzero(row < 0)
    goals = np.empty(len(slots), np.float64)
    for s in range(len(slots)):
        state += GOLDEN
        goals[s] = unit(state) * total
    order = np.argsort(goals)
    reached, seen, last = 0, 0.0, np.int64(-1)
    for e in range(indptr[u], indptr[u + 1]):
        w = indices[e]
        for f in range(indptr[w], indptr[w + 1]):
            v = indices[f]
            if pass_weight[w] <= 0 or not _usable(v, u, start, stop, known, no_self):
                continue
            seen += pass_weight[w]
            last = v
            while reached < len(order) and goals[order[reached]] < seen:
                row[slots[order[reached]]] = v
                reached += 1
        if reached == len(order):
            return
    for r in range(reached, len(order)):  # rounding at the very end of the sum
        row[slots[order[r]]] = last


@jit
def steps(
    lo,
    hi,
    out,
    rows,
    indptr,
    indices,
    target_shift,
    num_targets,
    known_indptr,
    known,
    num_steps,
    restart,
    no_self,
    seed,
    tries,
):
    """Draw end points of uniform walks, ``num_steps`` long.

    With ``restart`` > 0 the length is geometric: the end point follows personalised PageRank, cut
    off where a walk goes on with probability below 1e-9. Where one slot rejects ``tries`` times,
    the rest of its row is left -1.
    """
    k = out.shape[1]
    limit = num_steps if restart <= 0 else np.int64(np.ceil(-21.0 / np.log1p(-restart)))
    for i in range(lo, hi):
        u = rows[i]
        start, stop = known_indptr[u], known_indptr[u + 1]
        state = stream(seed, i)
        for j in range(k):
            for _attempt in range(tries):
                node = u
                for _taken in range(limit):
                    state += GOLDEN
                    if restart > 0 and unit(state) < restart:
                        break
                    size = indptr[node + 1] - indptr[node]
                    if size == 0:
                        node = np.int64(-1)
                        break
                    state += GOLDEN
                    node = np.int64(indices[indptr[node] + below(state, size)])
                v = node - target_shift
                inside = node >= 0 and 0 <= v < num_targets
                if inside and _usable(v, u, start, stop, known, no_self):
                    out[i, j] = v
                    break
            if out[i, j] < 0:
                break


@jit
def allowed_mass(
    lo, hi, out, rows, indptr, indices, pass_weight, known_indptr, known, no_self, mark
):
    """Unnormalised probability that a two-step walk from each row ends on a usable target."""
    for i in range(lo, hi):
        u = rows[i]
        mark[-1] += 1
        stamp = mark[-1]
        for e in range(known_indptr[u], known_indptr[u + 1]):
            mark[known[e]] = stamp
        if no_self:
            mark[u] = stamp
        total = 0.0
        for e in range(indptr[u], indptr[u + 1]):
            w = indices[e]
            usable = 0
            for f in range(indptr[w], indptr[w + 1]):
                usable += mark[indices[f]] != stamp
            total += usable * pass_weight[w]
        out[i] = total
