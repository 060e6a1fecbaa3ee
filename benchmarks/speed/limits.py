"""What the machine allows: the reads and writes of a draw without its exclusion of known edges."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from gneg import Graph, kernels
from gneg.kernels._jit import GOLDEN, below, jit, stream
from gneg.kernels.prefetch import ask_ahead

BUSY = 0.1  # share of the processors' time that others may take
CPU = Path("/proc/stat")


@jit
def uniform(lo, hi, out, rows, indptr, indices, seed):
    """A pass over each row, and random ids."""
    n = len(indptr) - 1
    for i in range(lo, hi):
        ask_ahead(i, hi, rows, indptr, indices)
        total = np.int64(0)
        for e in range(indptr[rows[i]], indptr[rows[i] + 1]):
            total += indices[e]
        state = stream(seed, i) + np.uint64(total & 1)
        for j in range(out.shape[1]):
            out[i, j] = below(state + GOLDEN * np.uint64(j), n)


@jit
def walk(lo, hi, out, rows, indptr, indices, seed):
    """A pass over each row, and the reads of two steps, those of a row side by side."""
    k = out.shape[1]
    begin, size = np.empty(k, np.int64), np.empty(k, np.int64)
    for i in range(lo, hi):
        ask_ahead(i, hi, rows, indptr, indices)
        first, last = indptr[rows[i]], indptr[rows[i] + 1]
        total = np.int64(0)
        for e in range(first, last):
            total += indices[e]
        state = stream(seed, i) + np.uint64(total & 1)
        for j in range(k):
            w = indices[first + below(state + GOLDEN * np.uint64(j), last - first)]
            begin[j], size[j] = indptr[w], indptr[w + 1] - indptr[w]
        for j in range(k):
            step = below(state + GOLDEN * np.uint64(k + j), size[j])
            out[i, j] = indices[begin[j] + step]


def calls(
    graph: Graph, batches: Iterator[torch.Tensor], size: int, k: int
) -> dict[str, Callable[[], Any]]:
    """Return calls of the bare kernels for the sources of ``batches``, ``[2, size]`` each."""
    out = np.empty((size, k), np.int64)
    return {
        kernel.__name__: lambda kernel=kernel: kernels.threads.run_rows(  # type: ignore[misc]
            kernel, size, out.size, out, next(batches)[0].numpy(), graph.indptr, graph.indices, 0
        )
        for kernel in (uniform, walk)
    }


def busy_share() -> float:
    """Return the share of the processors' time that other processes take, 0 where none can tell."""
    if not CPU.exists():
        return 0.0
    spent = []
    for _ in range(2):
        time.sleep(0.5)
        ticks = [int(field) for field in CPU.read_text().split("\n", 1)[0].split()[1:9]]
        spent.append((sum(ticks) - ticks[3] - ticks[4], sum(ticks)))
    (busy, total), (busy_after, total_after) = spent
    return (busy_after - busy) / max(total_after - total, 1)
