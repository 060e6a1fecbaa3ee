"""Negatives on directed, weighted, timed and heterogeneous graphs and on multigraphs.

The samplers are the same for all of them; they follow the direction, weights and types of edges.
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

    # Directed: an edge may be missing in one direction only; walks follow the arcs.
    arcs = torch.randint(100, (2, 600), generator=generator)
    citations = gneg.Graph.from_edge_index(arcs, 100, undirected=False)
    negatives = Walk(citations, corrupt="both").sample(arcs[:, :8], k=4, generator=generator)
    assert not gneg.KnownEdges(citations).contains(*negatives.edge_index()).any()

    # Weighted: walks follow the weights. From node 0 they go to node 1 in 100 of 101 cases.
    edges = torch.tensor([[0, 0, 1, 2], [1, 2, 3, 4]])
    weight = torch.tensor([100.0, 1.0, 1.0, 1.0])
    graph = gneg.Graph.from_edge_index(edges, weight=weight)
    negatives = Walk(graph).sample(torch.tensor([[0] * 500, [1] * 500]), k=1, generator=generator)
    print(f"weighted: {(negatives.index == 3).float().mean():.0%} of the walks go through node 1")

    # Multigraph: parallel edges are one edge, and their number can be its weight.
    calls = nx.MultiGraph([("ann", "bob")] * 5 + [("bob", "cat"), ("ann", "dan"), ("dan", "eve")])
    print(f"multigraph: {gneg.Graph.from_networkx(calls, weight='weight')}")

    # Timed: a paper cites earlier papers only. Without enough of them the guard leaves a row short.
    year = torch.arange(100) // 10
    backward = arcs[:, year[arcs[0]] >= year[arcs[1]]]
    papers = gneg.Graph.from_edge_index(backward, 100, undirected=False)
    timely = Guarded(Uniform(papers), [NodeTime(year, direction="backward")])
    src, dst = timely.sample(backward, k=4, generator=generator).edge_index()
    assert (year[src] >= year[dst]).all()

    # Heterogeneous: negatives of each edge type by the edges of that type ...
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

    # ... or of all types: walks that reach other items through a common tag.
    purchases = gneg.Graph.from_data(data, ("user", "buys", "item"))
    all_types = AllTypes.of(data.edge_index_dict, data.num_nodes_dict)
    across = Across(purchases, Walk(all_types.graph, hops=3), all_types, ("user", "buys", "item"))
    for name, sampler in (("uniform", Uniform(purchases)), ("across types", across)):
        negatives = sampler.sample(bought, k=8, generator=generator)
        liked = negatives.index % 6 == bought[0].unsqueeze(1) % 6
        print(f"{name}: {liked.float().mean():.0%} of the negatives have the user's favourite tag")


if __name__ == "__main__":
    main()
