"""Edges of random graphs, each from a stream of its own: the same on any number of threads."""

from __future__ import annotations

import numpy as np

from gneg.kernels._jit import GOLDEN, below, jit, mix, stream

_HALF = np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)


@jit
def scrambled(x, scale, seed):
    """Permute ``[0, 2**scale)``: the rounds of a mixer, each a bijection of so many bits."""
    mask = (np.uint64(1) << np.uint64(scale)) - np.uint64(1)
    shift = np.uint64((scale + 1) // 2)
    for i in range(3):
        key = mix(np.uint64(seed) + np.uint64(i + 1) * GOLDEN)
        x = (x + key) & mask
        x = (x * (key | np.uint64(1))) & mask
        x ^= x >> shift
    return x


@jit
def rmat(lo, hi, src, dst, first, scale, thresholds, scramble, seed):
    """Edges ``first + lo .. first + hi`` of an R-MAT graph (Chakrabarti, Zhan, Faloutsos 2004).

    Each of ``scale`` levels chooses a quadrant of the adjacency matrix, by 32 bits compared with
    the sums ``thresholds [3]`` of its probabilities; no branch depends on them.
    """
    for i in range(lo, hi):
        state = stream(seed, first + i)
        u = np.uint64(0)
        v = np.uint64(0)
        bits = np.uint64(0)
        for level in range(scale):
            if level & 1 == 0:
                bits = mix(state)
                state += GOLDEN
            draw = bits & _LOW
            bits >>= _HALF
            below_half = np.uint64(draw >= thresholds[1])
            right = np.uint64(draw >= thresholds[0]) + np.uint64(draw >= thresholds[2]) - below_half
            u = (u << np.uint64(1)) | below_half
            v = (v << np.uint64(1)) | right
        if scramble >= 0:
            u, v = scrambled(u, scale, scramble), scrambled(v, scale, scramble)
        src[i] = u
        dst[i] = v


@jit
def uniform(lo, hi, src, dst, first, num_nodes, seed):
    """Edges ``first + lo .. first + hi`` between uniform nodes, fewer than 2**32."""
    for i in range(lo, hi):
        state = stream(seed, first + i)
        src[i] = below(state, num_nodes)
        dst[i] = below(state + GOLDEN, num_nodes)
