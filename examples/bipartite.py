"""Users and items: negatives of either side, by popularity or by walks of three steps.

A walk of three steps in a bipartite graph (user, item, user, item) ends on items that similar users
chose: hard negatives for a recommender.
"""

from __future__ import annotations

import torch

import gneg


def main() -> None:
    generator = torch.Generator().manual_seed(0)
    users, items = 300, 120
    bought = torch.stack(
        [
            torch.randint(users, (3000,), generator=generator),
            # Low ids are much more popular than high ones.
            (items * torch.rand(3000, generator=generator) ** 2).long(),
        ]
    )
    graph = gneg.Graph.from_edge_index(bought, (users, items))
    pos = bought[:, :512]

    for sampler in (
        gneg.samplers.Uniform(graph),
        gneg.samplers.Degree(graph, alpha=1.0),
        gneg.samplers.InBatch(graph),
        gneg.samplers.Walk(graph),  # three steps, because the graph is bipartite
        gneg.samplers.KHop(graph, hops=3),
    ):
        negatives = sampler.sample(pos, k=10, generator=generator)
        popularity = graph.reversed().degree()[negatives.index].float().mean()
        print(f"{sampler}: mean popularity of a negative {popularity:.1f}")

    # The other side: users who did not buy the item.
    negatives = gneg.samplers.Walk(graph, corrupt="src").sample(pos, k=10, generator=generator)
    src, dst = negatives.edge_index()
    assert not gneg.KnownEdges(graph).contains(src, dst).any()


if __name__ == "__main__":
    main()
