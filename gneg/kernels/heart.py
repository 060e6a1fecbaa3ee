"""The candidates of a node in the order of their hardness, by several heuristics at once."""

from __future__ import annotations

import numpy as np

from gneg.kernels._jit import GOLDEN, below, has, jit, mix, stream
from gneg.kernels.merged_ranks import largest, merge
from gneg.kernels.ppr import clear, spread
from gneg.kernels.sorting import sort_rows

BLOCK = 256  # nodes whose keys are compared at once


@jit
def _two_steps(u, indptr, indices, weight, values, touched):
    """``values[v]`` = sum of ``weight[w]`` over u -> w -> v; returns how many v were touched."""
    size = 0
    for e in range(indptr[u], indptr[u + 1]):
        w = indices[e]
        for f in range(indptr[w], indptr[w + 1]):
            v = indices[f]
            if values[v] == 0.0:
                touched[size] = v
                size += 1
            values[v] += weight[w]
    return size


@jit
def _see(node, column, value, scores, nodes, place, size, mark, base):
    """Enter a heuristic's score of a node; a node not seen before gets the next row."""
    if mark[node] == base:  # known, or the query itself
        return size
    if mark[node] != base + 1:
        mark[node] = base + 1
        place[node] = size
        nodes[size] = node
        scores[size] = 0.0
        size += 1
    scores[place[node], column] = value
    return size


@jit
def _key(state, node):
    """Pseudo-random key that orders ``node`` among equals, so that no range of ids is favoured."""
    return mix(state + (np.uint64(node) + np.uint64(1)) * GOLDEN)


@jit
def _ordered(merged, nodes, state):
    """Sort ``nodes`` in ascending order of ``merged``, equal ones by their keys; return the keys.

    Both are sorted in place.
    """
    keys = np.empty(len(nodes), np.uint64)
    for t in range(len(nodes)):
        keys[t] = _key(state, nodes[t])
    sort_rows(merged, keys, nodes)
    return keys


@jit
def _least_keys(state, count, free, mark, base, n):
    """The ``count`` nodes with the least keys among the ``free`` nodes without a mark."""
    room = count + 6.0 * np.sqrt(count) + 16.0  # more than are expected to be needed, by 6 sigma
    block = np.empty(BLOCK, np.uint64)
    while True:
        share = min(room / max(free, 1), 1.0)
        limit = np.uint64(share * 1.8446744073709550e19)
        size, capacity = 0, min(np.int64(2 * room) + 64, free)
        nodes, keys = np.empty(capacity, np.int64), np.empty(capacity, np.uint64)
        for start in range(0, n, BLOCK):
            least = ~np.uint64(0)
            for t in range(BLOCK):  # vector code; nearly all blocks are done with this
                block[t] = _key(state, start + t)
                least = min(least, block[t])
            if least > limit and share < 1.0:
                continue
            for t in range(min(BLOCK, n - start)):
                v, key = start + t, block[t]
                if (key <= limit or share == 1.0) and mark[v] != base and mark[v] != base + 1:
                    if size < capacity:
                        nodes[size], keys[size] = v, key
                    size += 1
        if min(count, free) <= size <= capacity:
            sort_rows(np.zeros(size), keys[:size], nodes[:size])
            return nodes[: min(count, size)]
        room *= 2.0


@jit
def _hardest(row, unseen_row, nodes, merged, unseen, free, state, mark, base, n):
    """Fill ``row`` with the best merged ranks."""
    keys = _ordered(merged, nodes, state)
    want, t, size = len(row), 0, 0
    while size < want and t < len(nodes) and merged[t] < unseen:
        row[size] = nodes[t]
        size, t = size + 1, t + 1
    if size < want and free > 0:
        spare = _least_keys(state, want - size, free, mark, base, n)
        s = 0
        while size < want and s < len(spare):
            level = t < len(nodes) and merged[t] == unseen
            if level and keys[t] < _key(state, spare[s]):
                row[size] = nodes[t]
                t += 1
            else:
                row[size], unseen_row[size] = spare[s], True
                s += 1
            size += 1
    while size < want and t < len(nodes) and merged[t] < np.inf:
        row[size] = nodes[t]
        size, t = size + 1, t + 1


