"""Uniform draws from exact shortest-path shells, without listing a shell where that is avoidable.

A row's ball is explored by BFS only up to the shell *before* the wanted one. From there a target
is proposed along a random edge leaving that frontier and accepted only if the edge is the first
one that enters the target from the frontier (one edge for each target, hence uniform); or, where
the frontier has more edges than there are nodes, uniformly from all targets and accepted if some
edge enters it from the frontier. When the rejections have cost as much as listing the shell
would, the shell is listed. See ``ball.py`` for the ball.
"""

from __future__ import annotations

import numpy as np

from gneg.kernels._jit import GOLDEN, below, has, jit, stream, unit
from gneg.kernels.ball import expand, open_ball, shell_targets, usable

# Measured: a shell is listed in less time than its slots are drawn by rejection where it has at
# most so many paths a slot, for few slots and for many.
FEW_PATHS, PATHS, MANY = 32, 128, 16


@jit
def _parent(v, wanted, in_indptr, in_indices, mark):
    """Position of the first edge that enters ``v`` from the frontier, or -1."""
    for e in range(in_indptr[v], in_indptr[v + 1]):
        if mark[in_indices[e]] == wanted:
            return e
    return np.int64(-1)


@jit
def _frontier_edges(first, last, queue, indptr):
    """Running number of edges that leave the frontier, node by node."""
    ends = np.empty(last - first, np.int64)
    total = 0
    for q in range(first, last):
        total += indptr[queue[q] + 1] - indptr[queue[q]]
        ends[q - first] = total
    return ends


@jit
def _along_edge(ends, rank, first, queue, indptr, indices):
    """Source and target of the ``rank``-th edge that leaves the frontier."""
    q = np.searchsorted(ends, rank, side="right")
    w = np.int64(queue[first + q])
    return w, np.int64(indices[indptr[w + 1] - (ends[q] - rank)])


