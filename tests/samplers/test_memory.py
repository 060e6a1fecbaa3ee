"""Samplers that remember: a queue, a cache, the batch."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from gneg import Graph, losses, samplers
from gneg.nn import synthetic
from tests.worlds import bipartite, random_graph


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def model(graph: Graph, seed: int = 1):
    table = torch.randn(graph.num_src, graph.num_dst, generator=seeded(seed))
    return table, lambda src, dst: table[src, dst]


def mean_score(neg, table) -> float:
    return float(table[neg.pairs()][neg.mask].mean())


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
    target, positive_target = (
        torch.where(turned.view(-1, *[1] * (a.dim() - 1)), a, b) for a, b in ends
    )
    entered = torch.isin(neg.index, pos.unique())
    assert entered.float().mean() > 0.8
    assert torch.equal(target[entered], past[neg.index[entered]])
    assert torch.equal(target[~entered], keys[neg.index[~entered]])
    assert torch.equal(positive_target, keys[torch.where(turned, pos[0], pos[1])])
    query = torch.where(turned[:, None], ends[1][1], ends[1][0])
    assert not query.any()


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


def skewed() -> Graph:
    """Items of very different popularity, chosen by users who do not differ."""
    random = np.random.default_rng(0)
    popularity = np.arange(1, 201) ** -0.7
    items = random.choice(200, 20_000, p=popularity / popularity.sum())
    users = random.integers(0, 20_000, 20_000)
    return Graph.from_edge_index(torch.from_numpy(np.stack([users, items])), (20_000, 200))


@pytest.mark.slow
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
    chunks: dict[str, list] = {"dst": [], "src": []}
    for where, neg in sampler.chunks(pos, 8):
        assert neg.index.shape == (where.stop - where.start, 32)
        assert torch.equal(neg.replaced, pos[1 if neg.side == "dst" else 0, where])
        chunks[neg.side].append(neg.edge_index())
    edges = {tuple(pair) for pair in graph.edge_index.t().tolist()}
    u, v = pos.tolist()
    expected = sorted(
        (u[i], v[j])
        for i in range(33)
        for j in range(33)
        if i != j and (u[i], v[j]) not in edges and u[i] != v[j]
    )
    for parts in chunks.values():
        assert sorted(map(tuple, torch.cat(parts, 1).t().tolist())) == expected
