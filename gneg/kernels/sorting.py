"""Sorting and selection inside kernels.

numba compiles a sort of its own for each call and dtype of ``np.argsort`` and ``np.partition``,
which took 12 s for a hard set. These two are compiled once, in half a second.
"""

from __future__ import annotations

import numpy as np

from gneg.kernels._jit import jit

RUN = 16  # lengths up to which insertion is faster than merging


@jit
def sort_rows(values, keys, items):
    """Sort three parallel arrays in place by ``values``, equal ones by ``keys``; stable.

    Args:
        values: ``[t]`` float64, no NaN.
        keys: ``[t]`` uint64.
        items: ``[t]`` int64.
    """
    size = len(values)
    for start in range(0, size, RUN):
        for i in range(start + 1, min(start + RUN, size)):
            value, key, item = values[i], keys[i], items[i]
            j = i - 1
            while j >= start and (values[j] > value or (values[j] == value and keys[j] > key)):
                values[j + 1], keys[j + 1], items[j + 1] = values[j], keys[j], items[j]
                j -= 1
            values[j + 1], keys[j + 1], items[j + 1] = value, key, item
    width = RUN
    other_values, other_keys = np.empty_like(values), np.empty_like(keys)
    other_items = np.empty_like(items)
    while width < size:
        for start in range(0, size, 2 * width):
            middle, stop = min(start + width, size), min(start + 2 * width, size)
            left, right = start, middle
            for out in range(start, stop):
                take_left = right >= stop or (
                    left < middle
                    and (
                        values[left] < values[right]
                        or (values[left] == values[right] and keys[left] <= keys[right])
                    )
                )
                source = left if take_left else right
                other_values[out], other_keys[out] = values[source], keys[source]
                other_items[out] = items[source]
                left += take_left
                right += not take_left
        for i in range(size):  # numba compiles a checked copy of slices in two seconds
            values[i], keys[i], items[i] = other_values[i], other_keys[i], other_items[i]
        width *= 2


@jit
def nth_largest(values, n):
    """Return the ``n``-th largest of ``values``, 1 <= n <= t; changes them.

    Of long arrays the first ``2 n`` are kept, and of the rest what is above the ``n``-th of those
    so far, until as many again are there.
    """
    if len(values) <= 2 * n:
        return _selected(values, n)
    size, cut = 0, -np.inf
    for t in range(len(values)):
        if values[t] > cut:
            values[size] = values[t]
            size += 1
            if size == 2 * n:
                cut, size = _selected(values[:size], n), n
    return _selected(values[:size], n)


@jit
def _selected(values, n):
    """The ``n``-th largest of ``values``, moved behind those that are larger (Hoare 1961)."""
    low, high, place = 0, len(values) - 1, n - 1
    while low < high:
        pivot = values[(low + high) // 2]
        i, j = low, high
        while i <= j:
            while values[i] > pivot:
                i += 1
            while values[j] < pivot:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if place <= j:
            high = j
        elif place >= i:
            low = i
        else:
            break
    return values[place]
