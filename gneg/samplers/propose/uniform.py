"""Uniform negatives: ranks in the complement of the row."""

from __future__ import annotations

from typing import Any

import numpy as np

from gneg import kernels
from gneg.samplers.base import FloatArray, IntArray, Query, Sampler


class Uniform(Sampler):
    """Draws uniformly from the non-edges of each query.

    A rank in the complement of the sorted row is turned into a target by binary search: no
    rejection, so hubs and dense graphs cost the same as any row. (Many draws of a row among few
    nodes are made by rejection from stamps instead, which is faster there.)
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
        index, known = query.blank(k), query.known
        if k >= kernels.pools.MANY and known.num_dst <= kernels.pools.STAMPED and not query.unique:

            def draw(*args: Any) -> None:
                kernels.pools.stamped_draws(*args, kernels.threads.scratch(known.num_dst)[0])

            query.run(draw, index, *known.arrays, known.num_dst, known.no_self, seed)
        query.run(
            kernels.pools.fill,
            index,
            *known.arrays,
            known.num_dst,
            known.no_self,
            query.unique,
            seed,
        )
        return index

    def log_density(self, query: Query, index: IntArray) -> FloatArray:
        """Return minus the log number of non-edges."""
        return np.broadcast_to(query.log_uniform, index.shape)
