"""Selectors against slow references, and their draws against their laws."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from gneg import Graph, samplers
from tests import reference
from tests.worlds import random_graph


def scored(table: torch.Tensor):
    """A model that looks its scores up."""
    return lambda src, dst: table[src, dst]


def world(seed: int = 0, nodes: int = 30) -> tuple[Graph, torch.Tensor, np.ndarray]:
    graph = random_graph(nodes, 2 * nodes, seed=seed)
    table = torch.randn(nodes, nodes, generator=torch.Generator().manual_seed(seed + 1))
    return graph, table, reference.non_edges(graph)


def draw(sampler, table, pos, k, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return sampler.sample(pos, k, score=scored(table), generator=generator)


def slow_order(case: str, s: list[float], p: float, k: int, middle: float) -> list[int] | None:
    """Places of the candidates that a selector keeps of the scores ``s``, positive ``p``."""
    by_score = sorted(range(len(s)), key=lambda i: -s[i])
    if case == "hardest":
        return by_score[:k]
    if case == "middle":
        first = round(0.5 * (len(s) - k))
        return by_score[first : first + k]
    if case == "semihard":
        below = [i for i in by_score if s[i] < p - 0.3]
        above = [i for i in reversed(by_score) if s[i] >= p - 0.3]
        return (below + above)[:k]
    assert case == "ahns"
    p, s = p - middle, [score - middle for score in s]
    wanted = 0.4 * (1 / (1 + math.exp(-p)) + 0.6) ** (-1.5 + 1)
    return sorted(range(len(s)), key=lambda i: abs(1 / (1 + math.exp(-s[i])) - wanted))[:k]


SELECTORS = {
    "hardest": lambda g, m: samplers.Select(samplers.Uniform(g), samplers.Hardest(), m),
    "middle": lambda g, m: samplers.Select(samplers.Uniform(g), samplers.Hardest(quantile=0.5), m),
    "semihard": lambda g, m: samplers.Select(samplers.Uniform(g), samplers.SemiHard(margin=0.3), m),
    "ahns": lambda g, m: samplers.Select(
        samplers.Uniform(g), samplers.AHNS(alpha=0.6, beta=0.4, p=-1.5), m
    ),
}


@pytest.mark.parametrize("case", SELECTORS)
@given(seed=st.integers(0, 50), k=st.integers(1, 9))
@settings(max_examples=15, deadline=None)
def test_selection_of_all_candidates_equals_a_slow_one(case, seed, k):
    """With M of at least the number of non-edges, every one of them is a candidate."""
    graph, table, free = world(seed)
    pos = graph.edge_index[:, :20]
    neg = draw(SELECTORS[case](graph, graph.num_nodes), table, pos, k)
    candidates = np.concatenate([table[u][torch.from_numpy(free[u])] for u in pos[0].tolist()])
    positive, candidate = np.median(table[tuple(pos)]), np.median(candidates)
    middle = 0.0 if candidate <= 0 <= positive else (positive + candidate) / 2
    for row, (u, v) in enumerate(pos.t().tolist()):
        targets = np.flatnonzero(free[u])
        expected = slow_order(case, table[u, targets].tolist(), float(table[u, v]), k, middle)
        assert neg.index[row][neg.mask[row]].tolist() == targets[expected].tolist()


@pytest.mark.parametrize("k", [3, 40])
def test_the_hardest_of_many_are_the_same_either_way_they_are_found(k):
    """By insertion for few, by sorting for many."""
    graph, table, free = world(nodes=150)
    pos = graph.edge_index[:, :10]
    neg = draw(samplers.Select(samplers.Uniform(graph), samplers.Hardest(), 150), table, pos, k)
    for row, u in enumerate(pos[0].tolist()):
        targets = np.flatnonzero(free[u])
        hardest = targets[np.argsort(-table[u, targets].numpy(), kind="stable")[:k]]
        assert neg.index[row].tolist() == hardest.tolist()


@pytest.mark.parametrize("corrupt", ["src", "both"])
def test_scores_are_computed_in_the_graphs_direction(corrupt):
    graph = random_graph(25, 120, seed=3, undirected=False)
    table = torch.randn(25, 25, generator=torch.Generator().manual_seed(1))
    free = reference.non_edges(graph)
    pos = graph.edge_index[:, :30]
    sampler = samplers.Select(samplers.Uniform(graph), samplers.Hardest(), 25, corrupt=corrupt)
    neg = draw(sampler, table, pos, 1)
    src, dst = neg.pairs()
    for row in range(30):
        turned = bool(neg.side[row]) if corrupt == "both" else True
        u, v = int(src[row, 0]), int(dst[row, 0])
        scores = table[:, v][free[:, v]] if turned else table[u][free[u]]
        assert float(table[u, v]) == float(scores.max())


def chi_square(index: torch.Tensor, law: np.ndarray) -> float:
    counts = np.bincount(index.flatten().numpy(), minlength=len(law))
    assert counts[law <= 0].sum() == 0
    frequent = law * counts.sum() > 5
    observed, expected = counts[frequent], law[frequent] * counts.sum()
    rare = counts.sum() - observed.sum()
    if rare or law[~frequent].sum() > 0:
        observed = np.append(observed, rare)
        expected = np.append(expected, law[~frequent].sum() * counts.sum())
    return float(chisquare(observed, expected * observed.sum() / expected.sum()).pvalue)


def test_dns_is_uniform_among_the_n_hardest():
    graph, table, free = world()
    u = 4
    targets = np.flatnonzero(free[u])
    hardest = targets[np.argsort(-table[u, targets].numpy())[:6]]
    law = np.zeros(30)
    law[hardest] = 1 / 6
    pos = torch.tensor([[u], [0]]).expand(2, 6000)
    neg = draw(samplers.Select(samplers.Uniform(graph), samplers.DNS(n=6), 30), table, pos, 2)
    assert chi_square(neg.index, law) > 1e-3


def test_tempered_draws_a_softmax():
    graph, table, free = world()
    u = 4
    law = np.where(free[u], np.exp(table[u].numpy() / 0.7), 0.0)
    pos = torch.tensor([[u], [0]]).expand(2, 8000)
    neg = draw(
        samplers.Select(samplers.Uniform(graph), samplers.Tempered(temperature=0.7), 30),
        table,
        pos,
        1,
    )
    assert chi_square(neg.index, law / law.sum()) > 1e-3


def test_a_band_is_drawn_from_uniformly():
    graph, table, free = world()
    u, v = 4, 0
    table[u, v] = 1.0
    inside = free[u] & (table[u].numpy() < 0.8) & (table[u].numpy() >= 0.8 - 0.9)
    assert inside.sum() > 5
    pos = torch.tensor([[u], [v]]).expand(2, 6000)
    sampler = samplers.Select(samplers.Uniform(graph), samplers.SemiHard(margin=0.2, band=0.9), 30)
    neg = draw(sampler, table, pos, 2)
    assert chi_square(neg.index, inside / inside.sum()) > 1e-3


@pytest.mark.parametrize(
    ("propose", "burn_in"),
    [
        (samplers.Uniform, 60),
        (lambda g: samplers.Mixture([samplers.Uniform(g), samplers.Walk(g)]), 100),
        (lambda g: samplers.Degree(g, 0.5), 60),
        (samplers.Uniform, 400),  # more proposals than non-edges: drawn directly
    ],
)
def test_metropolis_reaches_its_distribution(propose, burn_in):
    graph, table, free = world(nodes=200)
    degree = graph.degree().numpy()
    u = int(np.argmax(degree > 3))
    reached = degree > 0 if isinstance(propose(graph), samplers.Degree) else np.ones(200, bool)
    law = np.where(free[u] & reached, np.exp(0.8 * table[u].numpy()), 0.0)
    pos = torch.tensor([[u], [0]]).expand(2, 4000)
    sampler = samplers.Metropolis(propose(graph), 0.8, burn_in=burn_in, thin=30)
    neg = draw(sampler, table, pos, 1)
    assert chi_square(neg.index, law / law.sum()) > 1e-3


def cliques() -> Graph:
    """Two cliques of six, 0-5 and 6-11, and a bridge from 5 to 6."""
    left = [(u, v) for u in range(6) for v in range(u)]
    pairs = [*left, *((u + 6, v + 6) for u, v in left), (5, 6)]
    return Graph.from_edge_index(torch.tensor(pairs).t(), 12, undirected=True)


def test_two_cliques_and_a_bridge():
    """Near the bridge the other side's nearest node is hard; the model says so, and is followed."""
    graph = cliques()
    distance = torch.from_numpy(reference.distances(graph))
    pos = torch.tensor([[5, 0], [4, 1]])
    walked = samplers.Walk(graph).sample(pos, 5, generator=torch.Generator().manual_seed(0))
    assert set(walked.index[0].tolist()) <= {7, 8, 9, 10, 11}
    hardest = draw(
        samplers.Select(samplers.Uniform(graph), samplers.Hardest(), 12), -distance, pos, 1
    )
    assert hardest.index[1].tolist() == [6]  # distance 2 from node 0, the rest of them 3
    guarded = samplers.Guarded(samplers.Uniform(graph), [samplers.Community("other")], 12)
    neg = guarded.sample(pos, 3, generator=torch.Generator().manual_seed(0))
    assert neg.counts["dropped community"] == neg.counts.get("starved", 0) == 0


