"""Constructor errors of single samplers, and what counts are for."""

from __future__ import annotations

import pytest
import torch

from gneg import samplers
from tests.worlds import WORLDS, bipartite, random_graph


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda g: samplers.Degree(g, 9), r"'alpha' must be a number in \[-4, 4\] \(got 9\)"),
        (lambda g: samplers.KHop(g, 1), "'hops' must be integers from 2 to 1000 or 'far'"),
        (lambda g: samplers.KHop(g, (2, 10**9)), "'hops' must be integers from 2 to 1000"),
        (lambda g: samplers.KHop(g).tune("hops", 2e3), r"'hops' must be a number in \[2, 1000\]"),
        (lambda g: samplers.KHop(g, (2, 2)), "'hops' must be one or more different distances"),
        (lambda g: samplers.KHop(g, (2, 3), (1,)), "'weights' must be one for each of the 2 hops"),
        (lambda g: samplers.KHop(g, (2, 3), (0, 0)), "'weights' must be of a positive sum"),
        (lambda g: samplers.KHop(g, 2, {2: 1}), "'hops' must be None when 'weights' is a mapping"),
        (lambda g: samplers.Walk(g, "xx"), "'kind' must be one of 'ra', 'cn', 'aa', 'ppr'"),
        (lambda g: samplers.Walk(g, "cn", hops=3), "'hops' must be 2 for kind='cn'"),
        (lambda g: samplers.Walk(g, "ppr", alpha=1), r"'alpha' must be a number in \(0, 1\)"),
        (lambda g: samplers.Walk(bipartite(), hops=2), "'hops' must be odd in a bipartite graph"),
        (
            lambda g: samplers.Walk(bipartite(), "aa"),
            "'kind' must be 'ra' or 'ppr' for a bipartite",
        ),
        (lambda g: samplers.KHop(bipartite(), 4), "'hops' must be odd in a bipartite graph"),
        (lambda g: samplers.Mixture([]), "'samplers' must be one or more samplers"),
        (
            lambda g: samplers.Mixture([samplers.Uniform(g)], [0]),
            r"'weights' must be a number in \(0",
        ),
        (
            lambda g: samplers.Mixture([samplers.Uniform(g), samplers.Uniform(random_graph(5, 9))]),
            "'samplers' must be over the nodes of",
        ),
        (
            lambda g: samplers.Fixed(g, torch.zeros(3, 2, dtype=torch.long)),
            r"'pool' must be of shape \[60, P\], one row a node",
        ),
        (
            lambda g: samplers.Fixed(g, torch.full((60, 2), 60)),
            r"'pool' must be node ids in \[0, 60\)",
        ),
        (lambda g: samplers.Uniform("graph"), "'graph' must be a gneg.Graph"),
    ],
)
def test_bad_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make(random_graph(60, 150))


def test_an_empty_shell_falls_to_the_next_and_is_counted():
    graph = WORLDS["isolated"]()
    pos = torch.tensor([[0, 6], [1, 7]])  # a triangle without a second shell, the end of a path
    neg = samplers.KHop(graph, 2).sample(pos, 50, generator=torch.Generator().manual_seed(0))
    assert (
        neg.counts["fell"] == 0 or neg.counts["short"]
    )  # both rows are short here: 50 > non-edges
    neg = samplers.KHop(graph, 2).sample(pos, 5, generator=torch.Generator().manual_seed(0))
    assert neg.counts["fell"] == 5
    assert (neg.index[0] > 2).all()
    assert neg.index[1].tolist() == [8] * 5


def test_walk_without_a_way_out_is_filled_and_counted():
    graph = WORLDS["isolated"]()
    neg = samplers.Walk(graph).sample(
        torch.tensor([[0, 12], [1, 3]]), 4, generator=torch.Generator().manual_seed(0)
    )
    assert neg.counts["filled"] == 8
    assert neg.mask.all()
