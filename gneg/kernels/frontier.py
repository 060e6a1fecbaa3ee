"""Uniform draws from the shell that the edges of a frontier lead to, without listing it.

A target is proposed along a random edge that leaves the frontier and accepted only if the edge is
the first one that enters the target from the frontier (one edge for each target, hence uniform);
or, where the frontier has more edges than there are nodes, uniformly from all targets and accepted
if some edge enters it from the frontier.
"""

from __future__ import annotations

import numpy as np

from gneg.kernels._jit import GOLDEN, below, jit, upper_bound
from gneg.kernels.ball import usable


@jit
def first_parent(v, wanted, in_indptr, in_indices, mark):
    """Position of the first edge that enters ``v`` from the frontier, or -1."""
    for e in range(in_indptr[v], in_indptr[v + 1]):
        if mark[in_indices[e]] == wanted:
            return e
    return np.int64(-1)


@jit
def edge_counts(first, last, queue, indptr):
    """Running number of edges that leave the frontier, node by node."""
    ends = np.empty(last - first, np.int64)
    total = 0
    for q in range(first, last):
        total += indptr[queue[q] + 1] - indptr[queue[q]]
        ends[q - first] = total
    return ends


@jit
def edge_at(ends, rank, first, queue, indptr, indices):
    """Source and target of the ``rank``-th edge that leaves the frontier."""
    q = upper_bound(ends, len(ends), rank)
    w = np.int64(queue[first + q])
    return w, np.int64(indices[indptr[w + 1] - (ends[q] - rank)])


@jit
def fill_by_rejection(
    row,
    shell_of,
    shell,
    base,
    wanted,
    ends,
    first,
    queue,
    indptr,
    indices,
    in_indptr,
    in_indices,
    target_shift,
    num_targets,
    known_start,
    known_stop,
    known,
    mark,
    state,
):
    """Fill slots of one shell by rejection; stops when that has cost as much as listing it."""
    paths = ends[-1]
    by_edge = paths < num_targets
    cost = 0
    for j in range(len(row)):
        if shell_of[j] != shell:
            continue
        while cost < paths:
            cost += 1
            state += GOLDEN
            w, v = np.int64(-1), np.int64(0)
            if by_edge:
                w, v = edge_at(ends, below(state, paths), first, queue, indptr, indices)
            else:
                v = below(state, num_targets) + target_shift
            if mark[v] >= base or not usable(
                v - target_shift, num_targets, known_start, known_stop, known
            ):
                continue
            edge = first_parent(v, wanted, in_indptr, in_indices, mark)
            cost += (edge if edge >= 0 else in_indptr[v + 1]) - in_indptr[v]
            if edge >= 0 and (not by_edge or in_indices[edge] == w):
                row[j] = v - target_shift
                break
        if row[j] < 0:
            break
    return state
