"""Two-step walks of a row, all of them in a list, for rows whose tries are mostly rejected."""

from __future__ import annotations

import numpy as np

from gneg.kernels import bitmap
from gneg.kernels._jit import GOLDEN, below, jit, unit, upper_bound

MOST_PATHS = 2**20  # of a row, up to which there is room for all of them
# A row is listed once it has rejected this many tries, and so many that they cost about what
# listing costs, where a path takes this fraction of a try's time. So a row that holds nothing costs
# twice its list, and others seldom need one. Tries of a single walk, one after the other, take
# several times as long as those of many.
LEAST_REJECTED, LEAST_OF_ONE = 64, 8
PATHS_A_TRY = 8
SHARED = 1024  # of a row, up to which lists are written to the same room
FEW_WAYS = 16  # up to which all are compared with each draw: faster than a search


@jit
def num_paths(u, indptr, indices):
    """Number of two-step walks from ``u``."""
    paths = np.int64(0)
    for e in range(indptr[u], indptr[u + 1]):
        paths += indptr[indices[e] + 1] - indptr[indices[e]]
    return paths


@jit
def least_rejected(k):
    """Number of tries that a row of ``k`` slots rejects before it is listed, at least."""
    return LEAST_REJECTED if k > 1 else LEAST_OF_ONE


@jit
def num_usable(u, indptr, indices, bits, known, start, stop, loop):
    """Number of two-step walks from ``u`` that end on a usable target."""
    bits, mask = bitmap.wholly_marked(bits, known, start, stop, loop)
    usable = np.int64(0)
    for e in range(indptr[u], indptr[u + 1]):
        usable += usable_after(indices[e], indptr, indices, bits, mask, known, start, stop, loop)
    bitmap.clear(bits, mask, known, start, stop, loop)
    return usable


@jit
def usable_after(w, indptr, indices, bits, mask, known, start, stop, loop):
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
def scratch(k):
    """Return room for the list of a row of ``k`` slots: see :func:`from_list`."""
    lists = np.empty(SHARED, np.int64), np.empty(SHARED, np.int64), np.empty(SHARED)
    return *lists, np.empty(k), np.empty(k, np.int64)


@jit
def _with_room(room, paths, ways):
    """Return ``room``, or new room where it is too small."""
    ends, upto, reached, share, place = room
    if len(ends) <= paths:
        ends = np.empty(paths + 1, np.int64)
    if len(upto) <= ways:
        upto, reached = np.empty(ways + 1, np.int64), np.empty(ways)
    return ends, upto, reached, share, place


@jit
def from_list(slots, u, indptr, indices, pass_weight, bits, known, start, stop, loop, state, room):
    """Fill ``slots`` from the list of all usable two-step walks, if there are any.

    Args:
        slots: At most K of them.
        u: The query.
        indptr: Rows of the walked graph.
        indices: Their targets.
        pass_weight: ``[N]``, weight of the first step to a node over the node's degree.
        bits: Zeros, one for each target, or none.
        known: Targets of known edges.
        start: Where those of the query begin.
        stop: Where they end.
        loop: The query, which is no target; -1: it is one.
        state: Before the first draw, of which each slot has two.
        room: Scratch: the ends of walks, how many of them pass the first ways of the row, their
            weight, the share and the place of each slot.
    """
    paths = num_paths(u, indptr, indices)
    if paths > MOST_PATHS:
        paths = num_usable(u, indptr, indices, bits, known, start, stop, loop)
    # All allocated before the row is marked: if memory is out, its marks would stay.
    ends, upto, reached, share, place = _with_room(room, paths, indptr[u + 1] - indptr[u])
    bits, mask = bitmap.wholly_marked(bits, known, start, stop, loop)
    ways = _list(
        ends, upto, reached, u, indptr, indices, pass_weight, bits, mask, known, start, stop, loop
    )
    bitmap.clear(bits, mask, known, start, stop, loop)
    if ways == 0:
        return
    # Loops over slots, which take vector instructions.
    size = len(slots)
    for j in range(size):
        share[j] = unit(state + GOLDEN * np.uint64(2 * j + 1)) * reached[ways - 1]
        place[j] = 0
    if ways <= FEW_WAYS:
        for way in range(ways - 1):
            for j in range(size):
                place[j] += reached[way] <= share[j]
    else:
        for j in range(size):
            place[j] = min(upper_bound(reached, ways, share[j]), ways - 1)
    for j in range(size):
        way = np.uint64(place[j])
        before, after = upto[way], upto[way + np.uint64(1)]
        place[j] = before + below(state + GOLDEN * np.uint64(2 * j + 2), after - before)
    for j in range(size):
        slots[j] = ends[np.uint64(place[j])]


@jit
def _list(
    ends, upto, reached, u, indptr, indices, pass_weight, bits, mask, known, start, stop, loop
):
    """List the usable walks of a marked row by their way; return the number of ways."""
    size, ways, total, exact = np.uint64(0), 0, 0.0, mask == bitmap.ALL
    upto[0] = 0
    for e in range(np.uint64(indptr[u]), np.uint64(indptr[u + 1])):
        w, before = np.uint64(indices[e]), size
        if pass_weight[w] <= 0:
            continue
        for f in range(np.uint64(indptr[w]), np.uint64(indptr[w + np.uint64(1)])):
            v = np.int64(indices[f])
            excluded = bitmap.may_hold(bits, mask, v)
            if not exact and excluded:
                excluded = bitmap.holds(mask, known, start, stop, loop, v)
            ends[size] = v  # kept if it is usable
            size += np.uint64(not excluded)
        if size > before:
            total += np.int64(size - before) * pass_weight[w]
            upto[ways + 1], reached[ways] = np.int64(size), total
            ways += 1
    return ways
