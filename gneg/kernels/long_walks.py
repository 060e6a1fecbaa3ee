"""Random-walk proposals: walks of any length, walks with restart.

The walked graph and the known edges are two CSR pairs, read at ``rows [B]`` and at
``known_rows [B]``, the same unless the known ones are triples. In a bipartite graph the walk runs
over one joint id space, rows first; ``target_shift`` says where the targets begin.
"""

from __future__ import annotations

import numpy as np

from gneg.kernels import bitmap
from gneg.kernels._jit import GOLDEN, below, jit, stream, unit
from gneg.kernels.lengths import draw_lengths, guide_of, longest_first
from gneg.kernels.prefetch import ask_ahead, ask_for

LEAST_WALKS = 32  # of a row in a round, if it goes on rejecting, however few are drawn
TOGETHER = 1024  # slots of the rows that are drawn for at a time
IN_CACHE = 2**20  # edges of a graph that the caches hold, so that nothing is asked for ahead


@jit
def steps(
    lo,
    hi,
    out,
    rows,
    indptr,
    indices,
    accept,
    alias,
    target_shift,
    num_targets,
    known_rows,
    known_indptr,
    known,
    lengths,
    no_self,
    seed,
    tries,
    bits,
):
    """Draw end points of walks; their steps are uniform unless there are tables of weights.

    ``lengths[n]`` is the share of walks of at most n steps, 1 at its end. The walks of several rows
    advance together, so that their cache misses overlap, and the longest come first, so that those
    that still go on are the first ones: of a single row they would be too few. Where ``tries`` of
    a row's walks are rejected in succession, the rest of it is left -1. ``bits`` are zeros, one for
    each target, or none.

    Each try of a row has as many draws of its own as the longest walk takes, so that tries do not
    depend on one another, and any number of them is drawn at once.
    """
    k = out.shape[1]
    most, block = max(k, LEAST_WALKS), max(1, TOGETHER // k)
    room, row_size = max(most, 2 * TOGETHER), np.uint64(num_targets)
    weighted, exact = len(accept) > 0, len(bits) > 0
    hashed = bits if exact else bitmap.empty(most)
    guide = guide_of(lengths)
    mixed = guide[0] < len(lengths) - 1  # whether walks are of several lengths
    far = len(indices) > IN_CACHE
    span = GOLDEN * np.uint64(1 + (len(lengths) - 1) * (2 if weighted else 1))
    # Of rows that lack targets, with the walks ``begin[p]`` to ``begin[p + 1]``.
    row, begin = np.empty(block, np.int64), np.zeros(block + 1, np.int64)
    state, filled = np.empty(block, np.uint64), np.empty(block, np.int64)
    failed, tried = np.empty(block, np.int64), np.empty(block, np.int64)
    # Of walks, the longest first.
    node, here = np.empty(room, np.int64), np.empty(room, np.uint64)
    place, size = np.empty(room, np.int64), np.empty(room, np.int64)
    # Of walks, in the order of their rows, which is another one if lengths differ: then ``walk`` is
    # the place in it of each of the former.
    source, first, end = node, here, node
    if mixed:
        source, first, end = np.empty_like(node), np.empty_like(here), np.empty_like(node)
    walk, length = np.empty_like(node), np.empty_like(node)
    going = np.full(len(lengths) + 1, room)
    going[len(lengths) - 1] = 0
    upcoming, num = lo, 0
    while num > 0 or upcoming < hi:
        while num < block and upcoming < hi:
            ask_ahead(upcoming, hi, rows, indptr, indices)
            ask_ahead(upcoming, hi, known_rows, known_indptr, known)
            row[num], state[num] = upcoming, stream(seed, upcoming)
            filled[num], failed[num], tried[num] = 0, 0, 0
            upcoming += 1
            num += 1
        for p in range(num):
            # As many as will do if as many of them are usable as of those so far.
            walks = min((k - filled[p]) * (tried[p] + 1) // (filled[p] + 1), most, room - begin[p])
            tried[p] += walks
            begin[p + 1] = begin[p] + walks
            source[begin[p] : begin[p + 1]] = rows[row[p]]
            for j in range(walks):
                first[begin[p] + j] = state[p] + GOLDEN + span * np.uint64(j)
            state[p] += span * np.uint64(walks)
        walks, longest = begin[num], guide[0]
        if mixed:
            draw_lengths(length[:walks], lengths, guide, first)
            longest = longest_first(length[:walks], walk, going)
            for j in range(walks):
                node[j], here[j] = source[walk[j]], first[walk[j]]
        for taken in range(longest):
            live = min(going[taken], walks)
            for j in range(live):
                w = np.uint64(max(node[j], 0))
                place[j] = indptr[w]
                size[j] = indptr[w + np.uint64(1)] - indptr[w] if node[j] >= 0 else 0
            # Draws apart from reads: the former then take vector instructions.
            for j in range(live):
                here[j] += GOLDEN
                place[j] += below(here[j], size[j])
            if weighted:
                for j in range(live):
                    here[j] += GOLDEN
                    if size[j] > 0 and unit(here[j]) >= accept[place[j]]:
                        place[j] = indptr[node[j]] + alias[place[j]]
            if far and taken > 0:
                for j in range(live):
                    ask_for(indices, place[j])
            for j in range(live):
                node[j] = indices[np.uint64(place[j])] if size[j] > 0 else np.int64(-1)
            if far:
                for j in range(min(going[taken + 1], walks)):
                    ask_for(indptr, node[j])
        if mixed:
            for j in range(walks):
                end[walk[j]] = node[j]
        lacking = 0
        for p in range(num):
            i = row[p]
            start, stop = known_indptr[known_rows[i]], known_indptr[known_rows[i] + 1]
            loop = rows[i] if no_self else np.int64(-1)
            slots, at, last = out[i], filled[p], np.int64(-1) - failed[p]
            walks = begin[p + 1] - begin[p]
            mask = bitmap.marked(hashed, exact, known, start, stop, loop, walks)
            for j in range(walks):
                v = np.uint64(end[begin[p] + j] - target_shift)
                inside = v < row_size
                v = np.int64(v if inside else np.uint64(0))
                excluded = bitmap.may_hold(hashed, mask, v)
                if mask != bitmap.ALL and excluded:
                    excluded = bitmap.holds(mask, known, start, stop, loop, v)
                slots[np.uint64(at)] = v  # kept if it is good: no branch to mispredict
                good = inside and not excluded
                at += good
                last = j if good else last
                if at == k or j - last == tries:
                    break
            bitmap.clear(hashed, mask, known, start, stop, loop)
            rejected = walks - 1 - last
            if at == k or rejected >= tries:
                slots[at:] = -1
                continue
            row[lacking], state[lacking], tried[lacking] = i, state[p], tried[p]
            filled[lacking], failed[lacking] = at, rejected
            lacking += 1
        num = lacking
