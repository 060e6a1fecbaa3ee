"""A guard of your own: one method that says which candidates to drop.

This one drops candidates that share many of their neighbours with the query: in a similarity graph
such a pair is probably a missing edge. Dropped candidates are counted, and replaced by the next
easier candidate.
"""

from __future__ import annotations

import numpy as np
import torch

import gneg
from gneg import datasets
from gneg.graph import heuristics
from gneg.samplers import Guard, Pool, Walk


@gneg.samplers.register("jaccard")
class Jaccard(Guard):
    """Drops pairs whose Jaccard index of neighbours is above ``limit``, in [0, 1]."""

    def __init__(self, limit: float) -> None:
        self.limit = limit

    def drops(self, pool: Pool) -> np.ndarray:
        """Return which candidates ``pool.index [B, M]`` to drop, ``[B, M]`` bool."""
        graph, rows = pool.query.graph, pool.query.rows
        degree = graph.degree().numpy()
        common = heuristics.scores(graph, "cn", rows, pool.index)
        union = degree[rows][:, None] + degree[pool.index] - common
        return common > self.limit * union


def main() -> None:
    data = datasets.load("digits")
    held_out = gneg.KnownEdges(
        data.valid.pos, data.test.pos, num_nodes=data.num_nodes, undirected=True
    )
    hard = Walk(data.graph, corrupt="both")
    guarded = gneg.samplers.build("guarded(walk, jaccard=0.25, m=32)", data.graph, corrupt="both")
    for sampler in (hard, guarded):
        generator = torch.Generator().manual_seed(0)
        negatives = sampler.sample(data.train, k=4, generator=generator)
        share = held_out.contains(*negatives.edge_index()).float().mean()
        print(f"{type(sampler).__name__}: {1000 * share:.1f} held-out edges per 1,000 negatives")
    counts = negatives.counts
    print(f"dropped {counts['dropped jaccard']} of {counts['guarded']} candidates")


if __name__ == "__main__":
    main()
