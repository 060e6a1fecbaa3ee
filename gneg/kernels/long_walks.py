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

LEAST_WALKS = 32  # room for so many walks at once, however few are drawn
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

    ``lengths[n]`` is the share of walks of at most n steps, 1 at its end. The walks of a row
    advance together, so that their cache misses overlap, and the longest come first, so that those
    that still go on are the first ones. Where ``tries`` of them are rejected in a row, the rest of
    it is left -1. ``bits`` are zeros, one for each target, or none.

    Each try of a row has as many draws of its own as the longest walk takes, so that tries do not
    depend on one another: on a device any number of them is drawn at once.
    """
    k = out.shape[1]
    most, row_size = max(k, LEAST_WALKS), np.uint64(num_targets)
    weighted, exact = len(accept) > 0, len(bits) > 0
    hashed = bits if exact else bitmap.empty(k)
    guide = guide_of(lengths)
    node, walk, length = np.empty(most, np.int64), np.arange(most), np.empty(most, np.int64)
    span = GOLDEN * np.uint64(1 + (len(lengths) - 1) * (2 if weighted else 1))
    here = np.empty(most, np.uint64)
    end, place, size = np.empty(most, np.int64), np.empty(most, np.int64), np.empty(most, np.int64)
    going = np.full(len(lengths) + 1, most)
    going[len(lengths) - 1] = 0
    mixed = guide[0] < len(lengths) - 1  # whether walks are of several lengths
    ends = end if mixed else node
    far = len(indices) > IN_CACHE
    for i in range(lo, hi):
        ask_ahead(i, hi, rows, indptr, indices)
        ask_ahead(i, hi, known_rows, known_indptr, known)
        u, row = rows[i], out[i]
        start, stop = known_indptr[known_rows[i]], known_indptr[known_rows[i] + 1]
        loop = u if no_self else np.int64(-1)
        state = stream(seed, i)
        mask = bitmap.marked(hashed, exact, known, start, stop, loop, k)
        filled, failed, tried = 0, 0, 0
        while filled < k and failed < tries:
            # As many as will do if as many of them are usable as of those so far: a few walks at a
            # time would each wait for memory.
            lacking = k - filled
            walks = min(lacking * (tried + 1) // (filled + 1), most)
            tried += walks
            longest = guide[0]
            if mixed:
                draw_lengths(length[:walks], lengths, guide, state + GOLDEN, span)
                longest = longest_first(length[:walks], walk, going)
            node[:walks] = u
            for j in range(walks):
                here[j] = state + GOLDEN + span * np.uint64(walk[j])
            state += span * np.uint64(walks)
            for taken in range(longest):
                live = min(going[taken], walks)
                if taken == 0:
                    place[:live], size[:live] = indptr[u], indptr[u + 1] - indptr[u]
                else:
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
            last = np.int64(-1) - failed
            for j in range(walks):
                v = np.uint64(ends[j] - target_shift)
                inside = v < row_size
                v = np.int64(v if inside else np.uint64(0))
                excluded = bitmap.may_hold(hashed, mask, v)
                if mask != bitmap.ALL and excluded:
                    excluded = bitmap.holds(mask, known, start, stop, loop, v)
                row[np.uint64(filled)] = v  # kept if it is good: no branch to mispredict
                good = inside and not excluded
                filled += good
                last = j if good else last
                if filled == k or j - last == tries:
                    break
            failed = walks - 1 - last
        row[filled:] = -1
        bitmap.clear(hashed, mask, known, start, stop, loop)
