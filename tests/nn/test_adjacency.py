"""Sums over neighbours: sparse, and as products of dense matrices in half precision."""

from __future__ import annotations

import pytest
import torch

from gneg.nn import Adjacency
from tests.worlds import WORLDS, dense, random_graph


def test_dense_products_are_used_for_dense_graphs_only():
    assert Adjacency(dense(), half=True).dense
    assert not Adjacency(dense()).dense
    assert not Adjacency(random_graph(200, 150), half=True).dense


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("world", ["dense", "complete", "hub", "weighted", "bipartite"])
def test_sums_and_gradients_in_half_precision_are_those_of_sparse_products(world, masked):
    graph = WORLDS[world]()
    half, whole = Adjacency(graph, half=True), Adjacency(graph)
    assert half.dense
    if masked:
        positions = whole.positions(graph.edge_index[:, ::3])
        half, whole = half.without(positions), whole.without(positions)
    h = torch.randn(graph.num_nodes, 8, generator=torch.Generator().manual_seed(0))
    # Numbers that half precision holds, so that only the sums are rounded.
    h = h.bfloat16().float()
    results = []
    for adjacency in (half, whole):
        x = h.clone().requires_grad_()
        out = adjacency.sum(x)
        out.float().square().sum().backward()
        results.append((out.detach().float(), x.grad))
    for of_half, of_whole in zip(*results, strict=True):
        error = (of_half - of_whole).norm() / of_whole.norm()
        assert error < 0.01
    # Without a gradient, as in an evaluation, nothing is rounded.
    with torch.no_grad():
        assert torch.equal(half.sum(h), whole.sum(h))
    assert torch.equal(half.degree, whole.degree)


def test_degrees_are_exact_under_autocast():
    graph = WORLDS["hub"]()
    with torch.autocast("cpu", torch.bfloat16):
        adjacency = Adjacency(graph)
        assert torch.equal(adjacency.degree[:, 0].long(), graph.degree())
        assert adjacency.sum(torch.ones(graph.num_nodes, 2)).dtype == torch.float32
