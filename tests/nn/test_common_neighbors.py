"""Sums over common neighbours equal those of a loop over neighbours, gradients included."""

from __future__ import annotations

import math

import pytest
import torch

from gneg.nn import NCN, CommonNeighbors, LinkPredictor, NoEmbeddings, PairFeatures, make_decoder
from tests.worlds import bipartite, directed, random_graph

WEIGHTS = {"cn": lambda degree: 1, "aa": lambda degree: 1 / math.log(degree), "ra": lambda d: 1 / d}


@pytest.mark.parametrize(
    "graph", [random_graph(25, 90), directed()], ids=["undirected", "directed"]
)
@pytest.mark.parametrize("weighting", list(WEIGHTS))
def test_sums_are_those_of_a_loop(graph, weighting):
    n = graph.num_nodes
    neighbors = [set() for _ in range(n)]
    for u, v in graph.edge_index.t().tolist():
        neighbors[u].add(v)
        neighbors[v].add(u)
    z = torch.randn(n, 3, requires_grad=True)
    pairs = torch.cartesian_prod(torch.arange(n), torch.arange(n)).t()
    pairs = pairs[:, pairs[0] != pairs[1]]
    rows = []
    for u, v in pairs.t().tolist():
        common = neighbors[u] & neighbors[v]
        terms = [WEIGHTS[weighting](len(neighbors[w])) * z[w] for w in common]
        rows.append(sum(terms, torch.zeros(3)))
    expected = torch.stack(rows)
    sums = CommonNeighbors(graph, weighting)(z, pairs)
    torch.testing.assert_close(sums, expected)
    weight = torch.randn_like(sums)
    gradients = [torch.autograd.grad((part * weight).sum(), z)[0] for part in (sums, expected)]
    torch.testing.assert_close(*gradients)


def test_a_wrapped_decoder_sees_common_neighbors():
    graph, z = random_graph(25, 90), torch.randn(25, 4)
    ncn = NCN(4, graph)
    torch.nn.init.ones_(ncn.correction.stack[-1].weight)
    src, dst = torch.randint(25, (2, 30))
    plain = LinkPredictor(NoEmbeddings(25), ncn).score(z, src, dst)
    sums = ncn.norm(ncn.common(z, torch.stack([src, dst])))
    torch.testing.assert_close(
        plain,
        ncn.cosine(z[src], z[dst])
        + ncn.correction.of_product(torch.cat([z[src] * z[dst], sums], dim=1)),
    )
    wrapped = PairFeatures(ncn, graph, 8, kinds=["cn"])
    torch.nn.init.zeros_(wrapped.head[-1].weight)
    torch.nn.init.zeros_(wrapped.head[-1].bias)
    torch.testing.assert_close(LinkPredictor(NoEmbeddings(25), wrapped).score(z, src, dst), plain)


def test_the_graph_is_needed_and_homogeneous():
    with pytest.raises(ValueError, match="'graph' must be the training graph, for the decoder ncn"):
        make_decoder("ncn", 4)
    with pytest.raises(ValueError, match="'graph' must be homogeneous"):
        make_decoder("ncn", 4, graph=bipartite())
