"""Uniform draws from exact shortest-path shells, without listing a shell where that is avoidable.

A row's ball (``ball.py``) is explored by BFS only up to the shell *before* the wanted one. From
there targets are drawn by rejection (``frontier.py``). When the rejections have cost as much as
listing the shell would, the shell is listed. The second shell of a small graph needs neither
(``second_neighbors.py``).
"""

from __future__ import annotations

import numpy as np

from gneg.kernels import bitmap, second_neighbors
from gneg.kernels._jit import GOLDEN, below, has, jit, stream, unit, upper_bound
from gneg.kernels.ball import (
    clear_shells,
    expand,
    fill_from_list,
    fill_from_shell,
    mark_shell,
    num_slots,
    open_ball,
    pass_on,
    usable,
)
from gneg.kernels.frontier import TOGETHER, TRY, edge_counts, fill_by_rejection, first_parent
from gneg.kernels.prefetch import ask_ahead

# Measured: a shell is listed in less time than its slots are drawn by rejection where it has at
# most so many paths a slot, for few slots and for many.
FEW_PATHS, PATHS, MANY = 32, 64, 16


@jit
def _draw_far(
    row,
    shell_of,
    shell,
    explored,
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
    inside,
    frontier,
    queue,
    state,
):
    """Fill slots with targets beyond shell ``shell - 1``, of which the ball has ``explored``.

    Returns the state, and how many shells the ball has then.
    """
    cost = 0
    mark_shell(explored, levels, queue, frontier)
    for j in range(len(row)):
        if shell_of[j] != shell:
            continue
        while cost < num_targets:
            cost += TRY
            state += GOLDEN
            v = below(state, num_targets) + target_shift
            if bitmap.may_hold(inside, bitmap.ALL, v) or not usable(
                v - target_shift, num_targets, known_start, known_stop, known
            ):
                continue
            if explored < shell - 1:
                edge = first_parent(v, in_indptr, in_indices, frontier)
                cost += (edge if edge >= 0 else in_indptr[v + 1]) - in_indptr[v]
                if edge >= 0:
                    continue
            row[j] = v - target_shift
            break
        if row[j] < 0:
            break
    clear_shells(explored, explored, levels, queue, frontier)
    if cost < num_targets:
        return state, explored
    if explored < shell - 1:
        explored = shell - 1
        expand(explored, levels, inside, queue, indptr, indices)
    listed = np.empty(num_targets, np.int64)
    size = 0
    for v in range(num_targets):
        if not bitmap.may_hold(inside, bitmap.ALL, v + target_shift) and not has(
            known, known_start, known_stop, v
        ):
            listed[size] = v
            size += 1
    return fill_from_list(row, shell_of, shell, listed[:size], state), explored


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
    second,
    second_sizes,
    seed,
    inside,
    frontier,
    queue,
):
    """Draw each slot's shell, then a target uniformly from it, or from the next that has any.

    ``hops`` ends with "far", one step past the largest distance named; ``second`` and
    ``second_sizes`` are those of ``second_neighbors.py``, or empty. Returns the number of slots
    that fell to another shell; what none could fill stays -1.
    """
    k, far = out.shape[1], hops[-1]
    levels = np.empty(far + 2, np.int64)
    shell_of, bits, tried = np.empty(k, np.int64), bitmap.empty(k), np.empty(k, np.int64)
    tries, fell = np.empty((2, TOGETHER), np.int64), 0
    for i in range(lo, hi):
        ask_ahead(i, hi, rows, indptr, indices)
        open_ball(rows[i], levels, inside, queue)
        start, stop = known_indptr[rows[i]], known_indptr[rows[i] + 1]
        state = stream(seed, i)
        if cumulative[0] == 1.0:  # of a single shell: half of the time of its draws
            shell_of[:] = hops[0]
            state += GOLDEN * np.uint64(k)
        else:
            for j in range(k):
                state += GOLDEN
                at = upper_bound(cumulative, len(cumulative), unit(state))
                shell_of[j] = hops[min(at, len(hops) - 1)]
        explored = 0
        for depth in range(1 + hop_step, far, hop_step):
            slots = num_slots(shell_of, depth)
            if slots == 0:
                continue
            if depth == 2 and len(second_sizes) > 0:
                state = second_neighbors.fill(
                    out[i],
                    shell_of,
                    second[rows[i]],
                    second_sizes[rows[i]],
                    num_targets,
                    start,
                    stop,
                    known,
                    bits,
                    tried,
                    state,
                )
                fell += pass_on(out[i], shell_of, depth, hop_step)
                continue
            while explored < depth - 1:
                explored += 1
                expand(explored, levels, inside, queue, indptr, indices)
            first, last = levels[depth - 1], levels[depth]
            ends = edge_counts(first, last, queue, indptr)
            few = (FEW_PATHS if slots < MANY else PATHS) * slots
            left = slots
            if len(ends) and ends[-1] > few:
                mark_shell(depth - 1, levels, queue, frontier)
                left, state = fill_by_rejection(
                    out[i],
                    shell_of,
                    depth,
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
                    start,
                    stop,
                    known,
                    inside,
                    frontier,
                    tries,
                    state,
                )
                clear_shells(depth - 1, depth - 1, levels, queue, frontier)
            if left > 0:
                explored = depth
                expand(explored, levels, inside, queue, indptr, indices)
                state = fill_from_shell(
                    out[i],
                    shell_of,
                    depth,
                    levels,
                    queue,
                    target_shift,
                    num_targets,
                    start,
                    stop,
                    known,
                    bits,
                    tried,
                    state,
                )
            fell += pass_on(out[i], shell_of, depth, hop_step)
        if num_slots(shell_of, far) > 0:
            while explored < far - 2:
                explored += 1
                expand(explored, levels, inside, queue, indptr, indices)
            state, explored = _draw_far(
                out[i],
                shell_of,
                far,
                explored,
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
                inside,
                frontier,
                queue,
                state,
            )
            fell += np.sum(out[i] < 0)
        clear_shells(0, explored, levels, queue, inside)
    return fell
