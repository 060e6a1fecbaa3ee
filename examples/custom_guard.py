"""A guard of your own: one method that says which candidates to drop.

This one drops candidates that share most of their neighbours with the query: on a graph of similar
things such a pair is probably an edge that nobody has drawn yet. What is dropped is counted, and
replaced by the next easier candidate.
"""

from __future__ import annotations

import numpy as np
import torch

import gneg
from gneg import datasets
from gneg.graph import heuristics
from gneg.samplers import Guard, Guarded, Pool, Walk


class Jaccard(Guard):
    """Drops pairs of which more than ``most`` of all neighbours are common to both."""

    name = "jaccard"

    def __init__(self, most: float) -> None:
        self.most = most

    def drops(self, pool: Pool) -> np.ndarray:
        """Return a bool array like ``pool.index [B, M]``."""
        graph, degree = pool.query.graph, pool.query.graph.degree().numpy()
        common = heuristics.scores(graph, "cn", pool.query.rows, pool.index)
        either = degree[pool.query.rows][:, None] + degree[pool.index] - common
        return common > self.most * either


def main() -> None:
    data = datasets.load("digits")
    held_out = gneg.KnownEdges(
        data.valid.pos, data.test.pos, num_nodes=data.num_nodes, undirected=True
    )
    hard = Walk(data.graph, corrupt="both")
    for sampler in (hard, Guarded(hard, [Jaccard(0.25)], m=32)):
        generator = torch.Generator().manual_seed(0)
        negatives = sampler.sample(data.train, k=4, generator=generator)
        hit = held_out.contains(*negatives.edge_index()).float().mean()
        print(f"{type(sampler).__name__}: {1000 * hit:.1f} held-out edges in 1,000 negatives")
    looked = negatives.counts["guarded"]
    print(f"dropped {negatives.counts['dropped jaccard']} of {looked} candidates")


if __name__ == "__main__":
    main()
