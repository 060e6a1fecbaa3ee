"""Gradients of the comparisons of :mod:`gneg.kernels.vectors`, by the vectors of either side.

Each comparison is symmetric, so that one kernel serves queries, compared with some entities each,
and entities, compared with some queries each: ``rows[i]`` is compared with ``partners[ids[p]]`` for
``p`` from ``ptr[i]`` to ``ptr[i + 1]``, and ``weights[p]`` is the gradient by that score. A row's
sum has one order, whatever the threads.

Where ``mixed``, ``mixed_ids`` and ``shares`` are given, the partner is
``(1 - shares[p]) * partners[ids[p]] + shares[p] * mixed[mixed_ids[p]]``, any share, as vectors
that are mixed need it. numba compiles a kernel once with and once without them.
"""

from __future__ import annotations

import numpy as np

from gneg.kernels._jit import vector_jit
from gneg.kernels.prefetch import AHEAD, ask_for_vector


@vector_jit
def moduli(lo, hi, out, rows, partners, ptr, ids, weights, mixed=None, mixed_ids=None, shares=None):
    """Of the sum of moduli of the difference."""
    width = rows.shape[1] // 2
    for i in range(lo, hi):
        out[i] = 0
        for p in range(ptr[i], ptr[i + 1]):
            if p + AHEAD < len(ids):
                ask_for_vector(partners, ids[p + AHEAD])
            at, mixed_at, weight, share = ids[p], ids[p], weights[p], np.float32(0)
            if shares is not None:
                mixed_at, share = mixed_ids[p], shares[p]
                if p + AHEAD < len(ids):
                    ask_for_vector(mixed, mixed_ids[p + AHEAD])
            for d in range(width):
                real = rows[i, d] - partners[at, d]
                imaginary = rows[i, width + d] - partners[at, width + d]
                if shares is not None:
                    real -= share * (mixed[mixed_at, d] - partners[at, d])
                    imaginary -= share * (mixed[mixed_at, width + d] - partners[at, width + d])
                modulus = np.sqrt(real * real + imaginary * imaginary + np.float32(1e-12))
                scale = weight / modulus
                out[i, d] += scale * real
                out[i, width + d] += scale * imaginary


@vector_jit
def manhattan(
    lo, hi, out, rows, partners, ptr, ids, weights, mixed=None, mixed_ids=None, shares=None
):
    """Of the sum of absolute differences; 0 where both are equal."""
    for i in range(lo, hi):
        out[i] = 0
        for p in range(ptr[i], ptr[i + 1]):
            if p + AHEAD < len(ids):
                ask_for_vector(partners, ids[p + AHEAD])
            at, mixed_at, weight, share = ids[p], ids[p], weights[p], np.float32(0)
            if shares is not None:
                mixed_at, share = mixed_ids[p], shares[p]
                if p + AHEAD < len(ids):
                    ask_for_vector(mixed, mixed_ids[p + AHEAD])
            for d in range(rows.shape[1]):
                difference = rows[i, d] - partners[at, d]
                if shares is not None:
                    difference -= share * (mixed[mixed_at, d] - partners[at, d])
                up = weight if difference > 0 else np.float32(0)
                down = weight if difference < 0 else np.float32(0)
                out[i, d] += up - down


@vector_jit
def euclidean(
    lo, hi, out, rows, partners, ptr, ids, weights, mixed=None, mixed_ids=None, shares=None
):
    """Of the Euclidean distance; 0 where both are equal."""
    for i in range(lo, hi):
        out[i] = 0
        for p in range(ptr[i], ptr[i + 1]):
            if p + AHEAD < len(ids):
                ask_for_vector(partners, ids[p + AHEAD])
            at, mixed_at, share = ids[p], ids[p], np.float32(0)
            if shares is not None:
                mixed_at, share = mixed_ids[p], shares[p]
                if p + AHEAD < len(ids):
                    ask_for_vector(mixed, mixed_ids[p + AHEAD])
            total = np.float32(0)
            for d in range(rows.shape[1]):
                difference = rows[i, d] - partners[at, d]
                if shares is not None:
                    difference -= share * (mixed[mixed_at, d] - partners[at, d])
                total += difference * difference
            if total > 0:
                scale = weights[p] / np.sqrt(total)
                for d in range(rows.shape[1]):
                    difference = rows[i, d] - partners[at, d]
                    if shares is not None:
                        difference -= share * (mixed[mixed_at, d] - partners[at, d])
                    out[i, d] += scale * difference


@vector_jit
def dots(lo, hi, out, rows, partners, ptr, ids, weights):
    """Of the inner product."""
    for i in range(lo, hi):
        out[i] = 0
        for p in range(ptr[i], ptr[i + 1]):
            if p + AHEAD < len(ids):
                ask_for_vector(partners, ids[p + AHEAD])
            at, weight = ids[p], weights[p]
            for d in range(rows.shape[1]):
                out[i, d] += weight * partners[at, d]
