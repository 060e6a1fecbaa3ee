"""Draws against exact probabilities: chi-square, and log_prob against enumeration."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from scipy.stats import chisquare

from gneg import Graph, KnownEdges, samplers
from gneg.samplers import Sampler
from tests import reference
from tests.worlds import WORLDS, random_graph

SHELLS = {2: 0.5, 3: 0.3, "far": 0.2}
ODD_SHELLS = {3: 0.7, "far": 0.3}

EXACT = {
    "uniform": (samplers.Uniform, reference.uniform),
    "degree": (samplers.Degree, lambda g: reference.degree(g, 0.75)),
    "degree-2": (lambda g: samplers.Degree(g, 2.0), lambda g: reference.degree(g, 2.0)),
    "degree-0": (lambda g: samplers.Degree(g, 0.0), lambda g: reference.degree(g, 0.0)),
    "ra": (samplers.Walk, lambda g: reference.walk(g, "ra")),
    "cn": (lambda g: samplers.Walk(g, "cn"), lambda g: reference.walk(g, "cn")),
    "aa": (lambda g: samplers.Walk(g, "aa"), lambda g: reference.walk(g, "aa")),
    "ppr": (lambda g: samplers.Walk(g, "ppr", alpha=0.3), lambda g: reference.ppr(g, 0.3)),
    "steps-3": (lambda g: samplers.Walk(g, hops=3), lambda g: reference.steps(g, 3)),
    "steps-4": (lambda g: samplers.Walk(g, hops=4), lambda g: reference.steps(g, 4)),
    "khop-2": (lambda g: samplers.KHop(g, 2), lambda g: reference.khop(g, {2: 1.0})),
    "khop-3": (lambda g: samplers.KHop(g, 3), lambda g: reference.khop(g, {3: 1.0})),
    "khop-far": (lambda g: samplers.KHop(g, "far"), lambda g: reference.khop(g, {"far": 1.0})),
    "khop-shells": (
        lambda g: samplers.KHop(g, weights=SHELLS),
        lambda g: reference.khop(g, SHELLS),
    ),
    "mixture": (
        lambda g: samplers.Mixture([samplers.Uniform(g), samplers.Walk(g)], [0.3, 0.7]),
        lambda g: 0.3 * reference.uniform(g) + 0.7 * reference.walk(g, "ra"),
    ),
}
BIPARTITE = {
    "uniform": (samplers.Uniform, reference.uniform),
    "walk": (samplers.Walk, lambda g: reference.steps(g, 3)),
    "ppr": (lambda g: samplers.Walk(g, "ppr", alpha=0.3), lambda g: reference.ppr(g, 0.3)),
    "khop": (
        lambda g: samplers.KHop(g, weights=ODD_SHELLS),
        lambda g: reference.khop(g, ODD_SHELLS),
    ),
}


def chi_square(sampler: Sampler, graph: Graph, exact: np.ndarray, rows: int = 12) -> None:
    """Draw a lot from some rows; the p-value must not be absurd, nothing impossible drawn."""
    alive = np.flatnonzero(reference.non_edges(graph).sum(1) >= 16)[:rows]
    for u in alive:
        pos = torch.stack([torch.full((1500,), int(u)), torch.zeros(1500, dtype=torch.long)])
        neg = sampler.sample(pos, 16, generator=torch.Generator().manual_seed(int(u)))
        counts = np.bincount(neg.index[neg.mask].numpy(), minlength=graph.num_dst)
        assert counts[exact[u] <= 0].sum() == 0, f"row {u}: drew what has no probability"
        reachable = exact[u] > 0
        expected = exact[u][reachable] / exact[u][reachable].sum() * counts.sum()
        if reachable.sum() > 1:
            assert chisquare(counts[reachable], expected).pvalue > 1e-5, f"row {u}"


@pytest.mark.parametrize(
    "world", ["sparse", "directed", "isolated", "hub", "weighted", "multigraph"]
)
@pytest.mark.parametrize("case", EXACT)
def test_draws_follow_the_exact_distribution(case, world):
    graph = WORLDS[world]()
    make, exact = EXACT[case]
    chi_square(make(graph), graph, exact(graph))


@pytest.mark.parametrize("case", BIPARTITE)
def test_draws_in_a_bipartite_graph(case):
    generator = torch.Generator().manual_seed(4)
    index = torch.stack(
        [
            torch.randint(15, (80,), generator=generator),
            torch.randint(40, (80,), generator=generator),
        ]
    )
    graph = Graph.from_edge_index(index, (15, 40))
    make, exact = BIPARTITE[case]
    weight = torch.rand(80, generator=generator) + 0.05
    for variant in (graph, Graph.from_edge_index(index, (15, 40), weight=weight)):
        for way in (variant, variant.reversed()):
            chi_square(make(way), way, exact(way))


@pytest.mark.parametrize(
    "world", ["sparse", "dense", "directed", "isolated", "hub", "empty", "weighted", "multigraph"]
)
@pytest.mark.parametrize("case", EXACT)
def test_log_prob_equals_enumeration(case, world):
    graph = WORLDS[world]()
    make, exact = EXACT[case]
    free = reference.non_edges(graph)
    src, dst = (torch.from_numpy(ends) for ends in np.nonzero(free))
    probability = make(graph).log_prob(src, dst).double().exp().numpy()
    np.testing.assert_allclose(probability, exact(graph)[free], atol=1e-6)


@pytest.mark.parametrize("case", BIPARTITE)
def test_log_prob_in_a_bipartite_graph_equals_enumeration(case):
    graph = WORLDS["bipartite"]()
    src, dst = (torch.from_numpy(ends) for ends in np.nonzero(reference.non_edges(graph)))
    make, exact = BIPARTITE[case]
    probability = make(graph).log_prob(src, dst).double().exp().numpy()
    np.testing.assert_allclose(probability, exact(graph)[src.numpy(), dst.numpy()], atol=1e-6)


@pytest.mark.parametrize("world", ["sparse", "directed", "isolated", "hub", "bipartite"])
def test_pushed_pagerank_is_as_exact_as_its_tolerance(world, monkeypatch):
    """What large graphs get, on small ones."""
    graph = WORLDS[world]()
    src, dst = (torch.from_numpy(ends) for ends in np.nonzero(reference.non_edges(graph)))
    whole = samplers.Walk(graph, "ppr", alpha=0.3).log_prob(src, dst)
    monkeypatch.setattr("gneg.graph.pagerank.TABLE", 0)
    monkeypatch.setattr("gneg.graph.heuristics.LEFT", 1e-7)
    pushed = samplers.Walk(graph, "ppr", alpha=0.3).log_prob(src, dst)
    np.testing.assert_allclose(pushed.exp(), whole.exp(), atol=1e-5)


@pytest.mark.parametrize("case", ["uniform", "ra", "steps-3", "khop-2", "degree"])
def test_more_known_edges_than_the_graph_has(case):
    """Held-out edges are excluded from draws and from the normaliser, not from the walk."""
    graph = random_graph(40, 90)
    extra = torch.randint(40, (2, 60), generator=torch.Generator().manual_seed(9))
    known = KnownEdges(graph, extra)
    sampler = {
        "uniform": samplers.Uniform,
        "ra": samplers.Walk,
        "steps-3": partial(samplers.Walk, hops=3),
        "khop-2": samplers.KHop,
        "degree": samplers.Degree,
    }[case](graph, known=known)
    total = np.zeros(40)
    everyone = torch.arange(40)
    for u in range(40):
        row = torch.full((40,), u)
        free = ~known.contains(row, everyone) & (everyone != u)
        total[u] = sampler.log_prob(row, everyone)[free].exp().sum()
    np.testing.assert_allclose(total, 1.0, atol=1e-5)


def test_mixture_shares_are_met_in_every_row():
    """Targets 0..9 come from one part, 10..19 from the other: 3 of 10 slots and 7 of 10."""
    graph = Graph.from_edge_index(torch.empty(2, 0, dtype=torch.long), (4, 20))
    low = samplers.Fixed(graph, torch.arange(10).expand(4, 10))
    high = samplers.Fixed(graph, torch.arange(10, 20).expand(4, 10))
    mixture = samplers.Mixture([low, high], [0.3, 0.7])
    neg = mixture.sample(
        torch.zeros(2, 50, dtype=torch.long), 10, generator=torch.Generator().manual_seed(0)
    )
    assert ((neg.index < 10).sum(1) == 3).all()
    neg = mixture.sample(
        torch.zeros(2, 4000, dtype=torch.long), 1, generator=torch.Generator().manual_seed(0)
    )
    assert (neg.index < 10).float().mean() == pytest.approx(0.3, abs=0.03)


def test_parts_of_a_mixture_are_asked_for_some_rows_or_not_at_all():
    """Rows of 0 and of 2 draws, and none of 1."""

    class Asked(samplers.Uniform):
        def propose(self, query, k, seed):
            assert len(query.rows)
            return super().propose(query, k, seed)

    graph = random_graph(50, 200)
    mixture = samplers.Mixture([Asked(graph) for _ in range(3)])
    for seed in range(50):
        generator = torch.Generator().manual_seed(seed)
        assert mixture.sample(graph.edge_index[:, :3], 2, generator=generator).mask.all()


def test_in_batch_takes_every_other_target_once():
    graph = random_graph(60, 150)
    pos = graph.edge_index[:, ::13][:, :20]
    neg = samplers.InBatch(graph).sample(pos, 19, generator=torch.Generator().manual_seed(0))
    free = torch.from_numpy(reference.non_edges(graph))
    for row in range(20):
        expected_targets = [
            int(v) for j, v in enumerate(pos[1]) if j != row and free[pos[0, row], v]
        ]
        assert neg.index[row, : len(expected_targets)].tolist() == expected_targets
    assert neg.counts["filled"] == 20 * 19 - sum(
        int(free[pos[0, row], pos[1, j]]) for row in range(20) for j in range(20) if j != row
    )


def test_fixed_serves_the_chosen_negatives_of_each_positive():
    graph = Graph.from_edge_index(torch.tensor([[0, 1], [1, 2]]), 30)
    pool = torch.tensor([[5, 6, 7, -1], [8, 1, -1, -1]])
    sampler = samplers.Fixed(graph, pool, pos=torch.tensor([[0, 1], [1, 2]]))
    neg = sampler.sample(
        torch.tensor([[1, 0, 0], [2, 1, 2]]), 3, generator=torch.Generator().manual_seed(0)
    )
    assert 8 in neg.index[0]
    assert sorted(neg.index[1].tolist()) == [5, 6, 7]
    assert 1 not in neg.index[2]  # a pair that is not in the pool: uniform, known edge excluded
    assert neg.counts["filled"] == 5


def test_eval_negatives_of_heart_become_pools():
    heart = torch.tensor([[[0, 5], [0, 6], [7, 1], [8, 1]]])
    targets, sources = samplers.propose.fixed.from_eval_negatives(heart)
    assert targets.tolist() == [[5, 6]]
    assert sources.tolist() == [[7, 8]]
    with pytest.raises(ValueError, match=r"'negatives' must be of shape \[E, K, 2\]"):
        samplers.propose.fixed.from_eval_negatives(heart[:, :3])
