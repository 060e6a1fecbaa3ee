"""Graphs whose nodes or edges have times: split by time, and negatives that respect it."""

from __future__ import annotations

import pytest
import torch

from gneg import Graph, KnownEdges, audit, datasets, samplers
from tests.worlds import random_graph


@pytest.mark.parametrize("corrupt", ["dst", "src"])
def test_negatives_respect_the_direction_of_time(corrupt):
    graph = random_graph(60, 300, undirected=False)
    time = torch.arange(60).double()
    pos = graph.edge_index[:, graph.edge_index[0] > graph.edge_index[1]]
    expression = "guarded(walk, node_time=backward)"
    sampler = samplers.build(expression, graph, corrupt=corrupt, time=time)
    drawn = sampler.sample(pos, 5, generator=torch.Generator().manual_seed(0))
    src, dst = drawn.edge_index()
    assert (src > dst).all()
    source = drawn.positives()[0].unsqueeze(1).expand(-1, 5)[drawn.mask]
    assert (src <= source).all()
    possible = [
        sum(not graph_has(graph, s, d) for s, d in candidates(u, v, corrupt))
        for u, v in pos.t().tolist()
    ]
    assert drawn.mask.sum(1).tolist() == [min(5, n) for n in possible]


def candidates(u: int, v: int, corrupt: str) -> list[tuple[int, int]]:
    """Pairs that could have been instead of (u, v) at the time of u."""
    return [(u, w) for w in range(u)] if corrupt == "dst" else [(w, v) for w in range(v + 1, u + 1)]


def graph_has(graph: Graph, src: int, dst: int) -> bool:
    row = graph.indices[graph.indptr[src] : graph.indptr[src + 1]]
    return dst in row


def test_times_are_asked_for():
    with pytest.raises(ValueError, match="'node_time' must be left out where nodes have no times"):
        samplers.build("guarded(walk, node_time=any)", random_graph(9, 20))
    with pytest.raises(ValueError, match="'direction' must be one of 'any', 'backward'"):
        samplers.build("guarded(walk, node_time=forward)", random_graph(9, 20), time=torch.zeros(9))


@pytest.mark.slow
def test_citations_are_split_by_time(shared):
    data = datasets.load("cit-hepth", root=shared)
    assert data.num_nodes == 27_770
    assert not data.undirected
    when = [data.time[part.pos[0]] for part in (data.valid, data.test)]
    assert when[0].max() < when[1].min()
    assert (data.time[data.train[0]] >= data.time[data.train[1]]).all()
    everything = KnownEdges(data.graph, data.valid.pos, data.test.pos)
    for part in (data.valid, data.test):
        src, dst = (end if part.mask is None else end[part.mask] for end in part.neg)
        assert (data.time[dst] <= data.time[src]).all()
        assert not everything.contains(src, dst).any()
    results = audit(data, "guarded(walk, node_time=backward)", negatives=4000, corrupt="dst")
    assert results["guards"][0]["dropped"] > 0.01
