"""Random nodes as queries: uniform negatives of them are uniform over all pairs."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import chisquare

from gneg import Graph, KnownEdges
from gneg.samplers import Uniform
from gneg.samplers.any_node import AnyNode
from tests import reference
from tests.worlds import WORLDS

DRAWS = 200_000


def drawn(graph, corrupt, seed=0):
    """Return uniform negatives of random nodes, ``[2, DRAWS]``."""
    edges = graph.edge_index
    generator = torch.Generator().manual_seed(seed)
    pos = edges[:, torch.randint(edges.size(1), (DRAWS,), generator=generator)]
    queries = AnyNode(KnownEdges(graph))(pos, generator)
    assert queries.shape == pos.shape
    assert queries.dtype == torch.int64
    return Uniform(graph, corrupt=corrupt).sample(queries, 1, generator=generator).edge_index()


@pytest.mark.parametrize("corrupt", ["dst", "src", "both"])
@pytest.mark.parametrize("world", ["sparse", "hub", "directed", "bipartite", "isolated"])
def test_uniform_negatives_are_uniform_over_all_non_edges(world, corrupt):
    graph = WORLDS[world]()
    pairs = drawn(graph, corrupt)
    counts = np.zeros((graph.num_src, graph.num_dst))
    np.add.at(counts, tuple(pairs.numpy()), 1)
    free = reference.non_edges(graph)
    assert counts[~free].sum() == 0
    assert chisquare(counts[free]).pvalue > 1e-4


def test_the_same_generator_gives_the_same_queries():
    graph = WORLDS["sparse"]()
    assert torch.equal(drawn(graph, "both", seed=3), drawn(graph, "both", seed=3))
    assert not torch.equal(drawn(graph, "both", seed=3), drawn(graph, "both", seed=4))


def test_a_graph_without_non_edges_keeps_the_positives():
    edges = torch.combinations(torch.arange(5)).t()
    graph = Graph.from_edge_index(edges, 5, undirected=True)
    queries = AnyNode(KnownEdges(graph))(edges, torch.Generator().manual_seed(0))
    assert torch.equal(queries, edges)
