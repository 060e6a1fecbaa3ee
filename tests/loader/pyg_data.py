"""Graphs of PyG that loaders are tested on."""

from __future__ import annotations

import torch
from torch_geometric.data import Data, HeteroData
from torch_geometric.utils import to_undirected

from tests.worlds import random_graph


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pairs(edge_index) -> set:
    return {tuple(pair) for pair in edge_index.t().tolist()}


def graph_data(n=80, edges=300, undirected=True) -> Data:
    graph = random_graph(n, edges, undirected=undirected)
    size = graph.num_edges
    return Data(x=torch.arange(n), edge_index=graph.edge_index, edge_attr=torch.arange(size))


def hetero_data() -> HeteroData:
    data = HeteroData()
    data["u"].x, data["i"].x = torch.arange(40), torch.arange(60)
    data["u", "buys", "i"].edge_index = torch.stack(
        [
            torch.randint(40, (300,), generator=seeded()),
            torch.randint(60, (300,), generator=seeded(1)),
        ]
    )
    data["i", "rev_buys", "u"].edge_index = data["u", "buys", "i"].edge_index.flip(0)
    data["u", "knows", "u"].edge_index = to_undirected(
        torch.randint(40, (2, 80), generator=seeded(2))
    )
    return data
