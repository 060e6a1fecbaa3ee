"""Rows with more walks than there is room to list, and stamps that run out."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from gneg import Graph, kernels, samplers
from tests import reference, worlds
from tests.contract.cases import seeded


@pytest.mark.parametrize("weighted", [False, True])
def test_a_row_of_very_many_walks_of_which_few_are_usable(weighted):
    """The usable ones are counted first, so that there is no list of all."""
    size, free = 1100, (7, 1042, 1099)
    assert size**2 > kernels.walks.MOST_PATHS
    edges = np.ones((size, size), bool)
    edges[0, free] = edges[free, 0] = False
    index = torch.from_numpy(np.array(np.triu(edges, 1).nonzero()))
    weights = torch.ones(index.size(1)) if weighted else None
    graph = Graph.from_edge_index(index, size, undirected=True, weight=weights)
    drawn = samplers.Walk(graph).sample(
        torch.zeros(2, 200, dtype=torch.long), 2, generator=seeded(0)
    )
    count = np.bincount(drawn.index.ravel(), minlength=size)
    assert drawn.counts["filled"] == 0
    assert count[list(free)].sum() == 400
    assert count[list(free)].min() > 90  # of 133 each


def test_shells_are_right_when_stamps_run_out(monkeypatch):
    """A graph whose nodes all bear stamps of the last balls that the integers of stamps hold."""
    graph, queue = worlds.random_graph(60, 90), np.empty(61, np.int32)
    sampler, pos = samplers.KHop(graph, (2, 3, "far")), worlds.positives(graph, 60)
    expected = sampler.sample(pos, 8, generator=seeded(1))
    last = np.iinfo(np.int32).max - 8
    monkeypatch.setattr(kernels.threads, "scratch", lambda _: (np.full(61, last, np.int32), queue))
    again = sampler.sample(pos, 8, generator=seeded(1))
    assert torch.equal(again.index, expected.index)
    assert torch.equal(again.log_q, expected.log_q)
    assert not reference.adjacency(graph)[again.src, again.index.T].any()
