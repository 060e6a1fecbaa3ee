"""Uniform negatives: rejection of known targets, or ranks in the complement of the row."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from gneg import kernels
from gneg.samplers.base import FloatArray, IntArray, Query, Sampler
from gneg.samplers.device import uniform as device_uniform
from gneg.samplers.device.query import DeviceQuery

# Draws are made and tested at once: so many cost as much as one of another sampler. And a row, as
# much as so many of another's.
AT_ONCE, A_ROW = 16, 4


class Uniform(Sampler):
    """Draws uniformly from the non-edges of each query.

    By rejection: a bitmap of a query's targets tells most others apart at once. For a single draw,
    where a query has half of the targets, or where a row may hold each only once, a rank in the
    complement of the sorted row is turned into a target by binary search.
    ``log_q = -log(#non-edges)``.

    Args:
        graph: The graph to sample in.
        known: The edges that are never returned; those of ``graph`` if None.
        corrupt: The end to replace: ``"dst"``, ``"src"`` or ``"both"`` (a fair coin per row).
        unique: Whether a row may hold a target only once.

    Example:
        >>> import gneg, torch
        >>> graph = gneg.Graph.from_edge_index(torch.tensor([[0, 1], [1, 2]]), 4, undirected=True)
        >>> gneg.samplers.Uniform(graph).sample(torch.tensor([[0], [1]]), k=3).edge_index()
        tensor([[0, 0],
                [2, 3]])
    """

    name = "uniform"
    proposes = "full rows"

    def propose(self, query: Query, k: int, seed: int) -> IntArray:
        """Draw uniformly from the non-edges of each query."""
        known = *query.known.arrays, query.known.num_dst, query.known.no_self
        if query.unique:
            index = query.blank(k)
            query.run(kernels.pools.fill, index, *known, query.unique, seed)
            return index
        index = np.empty((len(query.rows), k), np.int64)
        draws = kernels.threads.with_bits(kernels.pools.draws, query.known.num_dst)
        work = index.size // AT_ONCE + A_ROW * len(index)
        if any(kernels.threads.run_rows(draws, len(index), work, index, query.rows, *known, seed)):
            query.run(kernels.pools.fill, index, *known, False, seed)
        return index

    def propose_on_device(self, query: DeviceQuery, k: int, seed: int) -> Tensor:
        """Draw uniformly from the non-edges of each query."""
        index: Tensor = query.blank(k)
        if not query.unique:
            index = device_uniform.draws(query.non_edges, query.ids, k, seed)
        query.fill(index, seed, unique=query.unique)
        return index

    def log_density_on_device(self, query: DeviceQuery, index: Tensor) -> Tensor:
        """Return minus the log number of non-edges."""
        uniform: Tensor = query.log_uniform
        return uniform.expand_as(index)

    def log_density(self, query: Query, index: IntArray) -> FloatArray:
        """Return minus the log number of non-edges."""
        return np.broadcast_to(query.log_uniform, index.shape)
