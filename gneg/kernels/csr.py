"""Compressed sparse rows: building, reversing, membership."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from gneg.kernels._jit import has, jit, lower_bound
from gneg.kernels.prefetch import ask_ahead

IntArray = npt.NDArray[Any]


@jit
def _scatter(src, dst, num_rows, indptr, out):
    """Counting sort of ``dst`` by ``src``; stable, so sorted input gives sorted rows."""
    for e in range(len(src)):
        indptr[src[e] + 1] += 1
    for u in range(num_rows):
        indptr[u + 1] += indptr[u]
    cursor = indptr[:-1].copy()
    for e in range(len(src)):
        u = src[e]
        out[cursor[u]] = dst[e]
        cursor[u] += 1


@jit
def _scatter_rows(indptr, indices, num_cols, out_indptr, out):
    """Transpose of a CSR matrix; each output row comes out sorted."""
    for e in range(len(indices)):
        out_indptr[indices[e] + 1] += 1
    for v in range(num_cols):
        out_indptr[v + 1] += out_indptr[v]
    cursor = out_indptr[:-1].copy()
    for u in range(len(indptr) - 1):
        for e in range(indptr[u], indptr[u + 1]):
            v = indices[e]
            out[cursor[v]] = u
            cursor[v] += 1


@jit
def _drop_repeats(indptr, indices, out_indptr, drop_loops):
    """Compact sorted rows in place; return their number."""
    size = 0
    for u in range(len(indptr) - 1):
        first = size
        for e in range(indptr[u], indptr[u + 1]):
            v = indices[e]
            if (drop_loops and v == u) or (size > first and indices[size - 1] == v):
                continue
            indices[size] = v
            size += 1
        out_indptr[u + 1] = size
    return size


def transpose(indptr: IntArray, indices: IntArray, num_cols: int) -> tuple[IntArray, IntArray]:
    """Return the reversed CSR arrays ``indptr [num_cols + 1]``, ``indices [E]``, rows sorted."""
    out_indptr = np.zeros(num_cols + 1, np.int64)
    out = np.empty(len(indices), _id_type(len(indptr) - 1))
    _scatter_rows(indptr, indices, num_cols, out_indptr, out)
    return out_indptr, out


def group(ids: IntArray, num_rows: int) -> tuple[IntArray, IntArray]:
    """Return where each of ``ids`` in ``[0, num_rows)`` stands.

    Positions ``[len(ids)]`` of equal ids are together and ascend; those of id ``i`` are from
    ``indptr[i]`` to ``indptr[i + 1]``, of ``indptr [num_rows + 1]``.
    """
    indptr, positions = np.zeros(num_rows + 1, np.int64), np.empty(len(ids), _id_type(len(ids)))
    _scatter(ids, np.arange(len(ids), dtype=positions.dtype), num_rows, indptr, positions)
    return indptr, positions


def build(
    src: IntArray, dst: IntArray, num_src: int, num_dst: int, *, drop_loops: bool
) -> tuple[IntArray, IntArray]:
    """Return sorted, coalesced CSR arrays ``indptr [num_src + 1]`` (int64) and ``indices [E]``.

    Two stable counting sorts, first by target and then by source: linear in the edges, and no
    comparison sort that a hub could slow down.
    """
    by_dst = np.zeros(num_dst + 1, np.int64)
    sources = np.empty(len(src), _id_type(num_src))
    _scatter(dst, src, num_dst, by_dst, sources)
    indptr, indices = transpose(by_dst, sources, num_src)
    out_indptr = np.zeros(num_src + 1, np.int64)
    size = _drop_repeats(indptr, indices, out_indptr, drop_loops)
    return out_indptr, indices if size == len(indices) else indices[:size].copy()


@jit
def add_up(out, indptr, indices, src, dst, values):
    """Add each value to ``out`` at the place of its edge; edges that are not there are left out."""
    for e in range(len(src)):
        stop = indptr[src[e] + 1]
        place = lower_bound(indices, indptr[src[e]], stop, dst[e])
        if place < stop and indices[place] == dst[e]:
            out[place] += values[e]


def equal(a: tuple[IntArray, IntArray], b: tuple[IntArray, IntArray]) -> bool:
    """Return whether two pairs of CSR arrays hold the same edges."""
    if len(a[0]) != len(b[0]) or len(a[1]) != len(b[1]):
        return False
    return bool(np.array_equal(a[0], b[0]) and np.array_equal(a[1], b[1]))


def _id_type(num_nodes: int) -> type[np.signedinteger[Any]]:
    return np.int32 if num_nodes < 2**31 else np.int64


@jit
def find(lo, hi, out, rows, values, indptr, indices):
    """``out[i]`` = position of ``values[i]`` in ``indices``, within row ``rows[i]``; -1 if none."""
    for i in range(lo, hi):
        ask_ahead(i, hi, rows, indptr, indices)
        stop = indptr[rows[i] + 1]
        position = lower_bound(indices, indptr[rows[i]], stop, values[i])
        out[i] = position if position < stop and indices[position] == values[i] else -1


@jit
def contains(lo, hi, out, src, dst, indptr, indices):
    """``out[i]`` = whether (src[i], dst[i]) is an edge, for pairs in ``[lo, hi)``."""
    for i in range(lo, hi):
        ask_ahead(i, hi, src, indptr, indices)
        out[i] = has(indices, indptr[src[i]], indptr[src[i] + 1], dst[i])
