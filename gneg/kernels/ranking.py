"""Ranks of targets among all others by a matrix of scores."""

from __future__ import annotations

from gneg.kernels._jit import jit, lower_bound


@jit
def count(lo, hi, out, places, scores, first, targets, known_indptr, known, queries):
    """Count the scores above and equal to those of the targets of rows ``[lo, hi)``.

    Row r of ``scores [b, M]`` belongs to ``queries[r]``, whose targets are
    ``targets[first[r]:first[r + 1]]``, sorted. ``out[places[e]]`` = those above among all that are
    not known, equal ones but itself, and how many of both are other targets of the row.
    """
    for r in range(lo, hi):
        row = scores[r]
        start, stop = known_indptr[queries[r]], known_indptr[queries[r] + 1]
        for e in range(first[r], first[r + 1]):
            target_score = row[targets[e]]
            above, level = 0, -1
            for v in range(len(row)):
                above += row[v] > target_score
                level += row[v] == target_score
            for f in range(start, stop):
                # A target that is known stands for itself all the same.
                value = row[known[f]] if known[f] != targets[e] else target_score - 1
                above -= value > target_score
                level -= value == target_score
            also_above, also_level = 0, 0
            for f in range(first[r], first[r + 1]):
                place = lower_bound(known, start, stop, targets[f])
                if f != e and not (place < stop and known[place] == targets[f]):
                    also_above += row[targets[f]] > target_score
                    also_level += row[targets[f]] == target_score
            slot = out[places[e]]
            slot[0], slot[1], slot[2], slot[3] = above, level, also_above, also_level
