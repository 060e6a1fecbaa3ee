"""PyG's functions, exact: what PyG promises, and the faults of its own that must not come back."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_geometric.utils import is_undirected, to_undirected

import gneg
from gneg import batched_negative_sampling, negative_sampling, structured_negative_sampling
from tests.worlds import random_graph


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pairs(edge_index) -> set:
    return {tuple(pair) for pair in edge_index.t().tolist()}


@st.composite
def graphs(draw):
    bipartite = draw(st.booleans())
    n = draw(st.integers(1, 12))
    m = draw(st.integers(1, 12)) if bipartite else n
    edges = draw(st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, m - 1)), max_size=60))
    edge_index = torch.tensor(edges, dtype=torch.long).view(-1, 2).t()
    return edge_index, (n, m) if bipartite else n


@settings(max_examples=200, deadline=None)
@given(graphs(), st.one_of(st.none(), st.integers(0, 200), st.floats(0, 4)), st.booleans())
def test_distinct_non_edges_as_many_as_there_can_be(graph, wanted, undirected):
    edge_index, size = graph
    negatives = negative_sampling(
        edge_index, size, wanted, force_undirected=undirected, generator=seeded()
    )
    bipartite = isinstance(size, tuple)
    n, m = size if bipartite else (size, size)
    edges = pairs(edge_index)
    if undirected and not bipartite:
        edges |= {pair[::-1] for pair in edges}
    free = {(u, v) for u in range(n) for v in range(m) if bipartite or u != v} - edges
    count = edge_index.size(1) if wanted is None else wanted
    count = int(count * edge_index.size(1)) if isinstance(count, float) else count
    if undirected and not bipartite:
        count = min(2 * (count // 2), len(free))
        assert is_undirected(negatives, num_nodes=n)
    assert negatives.size(1) == len(pairs(negatives)) == min(count, len(free))
    assert pairs(negatives) <= free


@pytest.mark.slow
@pytest.mark.parametrize("undirected", [False, True])
def test_uniform_over_non_edges(undirected):
    graph = random_graph(9, 24, 1)
    free = {(u, v) for u in range(9) for v in range(9) if u != v} - pairs(graph.edge_index)
    counts = dict.fromkeys(free, 0)
    for seed in range(4000):
        for pair in pairs(
            negative_sampling(
                graph.edge_index, 9, 6, force_undirected=undirected, generator=seeded(seed)
            )
        ):
            counts[pair] += 1
    expected = 4000 * 6 / len(free)
    statistic = sum((count - expected) ** 2 / expected for count in counts.values())
    cells = len(free) // (2 if undirected else 1)
    limit = cells + 4.5 * np.sqrt(2 * cells)
    assert statistic / (2 if undirected else 1) < limit


def test_many_of_many_and_of_few():
    """Both ways of drawing distinct ranks: few of many by rejection, most by permutation."""
    graph = random_graph(400, 2000)
    for wanted in (100, 50_000, 140_000, 10**6):
        negatives = negative_sampling(graph.edge_index, 400, wanted, generator=seeded())
        assert (
            len(pairs(negatives)) == negatives.size(1) == min(wanted, 400 * 399 - graph.num_edges)
        )


def test_faults_of_the_reference():
    copies = torch.tensor([[0] * 30, [1] * 30])
    assert negative_sampling(copies, 5, 19).size(1) == 19  # PyG: none at all
    torch.manual_seed(0)
    random.seed(0)
    states = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist()
    first = negative_sampling(copies, 9, 12, generator=seeded(3))
    assert torch.equal(first, negative_sampling(copies, 9, 12, generator=seeded(3)))
    assert not torch.equal(first, negative_sampling(copies, 9, 12, generator=seeded(4)))
    structured_negative_sampling(copies, 9, generator=seeded(3))
    assert torch.equal(states[0], torch.get_rng_state())
    assert states[1] == random.getstate()
    assert states[2] == np.random.get_state()[1].tolist()
    hub = torch.stack([torch.zeros(998, dtype=torch.long), torch.arange(1, 999)])
    i, _, k = structured_negative_sampling(hub, 1000, False)  # PyG: rejection from 1,000
    assert (i == 0).all()
    assert (k == 999).all()


def test_a_sampler_instead_of_uniform():
    graph = random_graph(80, 300)
    edges = graph.edge_index
    common = gneg.graph.heuristics.scores(
        graph, "cn", np.arange(80), np.tile(np.arange(80), (80, 1))
    )
    negatives = negative_sampling(edges, 80, 500, sampler="walk", generator=seeded())
    assert negatives.size(1) == 500
    assert not pairs(negatives) & pairs(edges)
    assert (common[tuple(negatives.numpy())] > 0).mean() > 0.95
    few_negatives = negative_sampling(
        edges, 80, 31, sampler=gneg.samplers.Walk(graph), generator=seeded()
    )
    assert few_negatives.size(1) == 31
    undirected_negatives = negative_sampling(
        edges, 80, 40, force_undirected=True, sampler="walk", generator=seeded()
    )
    assert is_undirected(undirected_negatives)
    _, _, hard = structured_negative_sampling(edges, 80, k=3, sampler="walk", generator=seeded())
    assert (common[edges[0][:, None].numpy(), hard.numpy()] > 0).mean() > 0.95


@pytest.mark.parametrize("loops", [True, False])
def test_structured_negatives_of_every_edge(loops):
    edge_index = torch.tensor([[0, 0, 1, 2, 2], [0, 1, 2, 3, 2]])
    all_pairs = set()
    for seed in range(60):
        i, j, k = structured_negative_sampling(edge_index, 4, loops, generator=seeded(seed))
        assert torch.equal(torch.stack([i, j]), edge_index)
        all_pairs |= pairs(torch.stack([i, k]))
    free = {(u, v) for u in (0, 1, 2) for v in range(4)} - pairs(edge_index)
    assert all_pairs == {pair for pair in free if loops or pair[0] != pair[1]}


def test_structured_is_feasible_or_says_why():
    edge_index = torch.tensor([[0, 0, 1, 1, 2, 2], [1, 2, 0, 2, 0, 1]])
    feasible = gneg.structured_negative_sampling_feasible
    assert feasible(edge_index, 3, True)
    assert not feasible(edge_index, 3, False)
    assert feasible(edge_index, 4, False)
    i, _, k = structured_negative_sampling(edge_index, 3, True)
    assert torch.equal(i, k)
    with pytest.raises(ValueError, match="node 0 with none"):
        structured_negative_sampling(edge_index, 3, False)
    users = torch.tensor([[0, 1, 1], [2, 0, 3]])
    _, _, items = structured_negative_sampling(users, (2, 5), k=2)
    assert items.shape == (3, 2)
    assert not pairs(users) & {
        (int(u), int(v)) for u, row in zip(users[0], items, strict=True) for v in row
    }


@pytest.mark.parametrize("bipartite", [False, True])
def test_batches_stay_apart(bipartite):
    sizes = [(3, 5), (4, 4), (1, 6)] if bipartite else [(4, 4), (6, 6), (1, 1)]
    edges, batches = [], ([], [])
    start = torch.zeros(2, 1, dtype=torch.long)
    for i, (n, m) in enumerate(sizes):
        count = 0 if n == m == 1 else 4
        index = torch.stack([torch.randint(n, (count,)), torch.randint(m, (count,))])
        edges.append(index + start)
        start = start + torch.tensor([[n], [m]])
        batches[0].extend([i] * n)
        batches[1].extend([i] * m)
    edge_index = torch.cat(edges[::-1], dim=1)  # in any order
    src, dst = (torch.tensor(indices) for indices in batches)
    negatives = batched_negative_sampling(
        edge_index, (src, dst) if bipartite else src, generator=seeded()
    )
    assert (src[negatives[0]] == dst[negatives[1]]).all()
    assert not pairs(negatives) & pairs(edge_index)
    assert len(pairs(negatives)) == negatives.size(1) > 0
    undirected = (
        batched_negative_sampling(to_undirected(edges[1]), src, force_undirected=True)
        if not bipartite
        else negatives
    )
    assert bipartite or is_undirected(undirected)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda e: negative_sampling(e, method="fast"), "'method' must be one of"),
        (lambda e: negative_sampling(e, 2), "'edge_index' must be node ids"),
        (lambda e: negative_sampling(e.t()), "did you mean its transpose"),
        (lambda e: negative_sampling(e, num_neg_samples=-1), "'num_neg_samples' must be"),
        (lambda e: negative_sampling(e, num_neg_samples=-0.5), "'num_neg_samples' must be"),
        (lambda e: negative_sampling(e, sampler="wlak"), "no sampler 'wlak'"),
        (lambda e: negative_sampling(e, generator=3), "'generator' must be"),
        (lambda e: structured_negative_sampling(e, k=0), "'k' must be"),
        (lambda e: batched_negative_sampling(e, torch.tensor([1, 0, 0, 0])), "'batch' must be"),
        (lambda e: batched_negative_sampling(e, torch.tensor([0, 0, 1, 1])), "within a graph"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call(torch.tensor([[0, 0, 1], [1, 2, 3]]))
