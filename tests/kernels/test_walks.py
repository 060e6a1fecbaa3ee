"""Rows with more walks than there is room to list, and what shells leave behind."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from gneg import Graph, kernels, samplers
from tests import worlds
from tests.contract.cases import seeded


@pytest.mark.parametrize("weighted", [False, True])
def test_a_row_of_very_many_walks_of_which_few_are_usable(weighted):
    """The usable ones are counted first, so that there is no list of all."""
    size, free = 1100, (7, 1042, 1099)
    assert size**2 > kernels.listed_walks.MOST_PATHS
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


@pytest.mark.parametrize("hops", [2, (2, 3, "far"), "far"])
@pytest.mark.parametrize("world", ["sparse", "hub", "directed", "isolated", "bipartite"])
def test_shells_leave_bitmaps_as_zeros(world, hops):
    """Where slots are drawn from lists, by rejection and beyond all shells."""
    graph = worlds.WORLDS[world]()
    hops = {2: 3, "far": "far"}.get(hops, (3, "far")) if graph.bipartite else hops
    for k in (1, 8, 100):
        drawn = samplers.KHop(graph, hops).sample(worlds.positives(graph, 60), k)
        assert drawn.log_q is not None
        inside, frontier, _ = kernels.threads.balls(graph.num_nodes)
        assert not inside.any()
        assert not frontier.any()
