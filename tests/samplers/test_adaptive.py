"""Samplers that remember, follow a schedule, or learn."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch

from gneg import Graph, losses, samplers
from gneg.nn import synthetic
from gneg.samplers import Schedule
from gneg.training.collapse import CollapseWarning, CollapseWatch, embedding_spread
from tests import reference
from tests.worlds import bipartite, random_graph


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def model(graph: Graph, seed: int = 1):
    table = torch.randn(graph.num_src, graph.num_dst, generator=seeded(seed))
    return table, lambda src, dst: table[src, dst]


def mean_score(neg, table) -> float:
    return float(table[neg.pairs()][neg.mask].mean())


# -- memory ------------------------------------------------------------------------------------


@pytest.mark.parametrize("corrupt", ["dst", "both"])
def test_memory_bank_serves_what_was_entered(corrupt):
    graph = random_graph(40, 80)
    bank = samplers.MemoryBank(graph, size=100, corrupt=corrupt)
    pos = graph.edge_index[:, :10]
    past, keys = (torch.randn(40, 4, generator=seeded(seed)) for seed in (1, 2))
    bank.sample(pos, 3, z=past, generator=seeded())
    bank.step()
    neg = bank.sample(pos, 6, z=keys, generator=seeded(2))
    z = torch.zeros(40, 4)
    turned = neg.side if corrupt == "both" else torch.zeros(10, dtype=torch.bool)
    ends = synthetic.embed(neg, z), synthetic.embed_positives(neg, z)
    other, own = (torch.where(turned.view(-1, *[1] * (a.dim() - 1)), a, b) for a, b in ends)
    entered = torch.isin(neg.index, pos.unique())
    assert entered.float().mean() > 0.8
    assert torch.equal(other[entered], past[neg.index[entered]])
    assert torch.equal(other[~entered], keys[neg.index[~entered]])
    assert torch.equal(own, keys[torch.where(turned, pos[0], pos[1])])
    kept = torch.where(turned[:, None], ends[1][1], ends[1][0])
    assert not kept.any()


def test_memory_bank_of_a_bipartite_graph_has_a_queue_for_each_side():
    graph = bipartite()
    bank = samplers.MemoryBank(graph, corrupt="both")
    users, items = torch.randn(12, 3, generator=seeded(1)), torch.randn(20, 3, generator=seeded(2))
    pos = graph.edge_index[:, :30]
    for _ in range(2):
        neg = bank.sample(pos, 4, z=(users, items), generator=seeded())
        bank.step()
    tables, slot, _ = neg.stored
    expected = torch.where(
        neg.side.view(-1, 1, 1), users[neg.index.clamp(max=11)], items[neg.index]
    )
    assert torch.equal(torch.cat(tables)[slot], expected)
    assert set(bank._ids) == {"dst", "src"}


def test_memory_bank_keeps_each_node_once_with_its_latest_embedding():
    graph = random_graph(40, 80)
    bank = samplers.MemoryBank(graph, size=30)
    for step in range(5):
        ids = np.array([1, 2, 3 + step])
        bank.clock += 1
        bank.enter(ids, torch.full((3, 2), float(step)))
    assert sorted(bank._ids["dst"].tolist()) == [1, 2, 3, 4, 5, 6, 7]
    assert bank._keys["dst"][np.flatnonzero(bank._ids["dst"] == 1)[0], 0] == 4.0
    assert bank.report()["queued_nodes"] == 7


def test_memory_bank_drops_the_oldest_and_the_aged():
    graph = random_graph(40, 80)
    bank = samplers.MemoryBank(graph, size=4, max_age=2)
    for first in (0, 2, 4):
        bank.clock += 1
        bank.enter(np.array([first, first + 1]), torch.zeros(2, 2))
    assert bank._ids["dst"].tolist() == [2, 3, 4, 5]
    # 2 and 3 were entered at step 2, 4 and 5 at step 3: each serves for two steps after its own.
    for usable in ([2, 3, 4, 5], [4, 5], []):
        bank.clock += 1
        assert bank._ids["dst"][bank._usable("dst")].tolist() == usable


def test_memory_bank_enters_part_of_a_batch():
    graph = random_graph(40, 80)
    bank = samplers.MemoryBank(graph, enqueue=5)
    bank.sample(graph.edge_index[:, :30], 2, z=torch.zeros(40, 2), generator=seeded())
    bank.step()
    assert len(bank._ids["dst"]) == 5


def test_cached_negatives_get_harder_and_memory_is_bounded():
    graph = random_graph(300, 900)
    table, score = model(graph)
    pos = graph.edge_index[:, :200]
    hardness = {}
    for refresh in ("is", "top", "unif"):
        cache = samplers.Cached(samplers.Uniform(graph), 8, 16, refresh=refresh)
        before = mean_score(cache.sample(pos, 4, score=score, generator=seeded()), table)
        for step in range(10):
            cache.sample(pos, 4, score=score, generator=seeded(step))
            cache.step()
        hardness[refresh] = mean_score(cache.sample(pos, 4, score=score, generator=seeded()), table)
        assert abs(before) < 0.15
        assert 0 < cache.report()["cached_queries"] <= 300
    assert abs(hardness["unif"]) < 0.2
    assert hardness["top"] > hardness["is"] > 0.5
    small = samplers.Cached(samplers.Uniform(graph), 4096, 8, cache_mb=1)
    small.sample(pos, 4, score=score)
    small.step()
    assert small.report()["cache_mb"] <= 1
    assert small.report()["cached_queries"] <= 63


def test_cached_is_lazy():
    graph = random_graph(60, 150)
    calls = []

    def score(src, dst):
        calls.append(len(src))
        return torch.zeros(len(src))

    cache = samplers.Cached(samplers.Uniform(graph), 4, 4, refresh_every=3)
    for _ in range(6):
        cache.sample(graph.edge_index, 2, score=score)
        cache.step()
    assert len(calls) == 2


def test_only_the_last_draw_is_learned_from():
    graph = random_graph(60, 150)
    _, score = model(graph)
    cache = samplers.Cached(samplers.Uniform(graph), 4, 4)
    for _ in range(3):  # the same seed: still three calls
        cache.sample(graph.edge_index, 2, score=score, generator=seeded())
    assert len(cache.recall()) == 1
    assert cache.recall() == []


# -- in batch ----------------------------------------------------------------------------------


def skewed() -> Graph:
    """Items of very different popularity, chosen by users who do not differ."""
    random = np.random.default_rng(0)
    popularity = np.arange(1, 201) ** -0.7
    items = random.choice(200, 20_000, p=popularity / popularity.sum())
    users = random.integers(0, 20_000, 20_000)
    return Graph.from_edge_index(torch.from_numpy(np.stack([users, items])), (20_000, 200))


@pytest.mark.parametrize(("corrected", "low", "high"), [(False, -0.15, 0.15), (True, 0.85, 1.15)])
def test_log_q_removes_the_popularity_bias_of_in_batch_negatives(corrected, low, high):
    """One score an item: in-batch negatives unlearn popularity, corrected by logQ they learn it."""
    graph = skewed()
    sampler = samplers.InBatch(graph)
    loss = losses.SampledSoftmax() if corrected else losses.InfoNCE()
    item = torch.zeros(200, requires_grad=True)
    optimizer = torch.optim.Adam([item], lr=0.05)
    generator = seeded()
    for _ in range(200):
        which = torch.randint(graph.num_edges, (256,), generator=generator)
        pos = graph.edge_index[:, which]
        neg = sampler.sample(pos, 60, generator=generator)
        optimizer.zero_grad()
        loss(item[pos[1]], item[neg.index], neg).backward()
        optimizer.step()
    popularity = graph.reversed().degree().float().log()
    covariance = torch.cov(torch.stack([item.detach(), popularity]))
    assert low <= float(covariance[0, 1] / covariance[1, 1]) <= high  # slope of score on log degree


def test_chunks_hold_every_in_batch_negative_in_both_directions():
    graph = random_graph(50, 200, undirected=False)
    pos = graph.edge_index[:, :33]
    sampler = samplers.InBatch(graph, corrupt="both")
    seen: dict[str, list] = {"dst": [], "src": []}
    for where, neg in sampler.chunks(pos, 8):
        assert neg.index.shape == (where.stop - where.start, 32)
        assert torch.equal(neg.replaced, pos[1 if neg.side == "dst" else 0, where])
        seen[neg.side].append(neg.edge_index())
    edges = {tuple(pair) for pair in graph.edge_index.t().tolist()}
    u, v = pos.tolist()
    expected = sorted(
        (u[i], v[j])
        for i in range(33)
        for j in range(33)
        if i != j and (u[i], v[j]) not in edges and u[i] != v[j]
    )
    for parts in seen.values():
        assert sorted(map(tuple, torch.cat(parts, 1).t().tolist())) == expected


# -- schedules ---------------------------------------------------------------------------------


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
    made = np.flatnonzero(before[:, 0] != -2)
    changed = []
    for _ in range(4):
        sampler.end_epoch(z=second)
        sampler.sample(pos, 3, generator=seeded())
        changed.append(int((sampler._lists["dst"][made] != before[made]).any(1).sum()))
    quarter = -(-len(made) // 4)
    assert changed[0] <= quarter < changed[1] <= 2 * quarter
    fresh = samplers.Similar(graph, second, band=(0, 3))
    fresh.sample(pos, 3, generator=seeded())
    assert np.array_equal(sampler._lists["dst"][made], fresh._lists["dst"][made])


# -- adversarial, mixup ------------------------------------------------------------------------


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


def test_a_collapsed_generator_says_so_once():
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


def test_mixup_mixes_the_positive_in():
    graph = random_graph(40, 80)
    sampler = samplers.Mixup(samplers.Uniform(graph), 0.6, corrupt="both")
    pos = graph.edge_index[:, :20]
    neg = sampler.sample(pos, 5, generator=seeded())
    assert 0 <= float(neg.mix.min()) < 0.1
    assert 0.5 < float(neg.mix.max()) < 0.6
    z = torch.randn(40, 3, generator=seeded(1), requires_grad=True)
    src, dst = synthetic.embed(neg, z)
    turned = neg.side
    for row in range(20):
        other = pos[0, row] if turned[row] else pos[1, row]
        for k in range(5):
            share = neg.mix[row, k]
            mixed = share * z[other] + (1 - share) * z[neg.index[row, k]]
            torch.testing.assert_close((src if turned[row] else dst)[row, k], mixed)
            torch.testing.assert_close((dst if turned[row] else src)[row, k], z[neg.src[row]])
    assert neg.synthetic
    assert neg.to("cpu").synthetic
    assert not samplers.Uniform(graph).sample(pos, 2).synthetic


@pytest.mark.parametrize("corrupt", ["dst", "src", "both"])
def test_embeddings_of_a_bipartite_graph_come_as_a_pair(corrupt):
    graph = bipartite()
    users, items = torch.randn(12, 3, generator=seeded(1)), torch.randn(20, 3, generator=seeded(2))
    pos = graph.edge_index[:, :30]
    neg = samplers.Uniform(graph, corrupt=corrupt).sample(pos, 4, generator=seeded())
    src, dst = neg.pairs()
    assert torch.equal(synthetic.embed(neg, (users, items))[0], users[src])
    assert torch.equal(synthetic.embed(neg, (users, items))[1], items[dst])
    positives = synthetic.embed_positives(neg, (users, items))
    assert torch.equal(positives[0], users[pos[0]])
    assert torch.equal(positives[1], items[pos[1]])


# -- collapse ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("z", "pos", "neg", "sign"),
    [
        (torch.ones(20, 4) + 1e-4 * torch.arange(20.0)[:, None], [1.0, 2.0], [0.0], "spread"),
        (torch.eye(20), [0.5, 0.5], [0.5], "margin"),
        (torch.eye(20), [0.0, 1.0], [3.0], "inverted"),
        (torch.eye(20), [2.0, 1.0], [0.0], None),
    ],
)
def test_collapse_is_told_once_and_only_when_it_lasts(z, pos, neg, sign):
    watch = CollapseWatch(patience=3)
    scores = torch.tensor(pos), torch.tensor(neg).expand(2, 4)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(2):
            watch.update(z, *scores)
        assert watch.sign is None
        for _ in range(5):
            watch.update(z, *scores)
    assert watch.sign == sign
    messages = [str(warning.message) for warning in caught]
    if sign is None:
        assert messages == []
    else:
        assert len(messages) == 1
        assert "mix hard negatives with uniform ones" in messages[0]


def test_spread_is_one_for_random_directions():
    assert embedding_spread(torch.randn(5000, 64, generator=seeded())) == pytest.approx(1, abs=0.05)
    assert embedding_spread(torch.ones(50, 8)) == pytest.approx(0, abs=1e-6)
