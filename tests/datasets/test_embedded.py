"""The datasets that need no download."""

from __future__ import annotations

import networkx
import torch

from gneg import datasets


def test_hyperbolic_has_hubs_and_triangles_and_is_always_the_same():
    data, again = (datasets.load("Hyperbolic", seed=seed) for seed in (0, 1))
    graph = networkx.Graph()
    for part in ("train", "valid", "test"):
        graph.add_edges_from(data.positives(part).t().tolist())
    degrees = [degree for _, degree in graph.degree]
    assert 4_000 < graph.number_of_edges() < 7_000
    assert max(degrees) > 8 * sum(degrees) / len(degrees)
    chance = networkx.density(graph)
    assert networkx.average_clustering(graph) > 10 * chance
    assert data.x is None
    assert not torch.equal(data.train, again.train)  # another split
    edges = {frozenset(edge) for edge in graph.edges}
    for part in ("train", "valid", "test"):  # of the same graph
        assert {frozenset(edge) for edge in again.positives(part).t().tolist()} <= edges
