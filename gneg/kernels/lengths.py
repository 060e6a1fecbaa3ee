"""Lengths of walks: drawing them, and the order in which walks of several lengths go on."""

from __future__ import annotations

import numpy as np

from gneg.kernels._jit import jit, unit


@jit
def guide_of(shares):
    """The first length that a number in [b / 256, 1) may be drawn as, for each b."""
    guide, steps = np.empty(256, np.int64), 0
    for b in range(256):
        while shares[steps] <= b / 256:
            steps += 1
        guide[b] = steps
    return guide


@jit
def draw_lengths(length, shares, guide, state):
    """Draw lengths, ``shares[n]`` of which are at most n, by the draws at each ``state``."""
    for j in range(len(length)):
        share = unit(state[j])
        steps = guide[np.int64(share * 256)]
        while shares[steps] <= share:
            steps += 1
        length[j] = steps


@jit
def longest_first(length, walk, going):
    """Set ``walk[s]`` to the walk in place s, the longest first; return the longest length.

    ``going[n]`` is set to the number of walks of more than n steps.
    """
    longest = 0
    for j in range(len(length)):
        longest = max(longest, length[j])
    going[: longest + 2] = 0
    for j in range(len(length)):
        going[length[j]] += 1
    above = 0
    for steps in range(longest, -1, -1):
        above, going[steps] = above + going[steps], above
    for j in range(len(length)):  # going[n] is where those of n steps begin, and moves on
        walk[going[length[j]]] = j
        going[length[j]] += 1
    for steps in range(longest + 1):  # now it is where those of fewer steps begin
        going[steps] = going[steps + 1]
    return longest
