"""Graphs of PyG that transforms are tested on."""

from __future__ import annotations

import torch
from torch_geometric.data import Data, HeteroData
from torch_geometric.utils import coalesce, to_undirected

from tests.worlds import random_graph


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pairs(edge_index, undirected: bool = False) -> set:
    pair_set = {tuple(pair) for pair in edge_index.t().tolist()}
    return {(min(pair), max(pair)) for pair in pair_set} if undirected else pair_set


def parts(data, key="edge_label"):
    """Positives and negatives of a part."""
    index, label = data[f"{key}_index"], data[key]
    return index[:, label > 0], index[:, label == 0]


def graph_data(n=60, edges=200, undirected=True) -> Data:
    graph = random_graph(n, edges, undirected=undirected)
    x = torch.randn(n, 4, generator=seeded())
    return Data(x=x, edge_index=graph.edge_index, edge_attr=torch.arange(graph.num_edges))


def hetero_data() -> HeteroData:
    data = HeteroData()
    data["p"].x, data["a"].x = torch.randn(100, 3), torch.randn(200, 3)
    between = coalesce(torch.stack([torch.randint(100, (1000,)), torch.randint(200, (1000,))]))
    data["p", "p"].edge_index = to_undirected(torch.randint(100, (2, 400)))
    data["p", "a"].edge_index = between
    data["p", "a"].edge_attr = torch.arange(between.size(1))
    data["a", "p"].edge_index = between.flip(0)
    data["a", "p"].edge_attr = torch.arange(between.size(1)) + 5000
    return data