def checkerboard() -> tuple[Graph, torch.Tensor, set[tuple[int, int]]]:
    """Users like items of their own parity; a few such pairs are unknown: false negatives."""
    likes = [(u, i) for u in range(12) for i in range(12) if u % 2 == i % 2]
    hidden = {(u, i) for u, i in likes if (u + i // 2) % 6 == 0}
    known = torch.tensor([pair for pair in likes if pair not in hidden]).t()
    u, i = torch.meshgrid(torch.arange(12), torch.arange(12), indexing="ij")
    table = torch.where(u % 2 == i % 2, 2.0, -2.0) + 0.001 * (u + i)
    return Graph.from_edge_index(known, (12, 12)), table, hidden


def hidden_among(neg, hidden) -> int:
    return sum(pair in hidden for pair in map(tuple, neg.edge_index().t().tolist()))


def test_checkerboard_hardest_are_the_false_negatives():
    graph, table, hidden = checkerboard()
    pos = graph.edge_index
    assert hidden_among(
        draw(samplers.Select(samplers.Uniform(graph), samplers.Hardest(), 12), table, pos, 1),
        hidden,
    ) == pos.size(1)
    rows = set(pos[0].tolist())
    assert {u for u, _ in hidden} == rows
    uniform = samplers.Uniform(graph)
    for careful in (
        samplers.Select(uniform, samplers.SemiHard(margin=1.0), 12),
        samplers.Guarded(uniform, [samplers.AbsoluteMargin(1.0)], 12),
        samplers.Guarded(uniform, [samplers.RelativeMargin(0.5)], 12),
        samplers.Guarded(uniform, [samplers.ScoreRange(high=1.0)], 12),
        samplers.Select(uniform, samplers.AHNS(alpha=0.1, beta=0.1, p=0.0), 12),
    ):
        assert hidden_among(draw(careful, table, pos, 2), hidden) == 0, careful


def test_ahns_with_distances_is_as_hard_as_the_positive_is_badly_placed():
    """Scores far below 0, whose sigmoid is 0; hardness falls with the positive's score."""
    graph, table, _ = world(nodes=150)
    pos = graph.edge_index[:, :200]
    table[tuple(pos)] += 2
    distances = 3 * table - 40
    ahns = samplers.Select(samplers.Uniform(graph), samplers.AHNS(), 32)
    hardest = samplers.Select(samplers.Uniform(graph), samplers.Hardest(), 32)
    index = draw(ahns, distances, pos, 1).index
    assert torch.equal(index, draw(ahns, distances - 40, pos, 1).index)
    score, largest = (
        distances[pos[0], drawn[:, 0]] for drawn in (index, draw(hardest, distances, pos, 1).index)
    )
    of_positive = distances[tuple(pos)]
    assert torch.corrcoef(torch.stack([of_positive, score]))[0, 1] < -0.7
    well_placed = of_positive > of_positive.median()
    assert (score[well_placed] < largest[well_placed]).all()


def test_scoring_is_chunked_within_memory():
    graph, table, _ = world(nodes=200)
    sizes = []

    def score(src, dst):
        sizes.append(len(src))
        return table[src, dst]

    pos = graph.edge_index[:, :200]
    small = samplers.Select(samplers.Uniform(graph), samplers.Hardest(), 64, memory_mb=1)
    large = samplers.Select(samplers.Uniform(graph), samplers.Hardest(), 64)
    drawn = [
        sampler.sample(pos, 4, score=score, generator=torch.Generator().manual_seed(0)).index
        for sampler in (small, large)
    ]
    assert torch.equal(*drawn)
    assert max(sizes[:-1]) <= 256
    assert len(sizes) > 20
    assert sizes[-1] == sum(sizes[:-1])


def test_scores_are_computed_without_a_gradient():
    graph, table, _ = world()
    table.requires_grad_()
    requires_grad = []

    def score(src, dst):
        out = table[src, dst]
        requires_grad.append(out.requires_grad)
        return out

    samplers.Select(samplers.Uniform(graph), samplers.Hardest()).sample(
        graph.edge_index, 2, score=score
    )
    assert requires_grad
    assert not any(requires_grad)


def test_selectors_nest():
    graph, table, _ = world()
    text = "mixture(uniform:0.5, guarded(hardest(walk, m=20), degree_cap=9, m=8):0.5)"
    sampler = samplers.build(text, graph, corrupt="both")
    neg = draw(sampler, table, graph.edge_index, 4)
    assert neg.mask.all()
    assert not sampler.known.contains(*neg.edge_index()).any()
    assert sampler.needs == {"score"}
