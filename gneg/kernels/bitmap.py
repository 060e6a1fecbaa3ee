"""Bitmaps of a row's targets: most others are told apart by one look in the nearest caches.

A target has the bit of its last digits in a power of two of them, so that a clear bit is a proof of
absence, and a set one asks for a search; a bitmap with a bit for each target needs none. A bitmap
is built in a pass over its row, and cleared after it: it is zero between rows.
"""

from __future__ import annotations

import numpy as np

from gneg.kernels._jit import has, jit

LEAST = 16  # words of the smallest bitmap
PER_WORD = 8  # targets of a row a word, at most
LONG = 16  # rows of more targets than so many a test are searched: no pass over them would pay
ALL = np.uint64(0xFFFFFFFFFFFFFFFF)  # mask of a bitmap with a bit for each target


@jit
def empty(tests):
    """Words for the bitmaps of rows that ``tests`` values are compared with."""
    words = LEAST
    while PER_WORD * words < LONG * tests:
        words *= 2
    return np.zeros(words, np.uint64)


@jit
def mark(bits, row, own, tests):
    """Set the bits of a sorted ``row`` and of ``own`` (-1: none); return the mask of positions.

    A row that is too long for ``tests`` values gets a bitmap of one bit, which is set.
    """
    if len(row) > LONG * tests:
        bits[0] = np.uint64(1)
        return np.uint64(0)
    words = LEAST
    while PER_WORD * words < len(row):
        words *= 2
    mask = np.uint64(64 * words - 1)
    mark_all(bits, mask, row, own)
    return mask


@jit
def mark_all(bits, mask, row, own):
    """Set the bits of ``row`` and of ``own`` (-1: none)."""
    for e in range(len(row)):
        _add(bits, mask, row[e])
    if own >= 0:
        _add(bits, mask, own)


@jit
def _add(bits, mask, value):
    at = np.uint64(value) & mask
    bits[at >> np.uint64(6)] |= np.uint64(1) << (at & np.uint64(63))


@jit
def may_hold(bits, mask, value):
    """Whether the bit of a target is set."""
    at = np.uint64(value) & mask
    return ((bits[at >> np.uint64(6)] >> (at & np.uint64(63))) & np.uint64(1)) != np.uint64(0)


@jit
def holds(mask, row, own, value):
    """Whether a value whose bit is set is ``own``, or in the ``row`` that was marked.

    Apart from :func:`may_hold`, which is small enough to become a part of its caller's loop.
    """
    return mask == ALL or value == own or has(row, 0, len(row), value)


@jit
def clear(bits, mask, row, own):
    """Clear the bitmap of a row."""
    if mask != ALL:
        bits[: (mask >> np.uint64(6)) + np.uint64(1)] = np.uint64(0)
        return
    for e in range(len(row)):
        bits[np.uint64(row[e]) >> np.uint64(6)] = np.uint64(0)
    if own >= 0:
        bits[np.uint64(own) >> np.uint64(6)] = np.uint64(0)
