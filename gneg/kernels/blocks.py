"""Neighbourhoods for layer by layer message passing: hops without hidden edges, and local ids."""

from __future__ import annotations

from gneg.kernels._jit import jit, lower_bound, stream
from gneg.kernels.neighbors import without_replacement


@jit
def assign(place, nodes, count, ids, local):
    """``local[i]`` = position of ``ids[i]`` in ``nodes``, to which new ids are appended.

    A sparse set (Briggs and Torczon 1993): ``place`` may hold anything, so that it is never
    cleared; an entry counts if the node at that position says so.

    Args:
        place: ``[N]``, scratch.
        nodes: Ids so far, with room for as many more as there are ``ids``.
        count: Number of ids so far, whose places are set.
        ids: ``[n]``, ids to look up.
        local: ``[n]``, the result.

    Returns:
        The number of ids afterwards.
    """
    for i in range(len(ids)):
        v = ids[i]
        at = place[v]
        if at < 0 or at >= count or nodes[at] != v:
            at = count
            place[v] = count
            nodes[count] = v
            count += 1
        local[i] = at
    return count


@jit
def hide(low, high, partners, nodes, indptr, indices, skip_indptr, skip):
    """Positions, within the row of each of ``nodes``, of its hidden edges.

    Those of node i lead to ``partners[low[i]:high[i]]``, ascending; what is no edge is passed over.
    ``skip[skip_indptr[i]:skip_indptr[i + 1]]`` become their positions, ascending, each once.
    """
    total = 0
    for i in range(len(nodes)):
        begin, start, stop = total, indptr[nodes[i]], indptr[nodes[i] + 1]
        for e in range(low[i], high[i]):
            position = lower_bound(indices, start, stop, partners[e])
            if position == stop or indices[position] != partners[e]:
                continue
            if total == begin or skip[total - 1] != position - start:
                skip[total] = position - start
                total += 1
        skip_indptr[i + 1] = total


@jit
def counts(lo, hi, out, nodes, indptr, k, skip_indptr, degree):
    """``out[i]`` = number of edges that ``nodes[i]`` gets, of ``degree[i]`` that are not hidden."""
    for i in range(lo, hi):
        degree[i] = indptr[nodes[i] + 1] - indptr[nodes[i]]
        if i + 1 < len(skip_indptr):
            degree[i] -= skip_indptr[i + 1] - skip_indptr[i]
        out[i] = degree[i] if k < 0 else min(k, degree[i])


@jit
def draw(lo, hi, out, offsets, nodes, indptr, degree, skip_indptr, skip, seed):
    """``out[offsets[i]:offsets[i + 1]]`` = positions of edges of ``nodes[i]``, each at most once.

    All that are not hidden, or as many random ones as there is room for: ranks among those that are
    not hidden are drawn, so that no draw is lost. Each node has a stream of its own, whatever other
    nodes there are.
    """
    for i in range(lo, hi):
        positions = out[offsets[i] : offsets[i + 1]]
        if len(positions) == degree[i]:
            for j in range(len(positions)):
                positions[j] = j
        else:
            without_replacement(positions, 0, degree[i], stream(seed, nodes[i]))
        start = indptr[nodes[i]]
        begin = end = 0
        if i + 1 < len(skip_indptr):
            begin, end = skip_indptr[i], skip_indptr[i + 1]
        for j in range(len(positions)):
            low, high = begin, end  # hidden edges before the one of this rank
            while low < high:
                middle = (low + high) >> 1
                if skip[middle] - (middle - begin) > positions[j]:
                    high = middle
                else:
                    low = middle + 1
            positions[j] += start + low - begin


@jit
def look_up(lo, hi, out, indices, positions):
    """``out[i]`` = ``indices[positions[i]]``."""
    for i in range(lo, hi):
        out[i] = indices[positions[i]]


@jit
def transpose(indptr, indices, out_indptr, out, origin):
    """Transpose of a CSR matrix; ``origin`` is the position of each entry in ``indices``."""
    for e in range(indptr[len(indptr) - 1]):
        out_indptr[indices[e] + 1] += 1
    for v in range(len(out_indptr) - 1):
        out_indptr[v + 1] += out_indptr[v]
    cursor = out_indptr[:-1].copy()
    for u in range(len(indptr) - 1):
        for e in range(indptr[u], indptr[u + 1]):
            v = indices[e]
            out[cursor[v]] = u
            origin[cursor[v]] = e
            cursor[v] += 1


@jit
def weighted_sums(lo, hi, out, roots, nodes, indptr, indices, values, x):
    """``out[i]`` = sum of ``values[e] * x[nodes[indices[e]]]`` over row i; ``roots[i]`` = its row.

    Rows are read from the table of all nodes, which may be mapped, and nothing is copied between.
    """
    for i in range(lo, hi):
        row = x[nodes[i]]
        for j in range(len(row)):
            roots[i, j] = row[j]
            out[i, j] = 0
        for e in range(indptr[i], indptr[i + 1]):
            row, value = x[nodes[indices[e]]], values[e]
            for j in range(len(row)):
                out[i, j] += value * row[j]
