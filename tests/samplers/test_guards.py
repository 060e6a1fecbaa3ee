"""Guards against brute force, their counts, and what happens to rows they starve."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from gneg import Graph, samplers
from gneg.graph import heuristics
from gneg.samplers import Guarded, Uniform
from tests import reference
from tests.worlds import random_graph


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def world():
    graph = random_graph(60, 150)
    table = torch.randn(60, 60, generator=seeded(1))
    return graph, table, lambda src, dst: table[src, dst]


def allowed_by(name: str, graph: Graph, table: torch.Tensor, u: int, v: int) -> np.ndarray:
    """Non-edges of u that a guard keeps, by definition."""
    free = reference.non_edges(graph)[u]
    scores, positive = table[u].numpy(), float(table[u, v])
    if name == "score":
        return free & (scores >= -0.5) & (scores <= 0.8)
    if name == "absolute":
        return free & (scores <= positive - 0.4)
    if name == "relative":
        return free & (scores <= positive - 0.4 * abs(positive))
    if name == "degree":
        return free & (reference.adjacency(graph).sum(0) <= 5)
    if name == "rule":
        return free & (np.arange(60) % 3 != u % 3)
    if name == "rank":
        hardest = np.flatnonzero(free)[np.argsort(-scores[free])]
        keep = np.zeros(60, bool)
        keep[hardest[3:20]] = True
        return keep
    assert name in ("ra", "cosine")
    a = reference.adjacency(graph).astype(float)
    rated = a @ np.diag(1 / np.maximum(a.sum(0), 1)) @ a
    if name == "cosine":
        unit = features() / features().norm(dim=1, keepdim=True)
        rated = (unit @ unit.t()).numpy()
    limit = np.percentile(rated[a > 0], 60)
    return free & (rated[u] <= limit + 1e-6)


def features() -> torch.Tensor:
    return torch.randn(60, 5, generator=seeded(9))


GUARDS = {
    "score": lambda: samplers.ScoreRange(-0.5, 0.8),
    "absolute": lambda: samplers.AbsoluteMargin(0.4),
    "relative": lambda: samplers.RelativeMargin(0.4),
    "degree": lambda: samplers.DegreeCap(5),
    "rule": lambda: samplers.Rule(lambda src, dst: src % 3 == dst % 3),
    "rank": lambda: samplers.RankRange(3, 20),
    "ra": lambda: samplers.HeuristicPercentile("ra", 60),
    "cosine": lambda: samplers.HeuristicPercentile("cosine", 60, x=features()),
}


@pytest.mark.parametrize("name", GUARDS)
def test_guards_keep_what_their_definition_says(name):
    graph, table, score = world()
    sampler = Guarded(Uniform(graph), [GUARDS[name]()], 60)
    pos = graph.edge_index[:, ::5]
    neg = sampler.sample(pos, 6, score=score, generator=seeded())
    for row, (u, v) in enumerate(pos.t().tolist()):
        keep = allowed_by(name, graph, table, u, v)
        drawn = neg.index[row].tolist()
        inside = sum(keep[drawn])
        assert inside == min(6, int(keep.sum()))
    assert neg.mask.all()
    assert neg.counts[f"dropped {sampler.guards[0].name}"] > 0
    assert repr(sampler.guards[0]) in repr(sampler)


def test_every_dropped_candidate_is_counted_once():
    graph, _, score = world()
    guards = [samplers.ScoreRange(high=0.5), samplers.DegreeCap(5)]
    neg = Guarded(Uniform(graph), guards, 10).sample(
        graph.edge_index[:, :40], 2, score=score, generator=seeded()
    )
    turned = Guarded(Uniform(graph), guards[::-1], 10).sample(
        graph.edge_index[:, :40], 2, score=score, generator=seeded()
    )
    for counts in (neg.counts, turned.counts):
        assert counts["guarded"] >= 400
    total = [c["dropped score"] + c["dropped degree_cap"] for c in (neg.counts, turned.counts)]
    assert total[0] == total[1] <= neg.counts["guarded"]
    assert neg.counts["dropped score"] > turned.counts["dropped score"]


def test_what_is_dropped_is_replaced_by_the_next_easier():
    graph, table, score = world()
    free = torch.from_numpy(reference.non_edges(graph))
    sampler = Guarded(
        samplers.Select(Uniform(graph), samplers.Hardest(), 60),
        [samplers.Rule(lambda src, dst: dst % 2 == 0)],
        60,
    )
    pos = graph.edge_index[:, ::9]
    neg = sampler.sample(pos, 4, score=score, generator=seeded())
    for row, u in enumerate(pos[0].tolist()):
        odd = [v for v in range(60) if free[u, v] and v % 2]
        assert neg.index[row].tolist() == sorted(odd, key=lambda v: -table[u, v])[:4]


def test_starved_rows_are_counted_and_still_full():
    graph, _, _ = world()
    sampler = Guarded(Uniform(graph), [samplers.Rule(lambda src, dst: dst >= 2)], 16)
    neg = sampler.sample(graph.edge_index[:, :50], 5, generator=seeded())
    assert neg.mask.all()
    assert not sampler.known.contains(*neg.edge_index()).any()
    # Two nodes pass: what a row lacks to five has to come from the dropped ones.
    assert neg.counts["starved"] >= 50 * 3 - neg.counts["easier"]
    assert neg.counts["easier"] > 0


def test_node_time_is_never_violated():
    """A target that did not exist yet is worse than none: rows are left short instead."""
    graph = random_graph(60, 150)
    time = torch.randperm(60, generator=seeded(5))
    sampler = Guarded(Uniform(graph), [samplers.NodeTime(time)], 8, corrupt="both")
    pos = graph.edge_index[:, :80]
    neg = sampler.sample(pos, 6, generator=seeded())
    now = time[pos].max(dim=0).values
    assert (time[neg.index] <= now[:, None])[neg.mask].all()
    free = torch.from_numpy(reference.non_edges(graph))
    for row in range(80):
        choices = free[neg.src[row]] & (time <= now[row])
        assert int(neg.mask[row].sum()) == min(6, int(choices.sum()))
    fixed_time = samplers.NodeTime(time, lambda src, dst: torch.full_like(src, 10))
    neg = Guarded(Uniform(graph), [fixed_time], 8).sample(pos, 3, generator=seeded())
    assert (time[neg.index][neg.mask] <= 10).all()


@pytest.mark.parametrize("keep", ["own", "other"])
def test_communities_by_labels_or_by_louvain(keep):
    blocks = [(u + b, v + b) for b in (0, 10) for u in range(10) for v in range(u) if (u + v) % 3]
    graph = Graph.from_edge_index(torch.tensor([*blocks, (0, 10)]).t(), 20, undirected=True)
    pos = graph.edge_index[:, ::7]
    for labels in (None, torch.arange(20) // 10):
        sampler = Guarded(Uniform(graph), [samplers.Community(keep, labels)], 20)
        neg = sampler.sample(pos, 1, generator=seeded())
        assert ((neg.src[:, None] < 10) == (neg.index < 10)).all() == (keep == "own")


def test_bad_guards_are_named():
    graph = world()[0]
    pos = graph.edge_index[:, :4]
    with pytest.raises(ValueError, match="'guards' must be one or more guards"):
        Guarded(Uniform(graph), [])
    with pytest.raises(ValueError, match="'high' must be an integer >= 4"):
        samplers.RankRange(3, 3)
    with pytest.raises(ValueError, match=r"'labels' must be of shape \[60\]"):
        Guarded(Uniform(graph), [samplers.Community("own", torch.zeros(5))]).sample(pos, 2)
    with pytest.raises(ValueError, match=r"'node_time' must be of shape \[60\]"):
        Guarded(Uniform(graph), [samplers.NodeTime(torch.zeros(5))]).sample(pos, 2)
    with pytest.raises(ValueError, match="'function' must be one that returns bool"):
        Guarded(Uniform(graph), [samplers.Rule(lambda src, dst: src)]).sample(pos, 2)
    with pytest.raises(ValueError, match="'score' must be the current model"):
        Guarded(Uniform(graph), [samplers.AbsoluteMargin(1)]).sample(pos, 2)
    guard = samplers.HeuristicPercentile("cosine", x=torch.zeros(5, 2))
    with pytest.raises(ValueError, match="'x' must be features of the nodes"):
        Guarded(Uniform(graph), [guard]).sample(pos, 2)


@pytest.mark.parametrize("kind", ["cn", "aa", "ra", "ppr"])
def test_heuristics_equal_dense_matrices(kind):
    graph = random_graph(40, 90)
    a = reference.adjacency(graph).astype(float)
    d = a.sum(1)
    if kind == "ppr":
        move = a / np.maximum(d, 1)[:, None]
        stay = np.diag((d == 0).astype(float))  # a walk that cannot go on stays
        dense = 0.15 * np.linalg.inv(np.eye(40) - 0.85 * (move + stay))
    else:
        weight = {"cn": np.ones(40), "ra": 1 / np.maximum(d, 1)}.get(
            kind, np.where(d > 1, 1 / np.log(np.maximum(d, 2)), 0)
        )
        dense = a @ np.diag(weight) @ a
    rows = np.array([3, 7, 3, 0, 39])
    targets = np.stack([np.arange(40)] * 5)
    scores = heuristics.scores(graph, kind, rows, targets, epsilon=1e-9)
    np.testing.assert_allclose(scores, dense[rows], atol=1e-6)
    assert heuristics.scores(graph, kind, rows[:1], np.array([[-1]]))[0, 0] == 0
