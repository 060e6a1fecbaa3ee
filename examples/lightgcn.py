"""PyG's LightGCN with dynamic negative sampling: the hardest of eight items a user did not buy.

The training loop is that of PyG's own example, but for its negatives. In this toy data all items of
a taste are equally likely, so that hard negatives carry no information and DNS does not help; on
Gowalla it does (benchmarks/README.md).
"""

from __future__ import annotations

import torch
from torch_geometric.nn import LightGCN

import gneg
from gneg.evaluation import ranking
from gneg.samplers import DNS, Select, Uniform


def purchases(users: int = 300, items: int = 120, tastes: int = 6) -> torch.Tensor:
    """Return user and item of each purchase: 80 % of a user's are items of the user's taste."""
    generator = torch.Generator().manual_seed(0)
    user = torch.randint(users, (4000,), generator=generator)
    liked = torch.randint(items // tastes, (4000,), generator=generator) * tastes + user % tastes
    random = torch.randint(items, (4000,), generator=generator)
    item = torch.where(torch.rand(4000, generator=generator) < 0.8, liked, random)
    return torch.unique(torch.stack([user, item]), dim=1)


def main() -> None:
    edges, users, items = purchases(), 300, 120
    in_test = torch.rand(edges.size(1), generator=torch.Generator().manual_seed(1)) < 0.1
    train, test = edges[:, ~in_test], edges[:, in_test]
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
        ranks = ranking.ranks(
            lambda user, z=z: z[user] @ z[users:].t(), test, gneg.KnownEdges(graph)
        )
        metrics = ranking.summary(ranks, test[0])
        recall, ndcg = 100 * metrics["recall@20"], 100 * metrics["ndcg@20"]
        print(f"{name}: Recall@20 {recall:.1f} %, NDCG@20 {ndcg:.1f} %")


if __name__ == "__main__":
    main()
