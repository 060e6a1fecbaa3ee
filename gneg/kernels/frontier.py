"""Uniform draws from the shell that the edges of a frontier lead to, without listing it.

A target is proposed along a random edge that leaves the frontier and accepted only if the edge is
the first one that enters the target from the frontier (one edge for each target, hence uniform);
or, where the frontier has more edges than there are nodes, uniformly from all targets and accepted
if some edge enters it from the frontier.
"""

from __future__ import annotations

import numpy as np

from gneg.kernels import bitmap
from gneg.kernels._jit import GOLDEN, below, jit, upper_bound
from gneg.kernels.ball import usable
from gneg.kernels.prefetch import ask_for

TOGETHER = 64  # tries whose reads overlap
TRY = 32  # what a try costs: so many paths are listed in its time, and searched in that of a list


@jit
def first_parent(v, in_indptr, in_indices, frontier):
    """Position of the first edge that enters ``v`` from the frontier, a bitmap, or -1."""
    for e in range(in_indptr[v], in_indptr[v + 1]):
        if bitmap.may_hold(frontier, bitmap.ALL, in_indices[e]):
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
def _ask_for_tries(tries, targets, ends, first, queue, indptr, indices, in_indptr, in_indices):
    """Ask for what tries will read; ``tries [2, n]`` are ranks of edges, or targets already.

    They become the source of each edge and its target.
    """
    sources, nodes = tries[0], tries[1]
    if not targets:
        for t in range(len(nodes)):
            rank = nodes[t]
            q = upper_bound(ends, len(ends), rank)
            sources[t] = queue[first + q]
            nodes[t] = indptr[sources[t] + 1] - (ends[q] - rank)
            ask_for(indices, nodes[t])
        for t in range(len(nodes)):
            nodes[t] = indices[nodes[t]]
    for t in range(len(nodes)):
        ask_for(in_indptr, nodes[t])
    for t in range(len(nodes)):
        ask_for(in_indices, in_indptr[nodes[t]])


@jit
def fill_by_rejection(
    row,
    shell_of,
    shell,
    slots,
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
    inside,
    frontier,
    tried,
    state,
):
    """Fill the ``slots`` of a shell by rejection; stops when that has cost as much as listing it.

    ``tried [2, TOGETHER]`` may hold anything. Returns the number of slots that are left, and the
    state.
    """
    paths = ends[-1]
    by_edge = paths < num_targets
    cost, j = 0, 0
    while slots > 0 and cost < paths:
        tries = tried[:, : min(slots, (paths - cost + TRY - 1) // TRY, TOGETHER)]
        for t in range(tries.shape[1]):
            draw = state + GOLDEN * np.uint64(t + 1)
            tries[1, t] = below(draw, paths) if by_edge else below(draw, num_targets) + target_shift
        _ask_for_tries(
            tries, not by_edge, ends, first, queue, indptr, indices, in_indptr, in_indices
        )
        for t in range(tries.shape[1]):
            if cost >= paths:
                break
            cost += TRY
            state += GOLDEN
            w, v = tries[0, t], tries[1, t]
            if bitmap.may_hold(inside, bitmap.ALL, v) or not usable(
                v - target_shift, num_targets, known_start, known_stop, known
            ):
                continue
            edge = first_parent(v, in_indptr, in_indices, frontier)
            cost += (edge if edge >= 0 else in_indptr[v + 1]) - in_indptr[v]
            if edge >= 0 and (not by_edge or in_indices[edge] == w):
                while shell_of[j] != shell:
                    j += 1
                row[j] = v - target_shift
                j += 1
                slots -= 1
    return slots, state
