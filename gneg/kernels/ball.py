"""Balls around a row: shells by BFS, and the probability of a target in one of them.

``mark[v] = base + distance`` for nodes in the ball, below ``base`` otherwise, so that a new ball
needs no clearing; ``queue[levels[d]:levels[d + 1]]`` is shell d.
"""

from __future__ import annotations

import numpy as np

from gneg.kernels._jit import has, jit
from gneg.kernels.complement import complement_size
from gneg.kernels.logs import log

MOST_STAMPS = 2**30  # far below what the integers of stamps hold, whatever a ball adds


@jit
def open_ball(node, levels, mark, queue):
    """Start a ball of ``node`` alone; return its ``base``."""
    if mark[-1] > MOST_STAMPS:  # of many rows with many shells
        mark[:] = 0
    base = mark[-1] + 1
    mark[-1] = base + len(levels)
    mark[node] = base
    queue[0] = node
    levels[0], levels[1] = 0, 1
    return base


@jit
def expand(depth, levels, mark, queue, base, indptr, indices):
    """Append shell ``depth`` to the queue.

    Written in any case and kept if new: no branch to mispredict. So the queue has room for one more
    node than there are. Positions are unsigned: a test of the sign of each would double the time.
    """
    tail, stamp = np.uint64(levels[depth]), mark.dtype.type(base + depth)
    least = mark.dtype.type(base)
    for q in range(levels[depth - 1], levels[depth]):
        w = np.uint64(queue[q])
        for e in range(np.uint64(indptr[w]), np.uint64(indptr[w + np.uint64(1)])):
            v = np.uint64(indices[e])
            stamp_before = mark[v]
            queue[tail] = v
            tail += np.uint64(stamp_before < least)
            mark[v] = stamp if stamp_before < least else stamp_before
    levels[depth + 1] = tail


@jit
def usable(v, num_targets, known_start, known_stop, known):
    """Return whether ``v`` is a target and not a known one."""
    return 0 <= v < num_targets and not has(known, known_start, known_stop, v)


@jit
def shell_targets(depth, levels, queue, target_shift, num_targets, known_start, known_stop, known):
    """Usable targets of an expanded shell."""
    listed = np.empty(levels[depth + 1] - levels[depth], np.int64)
    size = 0
    for q in range(levels[depth], levels[depth + 1]):
        v = queue[q] - target_shift
        if usable(v, num_targets, known_start, known_stop, known):
            listed[size] = v
            size += 1
    return listed[:size]


@jit
def log_prob(
    lo,
    hi,
    out,
    rows,
    targets,
    indptr,
    indices,
    target_shift,
    num_targets,
    known_indptr,
    known,
    hops,
    weights,
    hop_step,
    no_self,
    mark,
    queue,
):
    """Log probability of ``targets [B, K]`` under ``draws``, by listing every shell."""
    far = hops[-1]
    levels = np.empty(far + 2, np.int64)
    share, size = np.empty(far + 1), np.empty(far + 1, np.int64)
    for i in range(lo, hi):
        u = rows[i]
        start, stop = known_indptr[u], known_indptr[u + 1]
        base = open_ball(u, levels, mark, queue)
        whole = complement_size(u, known_indptr, known, num_targets, no_self)
        share[:], size[:] = 0.0, 0
        for s in range(len(hops)):
            share[hops[s]] = weights[s]
        beyond = whole
        for depth in range(1, far):
            expand(depth, levels, mark, queue, base, indptr, indices)
            size[depth] = len(
                shell_targets(depth, levels, queue, target_shift, num_targets, start, stop, known)
            )
            beyond -= size[depth]
        size[far] = beyond
        for depth in range(1 + hop_step, far + 1):
            if size[depth] == 0 and depth < far:
                share[min(depth + hop_step, far)] += share[depth]
                share[depth] = 0.0
        anywhere = share[far] / whole if beyond == 0 and whole else 0.0
        for j in range(targets.shape[1]):
            node = targets[i, j] + target_shift
            depth = far if mark[node] < base else np.int64(mark[node] - base)
            shell_share = (
                share[depth] / size[depth] if 0 < depth <= far and size[depth] > 0 else 0.0
            )
            out[i, j] = log(shell_share + anywhere)
