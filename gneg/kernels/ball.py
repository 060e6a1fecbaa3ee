"""Balls around a row: shells by BFS, and the probability of a target in one of them.

``queue[levels[d]:levels[d + 1]]`` is shell d; ``inside`` has a bit for each node, set in the ball.
A bitmap of all nodes stays in the nearest caches where a number for each would not. It is zero
between balls.
"""

from __future__ import annotations

import numpy as np

from gneg.kernels import bitmap
from gneg.kernels._jit import GOLDEN, below, has, jit
from gneg.kernels.complement import complement_size
from gneg.kernels.logs import log
from gneg.kernels.prefetch import ask_for

AHEAD = 4  # rows of a shell whose targets are asked for; their place in ``indptr`` twice as early


@jit
def open_ball(node, levels, inside, queue):
    """Start a ball of ``node`` alone."""
    bitmap.add(inside, bitmap.ALL, node)
    queue[0] = node
    levels[0], levels[1] = 0, 1


@jit
def expand(depth, levels, inside, queue, indptr, indices):
    """Append shell ``depth`` to the queue.

    Written in any case and kept if new: no branch to mispredict. So the queue has room for one more
    node than there are. Positions are unsigned: a test of the sign of each would double the time.
    """
    first, last = levels[depth - 1], levels[depth]
    tail, one = np.uint64(last), np.uint64(1)
    for q in range(first, min(first + 2 * AHEAD, last)):
        ask_for(indptr, queue[q])
    for q in range(first, min(first + AHEAD, last)):
        ask_for(indices, indptr[queue[q]])
    for q in range(first, last):
        if q + 2 * AHEAD < last:
            ask_for(indptr, queue[q + 2 * AHEAD])
        if q + AHEAD < last:
            ask_for(indices, indptr[queue[q + AHEAD]])
        w = np.uint64(queue[q])
        for e in range(np.uint64(indptr[w]), np.uint64(indptr[w + one])):
            v = np.uint64(indices[e])
            at, bit = v >> np.uint64(6), one << (v & np.uint64(63))
            before = inside[at]
            queue[tail] = v
            tail += np.uint64((before & bit) == np.uint64(0))
            inside[at] = before | bit
    levels[depth + 1] = tail


@jit
def mark_shell(depth, levels, queue, bits):
    """Set the bits of the nodes of a shell."""
    bitmap.mark_all(bits, bitmap.ALL, queue, levels[depth], levels[depth + 1], np.int64(-1))


@jit
def clear_shells(first, last, levels, queue, bits):
    """Clear the bits of shells ``first`` to ``last``."""
    bitmap.clear_all(bits, queue, levels[first], levels[last + 1])


@jit
def num_slots(shell_of, shell):
    """Return the number of a row's slots that are to hold targets of a shell."""
    slots = 0
    for j in range(len(shell_of)):
        slots += shell_of[j] == shell
    return slots


@jit
def pass_on(row, shell_of, shell, step):
    """Hand the empty slots of a shell on to the next one; return their number."""
    passed = 0
    for j in range(len(row)):  # nearly always 0: a loop that takes vector instructions
        passed += (shell_of[j] == shell) & (row[j] < 0)
    if passed > 0:
        for j in range(len(row)):
            if shell_of[j] == shell and row[j] < 0:
                shell_of[j] = shell + step
    return passed


@jit
def fill_from_list(row, shell_of, shell, listed, state):
    """Fill the remaining slots of one shell from the list of its usable targets."""
    if len(listed):
        for j in range(len(row)):
            if shell_of[j] == shell and row[j] < 0:
                state += GOLDEN
                row[j] = listed[below(state, len(listed))]
    return state


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
def fill_from_shell(
    row,
    shell_of,
    shell,
    levels,
    queue,
    target_shift,
    num_targets,
    known_start,
    known_stop,
    known,
    bits,
    tried,
    state,
):
    """Fill the remaining slots of an expanded shell, from a list of what is usable if need be.

    ``tried [K]`` may hold anything.
    """
    first, size = levels[shell], levels[shell + 1] - levels[shell]
    allowed = len(row) + size // 8  # a rejection costs about what filtering eight nodes does
    if size == 0:
        return state
    left = 0
    for j in range(len(row)):
        left += shell_of[j] == shell and row[j] < 0
    if left == len(row) and known_start == known_stop and target_shift == 0:
        for j in range(len(row)):  # as below, where nothing is excluded: a third of the time
            tried[j] = first + below(state + GOLDEN * np.uint64(j + 1), size)
        for j in range(len(row)):
            row[j] = queue[np.uint64(tried[j])]
        return state + GOLDEN * np.uint64(left)
    none, j = np.int64(-1), 0  # the query itself is in no shell
    mask = bitmap.mark(bits, known, known_start, known_stop, none, len(row))
    while left > 0 and allowed > 0:
        # Draws apart from reads: the former then take vector instructions.
        tries = min(left, allowed)
        for t in range(tries):
            tried[t] = first + below(state + GOLDEN * np.uint64(t + 1), size)
        state += GOLDEN * np.uint64(tries)
        allowed -= tries
        for t in range(tries):
            v = np.int64(queue[np.uint64(tried[t])]) - target_shift
            if not 0 <= v < num_targets:
                continue
            excluded = bitmap.may_hold(bits, mask, v)
            if excluded and bitmap.holds(mask, known, known_start, known_stop, none, v):
                continue
            while shell_of[j] != shell or row[j] >= 0:
                j += 1
            row[j] = v
            left, allowed = left - 1, allowed + 1
    bitmap.clear(bits, mask, known, known_start, known_stop, none)
    if left == 0:
        return state
    listed = shell_targets(
        shell, levels, queue, target_shift, num_targets, known_start, known_stop, known
    )
    return fill_from_list(row, shell_of, shell, listed, state)


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
    inside,
    queue,
    distance,
):
    """Log probability of ``targets [B, K]`` under ``draws``, by listing every shell.

    ``distance [N]`` may hold anything.
    """
    far = hops[-1]
    levels = np.empty(far + 2, np.int64)
    share, size = np.empty(far + 1), np.empty(far + 1, np.int64)
    for i in range(lo, hi):
        u = rows[i]
        start, stop = known_indptr[u], known_indptr[u + 1]
        open_ball(u, levels, inside, queue)
        distance[u] = 0
        whole = complement_size(u, known_indptr, known, num_targets, no_self)
        share[:], size[:] = 0.0, 0
        for s in range(len(hops)):
            share[hops[s]] = weights[s]
        beyond = whole
        for depth in range(1, far):
            expand(depth, levels, inside, queue, indptr, indices)
            for q in range(levels[depth], levels[depth + 1]):
                distance[queue[q]] = depth
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
            depth = distance[node] if bitmap.may_hold(inside, bitmap.ALL, node) else far
            shell_share = (
                share[depth] / size[depth] if 0 < depth <= far and size[depth] > 0 else 0.0
            )
            out[i, j] = log(shell_share + anywhere)
        clear_shells(0, far - 1, levels, queue, inside)
