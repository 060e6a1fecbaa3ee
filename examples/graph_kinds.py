"""Negatives on every kind of graph: directed, weighted, multi, bipartite, timed, of many types.

The samplers are the same everywhere; what a graph is decides what they do.
"""

from __future__ import annotations

import networkx as nx
import torch
from torch_geometric.data import HeteroData

import gneg
from gneg.samplers import Across, AllTypes, Guarded, NodeTime, Uniform, Walk
from gneg.transforms import AddNegatives


def main() -> None:
    generator = torch.Generator().manual_seed(0)

    # Directed: an edge may be missing in one direction only. Walks go along the arcs.
    arcs = torch.randint(100, (2, 600), generator=generator)
    citing = gneg.Graph.from_edge_index(arcs, 100, undirected=False)
    drawn = Walk(citing, corrupt="both").sample(arcs[:, :8], k=4, generator=generator)
    assert not gneg.KnownEdges(citing).contains(*drawn.edge_index()).any()

    # Weighted: walks follow the weights. Here node 1 is a hundred times closer to 0 than node 2.
    edges = torch.tensor([[0, 0, 1, 2], [1, 2, 3, 4]])
    weight = torch.tensor([100.0, 1.0, 1.0, 1.0])
    graph = gneg.Graph.from_edge_index(edges, weight=weight)
    drawn = Walk(graph).sample(torch.tensor([[0] * 500, [1] * 500]), k=1, generator=generator)
    print(f"weighted: {(drawn.index == 3).float().mean():.0%} of the walks end beside the near one")

    # Multigraph: parallel edges are one edge; how many there are can be its weight.
    calls = nx.MultiGraph([("ann", "bob")] * 5 + [("bob", "cat"), ("ann", "dan"), ("dan", "eve")])
    print(f"multigraph: {gneg.Graph.from_networkx(calls, weight='weight')}")

    # Timed: a paper can only cite what was there; the guard leaves a row short rather than lie.
    year = torch.arange(100) // 10
    backward = arcs[:, year[arcs[0]] >= year[arcs[1]]]
    papers = gneg.Graph.from_edge_index(backward, 100, undirected=False)
    timely = Guarded(Uniform(papers), [NodeTime(year, direction="backward")])
    src, dst = timely.sample(backward, k=4, generator=generator).edge_index()
    assert (year[src] >= year[dst]).all()

    # Of many types: negatives of each edge type, by its own edges ...
    data = HeteroData()
    for kind, size in (("user", 80), ("item", 60), ("tag", 6)):
        data[kind].num_nodes = size
    # Users mostly buy what has their favourite tag.
    user = torch.randint(80, (400,), generator=generator)
    item = torch.randint(10, (400,), generator=generator) * 6 + user % 6
    anything = torch.rand(400, generator=generator) < 0.3
    bought = torch.stack([user, torch.where(anything, item.flip(0), item)])
    data["user", "buys", "item"].edge_index = bought
    tags = torch.stack([torch.arange(60), torch.arange(60) % 6])
    data["item", "has", "tag"].edge_index = tags
    with_negatives = AddNegatives("uniform", k=2, generator=generator)(data)
    for edge_type in data.edge_types:
        labels = with_negatives[edge_type].edge_label
        print(f"{edge_type}: {int(labels.sum())} positives, {int((labels == 0).sum())} negatives")

    # ... or by all of them: a walk that reaches other items through a tag they share.
    purchases = gneg.Graph.from_data(data, ("user", "buys", "item"))
    all_types = AllTypes.of(data.edge_index_dict, data.num_nodes_dict)
    across = Across(purchases, Walk(all_types.graph, hops=3), all_types, ("user", "buys", "item"))
    for name, sampler in (("uniform", Uniform(purchases)), ("across types", across)):
        drawn = sampler.sample(bought, k=8, generator=generator)
        liked = drawn.index % 6 == bought[0].unsqueeze(1) % 6
        print(f"{name}: {liked.float().mean():.0%} of the negatives have the user's favourite tag")


if __name__ == "__main__":
    main()
