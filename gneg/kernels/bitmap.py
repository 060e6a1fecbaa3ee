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
LONG = 16  # targets of a row for each test but the first, up to which a bitmap pays
SPAN = 4  # words a target up to which all words from the first to the last are cleared at once
ALL = np.uint64(0xFFFFFFFFFFFFFFFF)  # mask of a bitmap with a bit for each target


@jit
def empty(tests):
    """Words for the bitmaps of rows that ``tests`` values are compared with."""
    words = LEAST
    while PER_WORD * words < LONG * (tests - 1):
        words *= 2
    return np.zeros(words, np.uint64)


@jit
def too_long(length, tests):
    """Whether a search for each of ``tests`` values costs less than a pass over a row."""
    return length > LONG * (tests - 1)


@jit
def mark(bits, indices, start, stop, loop, tests):
    """Set the bits of the sorted ``indices[start:stop]`` and of ``loop``, the query (-1: none).

    Returns the mask of positions. A row that is too long for ``tests`` values gets a bitmap of one
    bit, which is set, so that all of them are searched.
    """
    if too_long(stop - start, tests):
        bits[0] = np.uint64(1)
        return np.uint64(0)
    words = LEAST
    while PER_WORD * words < stop - start:
        words *= 2
    mask = np.uint64(64 * words - 1)
    mark_all(bits, mask, indices, start, stop, loop)
    return mask


@jit
def mark_all(bits, mask, indices, start, stop, loop):
    """Set the bits of ``indices[start:stop]`` and of ``loop`` (-1: none)."""
    word, last = np.uint64(0), ALL
    for e in range(np.uint64(start), np.uint64(stop)):
        at = np.uint64(indices[e]) & mask
        place = at >> np.uint64(6)
        # Neighbours in a sorted row share words: reading back what was just written would wait.
        word = (word if place == last else bits[place]) | np.uint64(1) << (at & np.uint64(63))
        bits[place], last = word, place
    if loop >= 0:
        add(bits, mask, loop)


@jit
def add(bits, mask, value):
    """Set the bit of a value."""
    at = np.uint64(value) & mask
    bits[at >> np.uint64(6)] |= np.uint64(1) << (at & np.uint64(63))


@jit
def may_hold(bits, mask, value):
    """Whether the bit of a target is set."""
    at = np.uint64(value) & mask
    return ((bits[at >> np.uint64(6)] >> (at & np.uint64(63))) & np.uint64(1)) != np.uint64(0)


@jit
def is_clear(bits, value):
    """1 if the bit of a target, ``uint64``, is clear in a bitmap with a bit for each, else 0."""
    word = ~bits[value >> np.uint64(6)]
    return np.int64((word >> (value & np.uint64(63))) & np.uint64(1))


@jit
def holds(mask, indices, start, stop, loop, value):
    """Whether a value whose bit is set is ``loop``, or in the marked ``indices[start:stop]``.

    Apart from :func:`may_hold`, which is small enough to become a part of its caller's loop. Where
    many values are marked the caller asks for ``mask`` first: it is that of a whole row, whereas a
    branch on what is random costs more than the test.
    """
    return mask == ALL or value == loop or has(indices, start, stop, value)


@jit
def clear(bits, mask, indices, start, stop, loop):
    """Clear the bitmap of the sorted ``indices[start:stop]`` and of ``loop``."""
    if mask != ALL:
        bits[: (mask >> np.uint64(6)) + np.uint64(1)] = np.uint64(0)
        return
    if loop >= 0:
        bits[np.uint64(loop) >> np.uint64(6)] = np.uint64(0)
    if start == stop:
        return
    low = np.uint64(indices[np.uint64(start)]) >> np.uint64(6)
    high = np.uint64(indices[np.uint64(stop) - np.uint64(1)]) >> np.uint64(6)
    if high - low < np.uint64(SPAN * (stop - start)):
        bits[low : high + np.uint64(1)] = np.uint64(0)
    else:
        clear_all(bits, indices, start, stop)


@jit
def clear_all(bits, indices, start, stop):
    """Clear the words of ``indices[start:stop]``, in any order, in a bitmap of all targets."""
    for e in range(np.uint64(start), np.uint64(stop)):
        bits[np.uint64(indices[e]) >> np.uint64(6)] = np.uint64(0)


@jit
def marked(bits, exact, indices, start, stop, loop, tests):
    """Mark a row in a bitmap with a bit for each target, or in a smaller one; return the mask.

    Only after the former is the mask :data:`ALL`.
    """
    if not exact or too_long(stop - start, tests):
        return mark(bits, indices, start, stop, loop, tests)
    mark_all(bits, ALL, indices, start, stop, loop)
    return ALL


@jit
def wholly_marked(bits, indices, start, stop, loop):
    """Mark a row of any length for many tests; return the bitmap and its mask.

    ``bits`` are zeros, one for each target, or none.
    """
    tests = stop - start + 1
    hashed = bits if len(bits) > 0 else empty(tests)
    return hashed, marked(hashed, len(bits) > 0, indices, start, stop, loop, tests)
