"""A sampler of your own in one method, ``propose``; the base class does the rest.

This one proposes nodes with an id near the query's, as if ids were arrival times. The base class
excludes known edges and self-loops, proposes again for rows that lack targets and at last fills
them uniformly; it also checks arguments and takes care of shapes, sides and seeds.
"""

from __future__ import annotations

import numpy as np
import torch

import gneg
from gneg import checks
from gneg.samplers import Query, Sampler


@gneg.samplers.register("nearby")
class Nearby(Sampler):
    """Draws targets whose id is at most ``reach`` away from the query's."""

    def __init__(self, graph: gneg.Graph, reach: int = 50, **options) -> None:
        super().__init__(graph, **options)
        self.reach = checks.integer("reach", reach, 1)

    def propose(self, query: Query, k: int, seed: int) -> np.ndarray:
        """Return candidates ``[B, k]``, -1 where there is none."""
        random = np.random.Generator(np.random.Philox(seed))
        step = random.integers(-self.reach, self.reach + 1, (len(query.rows), k))
        target = query.rows[:, None] + step
        inside = (target >= 0) & (target < query.known.num_dst)
        return np.where(inside, target, -1)


def main() -> gneg.Negatives:
    edge_index = torch.randint(500, (2, 2000), generator=torch.Generator().manual_seed(0))
    graph = gneg.Graph.from_edge_index(edge_index, 500, undirected=True)
    sampler = Nearby(graph, reach=20, corrupt="both")
    negatives = sampler.sample(edge_index[:, :100], k=5, generator=torch.Generator().manual_seed(0))
    print(sampler, negatives, negatives.counts)
    # It combines with any other sampler, by its name or as an object.
    mixture = gneg.samplers.build("mixture(nearby(reach=20):0.5, uniform:0.5)", graph)
    print(mixture, mixture.sample(edge_index[:, :3], k=4).index)
    return negatives


if __name__ == "__main__":
    main()
