"""A sampler of your own: say what is proposed, the base does the rest.

This one proposes nodes with an id near the query's, as if ids were arrival times. Known edges and
self-loops are excluded, rows that lack targets are proposed for again and at last filled
uniformly, and shapes, sides, seeds and errors are the base's.
"""

from __future__ import annotations

import numpy as np
import torch

import gneg
from gneg.samplers import Query, Sampler


class Nearby(Sampler):
    """Draws targets whose id is at most ``reach`` away from the query's."""

    name = "nearby"

    def __init__(self, graph: gneg.Graph, reach: int = 50, **options) -> None:
        super().__init__(graph, **options)
        self.reach = reach

    def propose(self, query: Query, k: int, seed: int) -> np.ndarray:
        """Return candidates ``[B, k]``, -1 where there is none."""
        random = np.random.Generator(np.random.Philox(seed))
        step = random.integers(-self.reach, self.reach + 1, (len(query.rows), k))
        target = query.rows[:, None] + step
        inside = (target >= 0) & (target < query.known.num_dst)
        return np.where(inside, target, -1)  # -1: nothing proposed


def main() -> gneg.Negatives:
    edge_index = torch.randint(500, (2, 2000), generator=torch.Generator().manual_seed(0))
    graph = gneg.Graph.from_edge_index(edge_index, 500, undirected=True)
    sampler = Nearby(graph, reach=20, corrupt="both")
    negatives = sampler.sample(edge_index[:, :100], k=5, generator=torch.Generator().manual_seed(0))
    print(sampler, negatives, negatives.counts)
    # It composes with every other sampler.
    mixture = gneg.samplers.Mixture([sampler, gneg.samplers.Uniform(graph)])
    print(mixture.sample(edge_index[:, :3], k=4).index)
    return negatives


if __name__ == "__main__":
    main()
