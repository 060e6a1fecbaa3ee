"""PageRank of pairs against dense matrices, with and without their own edge."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gneg import Graph, KnownEdges
from gneg.graph import heuristics
from gneg.graph.pagerank import Hops, PageRank, without_own_edge
from tests.worlds import random_graph


def dense(graph: Graph, alpha: float) -> np.ndarray:
    """The resolvent, by an inverse."""
    a = np.zeros((graph.num_nodes, graph.num_nodes))
    a[tuple(graph.edge_index.numpy())] = 1.0
    total = a.sum(1, keepdims=True)
    move = a / np.where(total > 0, total, 1)
    return alpha * np.linalg.inv(np.eye(len(a)) - (1 - alpha) * move)


@pytest.mark.parametrize("table", [10_000, 0])
def test_scores_are_those_of_the_resolvent(table, monkeypatch):
    monkeypatch.setattr("gneg.graph.pagerank.TABLE", table)
    graph = random_graph(40, 90)
    ranks = PageRank(graph.steps(), alpha=0.2, epsilon=1e-9)
    rows = np.array([3, 7, 3, 0])
    targets = np.random.default_rng(0).integers(40, size=(4, 5))
    wanted = dense(graph, 0.2)[rows[:, None], targets]
    np.testing.assert_allclose(ranks.scores(rows, targets), wanted, atol=1e-7)


@pytest.mark.slow
@given(st.integers(0, 1000), st.sampled_from([0.1, 0.15, 0.5]), st.integers(8, 60))
def test_without_its_own_edge_as_if_it_were_not_there(seed, alpha, edges):
    """Every edge of a small graph is taken out in turn; leaves and bridges included."""
    graph = random_graph(12, edges, seed)
    if not graph.num_edges:
        return
    resolvent = dense(graph, alpha)
    src, dst = graph.edge_index.numpy()
    degree = graph.degree().numpy().astype(float)
    scores = without_own_edge(
        np.ones(len(src), bool),
        resolvent[src, dst],
        resolvent[dst, src],
        (resolvent[src, src], resolvent[dst, dst]),
        (degree[src], degree[dst]),
        alpha,
    )
    for i, (u, v) in enumerate(zip(src, dst, strict=True)):
        keep = ~(((src == u) & (dst == v)) | ((src == v) & (dst == u)))
        reduced = Graph.from_edge_index(graph.edge_index[:, keep], 12, undirected=True)
        assert scores[i] == pytest.approx(dense(reduced, alpha)[u, v], abs=1e-9)


def test_others_are_left_as_they_are():
    ranks = np.array([0.1, 0.2])
    scores = without_own_edge(
        np.zeros(2, bool), ranks, ranks, (ranks, ranks), (ranks + 1, ranks + 1), 0.15
    )
    np.testing.assert_array_equal(scores, ranks)


def test_bad_arguments_are_refused():
    graph = random_graph(10, 20)
    for alpha in (0.0, 1e-300):  # a push would never end
        with pytest.raises(ValueError, match="'alpha' must be"):
            PageRank(graph.steps(), alpha=alpha)
        with pytest.raises(ValueError, match="'alpha' must be"):
            heuristics.scores(graph, "ppr", np.arange(2), np.ones((2, 1), np.int64), alpha=alpha)
    with pytest.raises(ValueError, match="'epsilon' must be"):
        PageRank(graph.steps(), epsilon=0.0)


@pytest.mark.parametrize("table", [10_000, 0])
def test_known_loops_and_rounding_are_no_walks_to_non_edges(table, monkeypatch):
    """A known loop is left out once, as a row's own id is; what subtraction leaves is nothing."""
    monkeypatch.setattr("gneg.graph.pagerank.TABLE", table)
    graph = random_graph(40, 90)
    loops = torch.arange(40).expand(2, -1)
    everyone = torch.cartesian_prod(torch.arange(5), torch.arange(40)).t()
    ends = (PageRank(graph.steps(), alpha=0.2, epsilon=1e-9), Hops(graph.steps(), 3))
    rows = np.arange(40)
    for walks in ends:
        shares = [
            walks.among(rows, rows[:, None], KnownEdges(graph, *more))[1]
            for more in ((), (loops,), (loops, everyone))
        ]
        np.testing.assert_allclose(shares[0], shares[1], atol=1e-9)
        assert not shares[2][:5].any()
