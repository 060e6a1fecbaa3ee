"""Distances of embeddings that no matrix product gives, or that would copy every row.

``all_*``: each query with each entity; ``some_*``: each query with a few, named by ``index``, into
which a share ``mix`` of the first of them may be mixed (``Mixup``). numba compiles a kernel once
with and once without ``mix``. Complex rows hold their real parts first. Everything is float32.
"""

from __future__ import annotations

import numpy as np

from gneg.kernels._jit import vector_jit
from gneg.kernels.prefetch import AHEAD, ask_for_vector


@vector_jit
def all_moduli(lo, hi, out, queries, entities):
    """``out[i, j]`` = sum of the moduli of ``queries[i] - entities[j]``.

    Entities outside, queries inside: a block of queries stays in the nearest cache.
    """
    width = queries.shape[1] // 2
    for j in range(entities.shape[0]):
        for i in range(lo, hi):
            total = np.float32(0.0)
            for d in range(width):
                real = queries[i, d] - entities[j, d]
                imaginary = queries[i, width + d] - entities[j, width + d]
                total += np.sqrt(real * real + imaginary * imaginary)
            out[i, j] = total


@vector_jit
def all_manhattan(lo, hi, out, queries, entities):
    """``out[i, j]`` = sum of ``|queries[i] - entities[j]|``."""
    for j in range(entities.shape[0]):
        for i in range(lo, hi):
            total = np.float32(0.0)
            for d in range(queries.shape[1]):
                total += abs(queries[i, d] - entities[j, d])
            out[i, j] = total


@vector_jit
def some_moduli(lo, hi, out, queries, entities, index, mix=None):
    """``out[i, j]`` = sum of the moduli of ``queries[i] - entities[index[i, j]]``."""
    width = queries.shape[1] // 2
    for i in range(lo, hi):
        for j in range(index.shape[1]):
            if j + AHEAD < index.shape[1]:
                ask_for_vector(entities, index[i, j + AHEAD])
            at = first = index[i, j]
            share = np.float32(0.0)
            if mix is not None:
                first, share = index[i, 0], mix[i, j]
            total = np.float32(0.0)
            for d in range(width):
                real = queries[i, d] - entities[at, d]
                imaginary = queries[i, width + d] - entities[at, width + d]
                if mix is not None:
                    real -= share * (entities[first, d] - entities[at, d])
                    imaginary -= share * (entities[first, width + d] - entities[at, width + d])
                total += np.sqrt(real * real + imaginary * imaginary)
            out[i, j] = total


@vector_jit
def some_manhattan(lo, hi, out, queries, entities, index, mix=None):
    """``out[i, j]`` = sum of ``|queries[i] - entities[index[i, j]]|``."""
    for i in range(lo, hi):
        for j in range(index.shape[1]):
            if j + AHEAD < index.shape[1]:
                ask_for_vector(entities, index[i, j + AHEAD])
            at = first = index[i, j]
            share = np.float32(0.0)
            if mix is not None:
                first, share = index[i, 0], mix[i, j]
            total = np.float32(0.0)
            for d in range(queries.shape[1]):
                difference = queries[i, d] - entities[at, d]
                if mix is not None:
                    difference -= share * (entities[first, d] - entities[at, d])
                total += abs(difference)
            out[i, j] = total


@vector_jit
def some_euclidean(lo, hi, out, queries, entities, index, mix=None):
    """``out[i, j]`` = Euclidean distance of ``queries[i]`` and ``entities[index[i, j]]``."""
    for i in range(lo, hi):
        for j in range(index.shape[1]):
            if j + AHEAD < index.shape[1]:
                ask_for_vector(entities, index[i, j + AHEAD])
            at = first = index[i, j]
            share = np.float32(0.0)
            if mix is not None:
                first, share = index[i, 0], mix[i, j]
            total = np.float32(0.0)
            for d in range(queries.shape[1]):
                difference = queries[i, d] - entities[at, d]
                if mix is not None:
                    difference -= share * (entities[first, d] - entities[at, d])
                total += difference * difference
            out[i, j] = np.sqrt(total)


@vector_jit
def some_dots(lo, hi, out, queries, entities, index):
    """``out[i, j]`` = inner product of ``queries[i]`` and ``entities[index[i, j]]``."""
    for i in range(lo, hi):
        for j in range(index.shape[1]):
            if j + AHEAD < index.shape[1]:
                ask_for_vector(entities, index[i, j + AHEAD])
            at = index[i, j]
            total = np.float32(0.0)
            for d in range(queries.shape[1]):
                total += queries[i, d] * entities[at, d]
            out[i, j] = total
