"""PyG's LightGCN with dynamic negative sampling: the hardest of eight items each user has not seen.

The training loop of PyG's own example; only where its negatives come from is different. In this
toy all items of a taste are equally likely, so that what is hard is a matter of chance and DNS does
not pay; on Gowalla it does (benchmarks/README.md).
"""

from __future__ import annotations

import torch
from torch_geometric.nn import LightGCN

import gneg
from gneg.samplers import DNS, Select, Uniform


def purchases(users: int = 300, items: int = 120, tastes: int = 6) -> torch.Tensor:
    """Users buy mostly what their taste likes."""
    generator = torch.Generator().manual_seed(0)
    user = torch.randint(users, (4000,), generator=generator)
    liked = torch.randint(items // tastes, (4000,), generator=generator) * tastes + user % tastes
    other = torch.randint(items, (4000,), generator=generator)
    item = torch.where(torch.rand(4000, generator=generator) < 0.8, liked, other)
    return torch.unique(torch.stack([user, item]), dim=1)


def main() -> None:
    edges, users, items = purchases(), 300, 120
    held = torch.rand(edges.size(1), generator=torch.Generator().manual_seed(1)) < 0.1
    train, test = edges[:, ~held], edges[:, held]
    graph = gneg.Graph.from_edge_index(train, (users, items))
    # PyG's model numbers items after users; gneg numbers both from 0.
    shift = torch.tensor([[0], [users]])
    both_ways = torch.cat([train + shift, (train + shift).flip(0)], dim=1)
    samplers = {"uniform": Uniform(graph), "DNS": Select(Uniform(graph), DNS(n=1), m=8)}
    for name, sampler in samplers.items():
        generator = torch.Generator().manual_seed(0)
        torch.manual_seed(0)
        model = LightGCN(users + items, embedding_dim=32, num_layers=2)
        optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
        for _ in range(60):
            z = model.get_embedding(both_ways)

            def score(src: torch.Tensor, dst: torch.Tensor, z=z) -> torch.Tensor:
                return (z[src] * z[dst + users]).sum(-1)

            negatives = sampler.sample(train, k=1, score=score, generator=generator)
            positive = score(*train)
            negative = score(*negatives.edge_index())
            loss = model.recommendation_loss(positive, negative, node_id=(train + shift).flatten())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        z = model.get_embedding(both_ways).detach()
        found = gneg.evaluation.ranking.ranks(
            lambda user, z=z: z[user] @ z[users:].t(), test, gneg.KnownEdges(graph)
        )
        told = gneg.evaluation.ranking.summary(found, test[0])
        print(
            f"{name}: Recall@20 {100 * told['recall@20']:.1f} %, "
            f"NDCG@20 {100 * told['ndcg@20']:.1f} %"
        )


if __name__ == "__main__":
    main()