@jit
def _reject(
    row,
    asked,
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
        if asked[j] != shell:
            continue
        while cost < paths:
            cost += 1
            state += GOLDEN
            w, v = np.int64(-1), np.int64(0)
            if by_edge:
                w, v = _along_edge(ends, below(state, paths), first, queue, indptr, indices)
            else:
                v = below(state, num_targets) + target_shift
            if mark[v] >= base or not usable(
                v - target_shift, num_targets, known_start, known_stop, known
            ):
                continue
            edge = _parent(v, wanted, in_indptr, in_indices, mark)
            cost += (edge if edge >= 0 else in_indptr[v + 1]) - in_indptr[v]
            if edge >= 0 and (not by_edge or in_indices[edge] == w):
                row[j] = v - target_shift
                break
        if row[j] < 0:
            break
    return state


@jit
def _from_list(row, asked, shell, listed, state):
    """Fill the remaining slots of one shell from the list of its usable targets."""
    if len(listed):
        for j in range(len(row)):
            if asked[j] == shell and row[j] < 0:
                state += GOLDEN
                row[j] = listed[below(state, len(listed))]
    return state


@jit
def _from_shell(
    row,
    asked,
    shell,
    levels,
    queue,
    target_shift,
    num_targets,
    known_start,
    known_stop,
    known,
    state,
):
    """Fill the remaining slots of an expanded shell, from a list of what is usable if need be."""
    first, size = levels[shell], levels[shell + 1] - levels[shell]
    allowed = len(row) + size // 8  # a rejection costs about what filtering eight nodes does
    for j in range(len(row)):
        while asked[j] == shell and row[j] < 0 and allowed > 0 and size > 0:
            state += GOLDEN
            v = queue[first + below(state, size)] - target_shift
            if usable(v, num_targets, known_start, known_stop, known):
                row[j] = v
            else:
                allowed -= 1
    if allowed > 0:
        return state
    listed = shell_targets(
        shell, levels, queue, target_shift, num_targets, known_start, known_stop, known
    )
    return _from_list(row, asked, shell, listed, state)


@jit
def _draw_far(
    row,
    asked,
    shell,
    base,
    done,
    levels,
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
    queue,
    state,
):
    """Fill slots with targets beyond shell ``shell - 1``, of which the ball has ``done``."""
    wanted = base + done
    cost = 0
    for j in range(len(row)):
        if asked[j] != shell:
            continue
        while cost < num_targets:
            cost += 1
            state += GOLDEN
            v = below(state, num_targets) + target_shift
            if mark[v] >= base or not usable(
                v - target_shift, num_targets, known_start, known_stop, known
            ):
                continue
            if done < shell - 1:
                edge = _parent(v, wanted, in_indptr, in_indices, mark)
                cost += (edge if edge >= 0 else in_indptr[v + 1]) - in_indptr[v]
                if edge >= 0:
                    continue
            row[j] = v - target_shift
            break
        if row[j] < 0:
            break
    if cost < num_targets:
        return state
    if done < shell - 1:
        expand(shell - 1, levels, mark, queue, base, indptr, indices)
    listed = np.empty(num_targets, np.int64)
    size = 0
    for v in range(num_targets):
        if mark[v + target_shift] < base and not has(known, known_start, known_stop, v):
            listed[size] = v
            size += 1
    return _from_list(row, asked, shell, listed[:size], state)


@jit
def draws(
    lo,
    hi,
    out,
    rows,
    indptr,
    indices,
    in_indptr,
    in_indices,
    target_shift,
    num_targets,
    known_indptr,
    known,
    hops,
    cumulative,
    hop_step,
    seed,
    mark,
    queue,
):
    """Draw each slot's shell, then a target uniformly from it, or from the next that has any.

    ``hops`` ends with "far", one step past the largest distance named. Returns the number of slots
    that fell to another shell; what none could fill stays -1.
    """
    k, far = out.shape[1], hops[-1]
    levels = np.empty(far + 2, np.int64)
    asked = np.empty(k, np.int64)
    fell = 0
    for i in range(lo, hi):
        base = open_ball(rows[i], levels, mark, queue)
        start, stop = known_indptr[rows[i]], known_indptr[rows[i] + 1]
        state = stream(seed, i)
        for j in range(k):
            state += GOLDEN
            asked[j] = hops[
                min(np.searchsorted(cumulative, unit(state), side="right"), len(hops) - 1)
            ]
        done = 0
        for depth in range(1 + hop_step, far, hop_step):
            slots = np.sum(asked == depth)
            if slots == 0:
                continue
            while done < depth - 1:
                done += 1
                expand(done, levels, mark, queue, base, indptr, indices)
            first, last = levels[depth - 1], levels[depth]
            ends = _frontier_edges(first, last, queue, indptr)
            if len(ends) and ends[-1] > (FEW_PATHS if slots < MANY else PATHS) * slots:
                state = _reject(
                    out[i],
                    asked,
                    depth,
                    base,
                    base + done,
                    ends,
                    first,
                    queue,
                    indptr,
                    indices,
                    in_indptr,
                    in_indices,
                    target_shift,
                    num_targets,
                    start,
                    stop,
                    known,
                    mark,
                    state,
                )
            if np.any((asked == depth) & (out[i] < 0)):
                done = depth
                expand(done, levels, mark, queue, base, indptr, indices)
                state = _from_shell(
                    out[i],
                    asked,
                    depth,
                    levels,
                    queue,
                    target_shift,
                    num_targets,
                    start,
                    stop,
                    known,
                    state,
                )
            for j in range(k):
                if asked[j] == depth and out[i, j] < 0:
                    asked[j] = depth + hop_step
                    fell += 1
        if np.any(asked >= far):
            while done < far - 2:
                done += 1
                expand(done, levels, mark, queue, base, indptr, indices)
            asked[asked > far] = far
            state = _draw_far(
                out[i],
                asked,
                far,
                base,
                done,
                levels,
                indptr,
                indices,
                in_indptr,
                in_indices,
                target_shift,
                num_targets,
                start,
                stop,
                known,
                mark,
                queue,
                state,
            )
            fell += np.sum(out[i] < 0)
    return fell
