"""Samplers that follow a schedule, or learn."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch

from gneg import Graph, samplers
from gneg.checks import CollapseWarning
from gneg.samplers import Schedule
from tests import reference
from tests.worlds import random_graph


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def model(graph: Graph, seed: int = 1):
    table = torch.randn(graph.num_src, graph.num_dst, generator=seeded(seed))
    return table, lambda src, dst: table[src, dst]


def mean_score(neg, table) -> float:
    return float(table[neg.pairs()][neg.mask].mean())


def test_schedules_go_from_start_to_end_and_stay():
    for shape in ("linear", "step", "cosine", "exponential"):
        values = [Schedule(shape, 0.5, 4.0, 20)(epoch) for epoch in range(25)]
        assert values[0] == 0.5
        assert values[20:] == [4.0] * 5
        assert values == sorted(values)
    assert len(set(values[:20])) == 20
    assert len({Schedule("step", 0, 1, 20)(epoch) for epoch in range(25)}) == 5
    with pytest.raises(ValueError, match="'start' must be a number in"):
        Schedule("exponential", 0.0, 1.0, 5)


def test_curriculum_gets_harder_by_epoch():
    graph = random_graph(100, 300)
    table, score = model(graph)
    sampler = samplers.Curriculum(
        samplers.Select(samplers.Uniform(graph), samplers.Hardest(), 50),
        Schedule("linear", 0.1, 1.0, 4),
        "quantile",
    )
    hardness = []
    for _ in range(5):
        neg = sampler.sample(graph.edge_index, 4, score=score, generator=seeded())
        hardness.append(mean_score(neg, table))
        sampler.end_epoch()
    assert hardness == sorted(hardness)
    assert hardness[0] < -0.5 < 1.0 < hardness[-1]
    assert sampler.report() == {"quantile": 1.0}


def test_curriculum_over_shells_and_shares():
    graph = random_graph(60, 90)
    distance = reference.distances(graph)
    sampler = samplers.Curriculum(samplers.KHop(graph), lambda epoch: max(2, 4 - epoch), "hops")
    shells = []
    for _ in range(3):
        neg = sampler.sample(graph.edge_index[:, :30], 5, generator=seeded())
        shells.append(float(np.median(distance[tuple(neg.edge_index().numpy())])))
        sampler.end_epoch()
    assert shells == [4.0, 3.0, 2.0]
    mixed = samplers.Mixture([samplers.Uniform(graph), samplers.KHop(graph)])
    shared = samplers.Curriculum(mixed, Schedule("linear", 0.0, 1.0, 2))
    assert mixed.weights == [1.0, 0.0]
    shared.end_epoch()
    assert mixed.weights == [0.5, 0.5]
    shared.end_epoch()
    shared.end_epoch()
    neg = shared.sample(graph.edge_index[:, :30], 5, generator=seeded())
    assert neg.mask.all()
    assert mixed.weights == [0.0, 1.0]


@pytest.mark.slow
def test_self_paced_holds_the_share_of_violating_negatives():
    graph = random_graph(200, 800)
    table, score = model(graph)
    sampler = samplers.SelfPaced(
        samplers.Select(samplers.Uniform(graph), samplers.Hardest(), 64),
        target=0.3,
        rate=0.2,
        smooth=0.8,
    )
    pos = graph.edge_index
    for step in range(150):
        neg = sampler.sample(pos, 4, score=score, generator=seeded(step))
        sampler.step()
        if step % 10 == 9:
            sampler.end_epoch()
    share = float((table[neg.pairs()] > table[pos[0], pos[1]].unsqueeze(1)).float().mean())
    assert share == pytest.approx(0.3, abs=0.05)
    curve = sampler.report()["self_paced"]
    assert len(curve) == 15
    steps = np.abs(np.diff([row["quantile"] for row in curve[5:]]))
    assert steps.max() < 0.1  # smooth, no oscillation


def test_similar_refreshes_the_oldest_lists_on_a_budget():
    graph = random_graph(80, 300)
    first, second = (torch.randn(80, 5, generator=seeded(seed)) for seed in (0, 1))
    pos = graph.edge_index[:, :200]
    sampler = samplers.Similar(graph, first, band=(0, 3), refresh_every=1, refresh_share=0.25)
    sampler.sample(pos, 3, generator=seeded())
    before = sampler._lists["dst"].copy()
    listed = np.flatnonzero(before[:, 0] != -2)
    changed = []
    for _ in range(4):
        sampler.end_epoch(z=second)
        sampler.sample(pos, 3, generator=seeded())
        changed.append(int((sampler._lists["dst"][listed] != before[listed]).any(1).sum()))
    quarter = -(-len(listed) // 4)
    assert changed[0] <= quarter < changed[1] <= 2 * quarter
    fresh = samplers.Similar(graph, second, band=(0, 3))
    fresh.sample(pos, 3, generator=seeded())
    assert np.array_equal(sampler._lists["dst"][listed], fresh._lists["dst"][listed])


def test_the_generator_learns_what_the_model_scores_high():
    graph = random_graph(80, 240)
    popular = torch.randn(80, generator=seeded(3))
    score = lambda src, dst: popular[dst]  # noqa: E731
    sampler = samplers.Adversarial(samplers.Uniform(graph), 32, lr=0.05)
    pos = graph.edge_index
    means = []
    for step in range(60):
        neg = sampler.sample(pos, 2, score=score, generator=seeded(step))
        means.append(float(popular[neg.index].mean()))
        sampler.step()
    assert abs(means[0]) < 0.25
    assert np.mean(means[-5:]) > means[0] + 0.7
    assert 0 < sampler.report()["generator_entropy"] < 1


def test_a_collapsed_generator_warns_once():
    graph = random_graph(40, 80)
    score = lambda src, dst: (dst == 7).float()  # noqa: E731
    sampler = samplers.Adversarial(samplers.Uniform(graph), 16, lr=2.0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for step in range(120):
            sampler.sample(graph.edge_index, 2, score=score, generator=seeded(step))
            sampler.step()
    assert [warning.category for warning in caught] == [CollapseWarning]
    assert "generator of Adversarial has collapsed" in str(caught[0].message)
    assert sampler.report()["generator_collapsed"]
