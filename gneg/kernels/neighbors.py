"""Neighbour sampling for mini-batches: one hop along one edge type, and local ids."""

from __future__ import annotations

import numpy as np

from gneg.kernels._jit import GOLDEN, below, jit, mix, stream, unit, upper_bound


@jit
def counts(frontier, times, colptr, edge_time, k, replace, ends):
    """Number of edges that each frontier node gets; ``ends[i]`` is set to the end of its past.

    Edges of a column are in the order of ``edge_time``; without times all of them count.
    """
    out = np.empty(len(frontier), np.int64)
    for i in range(len(frontier)):
        start, stop = colptr[frontier[i]], colptr[frontier[i] + 1]
        if len(edge_time):
            stop = start + np.searchsorted(edge_time[start:stop], times[i], side="right")
        ends[i] = stop
        degree = stop - start
        if k < 0 or (not replace and k > degree):
            out[i] = degree
        else:
            out[i] = k if degree else 0
    return out


@jit
def without_replacement(out, start, stop, state):
    """Fill ``out`` with distinct positions in [start, stop)."""
    k, size = len(out), stop - start
    if k <= 32:  # Floyd's algorithm: Bentley and Floyd, CACM 1987
        for j in range(k):
            top = size - k + j
            state += GOLDEN
            position = start + below(state, top + 1)
            for earlier in range(j):
                if out[earlier] == position:
                    position = start + top
                    break
            out[j] = position
        return
    taken = 0
    for position in range(size):  # selection sampling: Knuth, vol. 2, algorithm 3.4.2 S
        state += GOLDEN
        if below(state, size - position) < k - taken:
            out[taken] = start + position
            taken += 1


@jit
def _weighted(out, start, stop, weight, replace, state):
    """Fill ``out`` with positions in proportion to their weight."""
    size = stop - start
    keys = np.empty(size)
    if replace:
        total = np.cumsum(weight[start:stop])
        for j in range(len(out)):
            state += GOLDEN
            place = upper_bound(total, size, unit(state) * total[-1])
            out[j] = start + min(place, size - 1)
        return
    for e in range(size):  # Efraimidis and Spirakis, IPL 2006
        state += GOLDEN
        uniform = max(unit(state), 1e-300)
        keys[e] = np.log(uniform) / weight[start + e] if weight[start + e] > 0 else -np.inf
    out[:] = start + np.argsort(keys)[size - len(out) :]


@jit
def draw(lo, hi, out, offsets, frontier, colptr, ends, k, replace, last, weight, seed, first):
    """``out[offsets[i]:offsets[i + 1]]`` = positions of edges that enter ``frontier[i]``.

    All of them where there are at most as many as wanted; else random ones, the ``last`` ones, or
    draws in proportion to ``weight``. Each node has a stream of its own, ``first`` being the number
    of the frontier's first node.
    """
    for i in range(lo, hi):
        positions = out[offsets[i] : offsets[i + 1]]
        start, stop = colptr[frontier[i]], ends[i]
        size = stop - start
        if len(positions) == size and not (replace and k >= 0):
            for j in range(size):
                positions[j] = start + j
            continue
        state = stream(seed, first + i)
        if last:
            for j in range(len(positions)):
                positions[j] = stop - len(positions) + j
        elif len(weight):
            _weighted(positions, start, stop, weight, replace, state)
        elif replace:
            for j in range(len(positions)):
                state += GOLDEN
                positions[j] = start + below(state, size)
        else:
            without_replacement(positions, start, stop, state)


@jit
def _find(table, keys, key):
    """Slot of ``key`` in an open-addressing table of positions in ``keys``, or of a free one."""
    at = np.int64(mix(np.uint64(key)) & np.uint64(len(table) - 1))
    while table[at] >= 0 and keys[table[at]] != key:
        at = (at + 1) & (len(table) - 1)
    return at


@jit
def relabel(known, new, local):
    """``local[i]`` = position of ``new[i]`` in ``known`` followed by the new keys.

    Returns the keys that were not known, in the order of their first appearance.
    """
    size = 8
    while size < 2 * (len(known) + len(new)):
        size *= 2
    table = np.full(size, -1, np.int64)
    keys = np.empty(len(known) + len(new), np.int64)
    count = 0
    for i in range(len(known)):
        keys[count] = known[i]
        table[_find(table, keys, known[i])] = count
        count += 1
    for i in range(len(new)):
        at = _find(table, keys, new[i])
        if table[at] < 0:
            keys[count] = new[i]
            table[at] = count
            count += 1
        local[i] = table[at]
    return keys[len(known) : count]