@jit
def _strata(row, unseen_row, nodes, merged, unseen, free, shares, state, mark, base, n):
    """Fill ``row`` with ``shares[q]`` random candidates of each equal part q of the order.

    Nodes that nothing sees are equal, so that any of them may stand at any of their places.
    """
    _ordered(merged, nodes, state)
    front = 0
    while front < len(merged) and merged[front] <= unseen:
        front += 1
    total = len(nodes) + free
    size = 0
    for q in range(len(shares)):
        low, high = total * q // len(shares), total * (q + 1) // len(shares)
        left = min(shares[q], high - low)
        for p in range(high - low):  # selection sampling: Knuth, vol. 2, algorithm 3.4.2 S
            if left == 0:
                break
            state += GOLDEN
            if below(state, high - low - p) >= left:
                continue
            left -= 1
            at = low + p
            if at < front:
                row[size] = nodes[at]
            elif at >= front + free:
                row[size] = nodes[at - free]
            else:
                while True:
                    state += GOLDEN
                    v = below(state, n)
                    if mark[v] != base and mark[v] != base + 1:
                        break
                mark[v] = base + 1
                row[size], unseen_row[size] = v, True
            size += 1
    return size


@jit
def order(
    lo,
    hi,
    out,
    unseen_out,
    rows,
    indptr,
    indices,
    known_indptr,
    known,
    weight,
    cosine,
    alpha,
    epsilon,
    best,
    shares,
    seed,
    values,
    place,
    mark,
    queue,
):
    """The hardest candidates of ``rows [B]`` or, with ``shares``, some of every hardness.

    Candidates are all nodes but the row and those it knows. Ranks by ``weight`` over common
    neighbours, by personalised PageRank and, if there are any, by ``cosine [B, N]`` are merged into
    the best (``best``) or the mean. ``values [>= 4 N]`` is left as zeros. ``unseen_out`` says
    which candidates score 0 by every heuristic.
    """
    n = len(indptr) - 1
    touched = np.empty(n + 1, np.int64)
    columns = 2 + (cosine.shape[1] > 0)
    scores, nodes = np.empty((n, columns), np.float32), np.empty(n, np.int64)
    keep = out.shape[1] if best and len(shares) == 0 else n
    for i in range(lo, hi):
        u = rows[i]
        ppr = spread(u, indptr, indices, alpha, epsilon, True, values, queue, touched)
        base = mark[-1] + 1
        mark[-1] = base + 1
        mark[u] = base
        values[u] = 0.0
        start, stop = known_indptr[u], known_indptr[u + 1]
        for e in range(start, stop):
            mark[known[e]] = base
            values[known[e]] = 0.0
        total = n - (stop - start) - (0 if has(known, start, stop, u) else 1)
        size, count = 0, largest(touched[:ppr], values, keep)
        for t in range(count):
            v = touched[t]
            size = _see(v, 1, values[v], scores, nodes, place, size, mark, base)
        clear(touched[:ppr], n, values)
        two = _two_steps(u, indptr, indices, weight, values[3 * n :], touched)
        for t in range(two):
            v = touched[t]
            size = _see(v, 0, values[3 * n + v], scores, nodes, place, size, mark, base)
            values[3 * n + v] = 0.0
        if columns == 3:
            for v in range(n):
                if cosine[i, v] != 0.0:
                    size = _see(v, 2, cosine[i, v], scores, nodes, place, size, mark, base)
        merged, unseen = merge(scores[:size], total, keep, best)
        state = stream(seed, u)
        if len(shares):
            _strata(
                out[i],
                unseen_out[i],
                nodes[:size],
                merged,
                unseen,
                total - size,
                shares,
                state,
                mark,
                base,
                n,
            )
        else:
            _hardest(
                out[i],
                unseen_out[i],
                nodes[:size],
                merged,
                unseen,
                total - size,
                state,
                mark,
                base,
                n,
            )
