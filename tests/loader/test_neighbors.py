"""Sampled neighbourhoods: complete, as likely as they should be, the same for any threads."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch_geometric.data import Data
from torch_geometric.utils import k_hop_subgraph

from gneg.loader import NeighborSampler
from tests.loader.pyg_data import graph_data, pairs


@pytest.mark.parametrize("undirected", [True, False])
def test_all_neighbours_are_the_k_hop_subgraph(undirected):
    data = graph_data(undirected=undirected)
    out = NeighborSampler(data, [-1, -1]).sample(torch.tensor([3, 17]))
    nodes, _, _, mask = k_hop_subgraph([3, 17], 2, data.edge_index, num_nodes=80)
    assert set(out.node.tolist()) == set(nodes.tolist())
    assert out.node[:2].tolist() == [3, 17]
    assert len(set(out.node.tolist())) == len(out.node)
    edges = torch.stack([out.node[out.row], out.node[out.col]])
    # Of the two hops each edge into a node of the first; k_hop_subgraph adds those among the rest.
    assert pairs(edges) <= pairs(data.edge_index[:, mask])
    perm = NeighborSampler(data, [-1]).edge_permutation
    assert torch.equal(data.edge_index[:, perm[out.edge]], edges)
    assert sum(out.num_sampled_nodes) == len(out.node)
    assert sum(out.num_sampled_edges) == len(out.row)


def test_fanouts_replacement_and_counts():
    data = graph_data(n=50, edges=600)
    degree = torch.bincount(data.edge_index[1], minlength=50)
    seeds = torch.arange(10)
    for replace in (False, True):
        out = NeighborSampler(data, [5, 2], replace=replace).sample(seeds)
        into = torch.bincount(out.col, minlength=len(out.node))
        first, second = out.num_sampled_nodes[0], out.num_sampled_nodes[1]
        want = degree[out.node].clamp(max=5)
        assert (into[:first] == (5 if replace else want[:first])).all()
        assert (into[first : first + second] <= 2).all()
        edges = torch.stack([out.col, out.edge]).t().tolist()
        assert replace or len({tuple(edge) for edge in edges}) == len(edges)


@pytest.mark.parametrize("k", [3, 40])
def test_every_neighbour_is_as_likely(k):
    star = Data(
        edge_index=torch.stack([torch.arange(1, 61), torch.zeros(60, dtype=torch.long)]),
        num_nodes=61,
    )
    counts = np.zeros(61)
    for seed in range(2000):
        out = NeighborSampler(star, [k], seed=seed).sample(torch.tensor([0]))
        counts[out.node[1:].numpy()] += 1
    expected = 2000 * k / 60
    variance = expected * (1 - k / 60)
    assert counts[0] == 0
    assert ((counts[1:] - expected) ** 2 / variance).sum() < 60 + 4.5 * np.sqrt(120)


@pytest.mark.slow
def test_weights_decide_how_likely():
    weight = torch.tensor([1.0, 2.0, 3.0, 0.0])
    edges = torch.tensor([[1, 2, 3, 4], [0, 0, 0, 0]])
    data = Data(edge_index=edges, weight=weight, num_nodes=5)
    for replace in (True, False):
        counts = np.zeros(5)
        for seed in range(3000):
            sampler = NeighborSampler(data, [1], replace=replace, weight_attr="weight", seed=seed)
            counts[sampler.sample(torch.tensor([0])).node[1]] += 1
        assert counts[1:] / 3000 == pytest.approx(weight.numpy() / 6, abs=0.035)
