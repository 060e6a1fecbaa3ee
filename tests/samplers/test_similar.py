"""Nearest non-edges: against a full sort, chunking, FAISS, refreshing."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch

from gneg import Graph, KnownEdges, samplers
from gneg.samplers.propose import approximate, nearest
from tests import reference
from tests.heart_reference import added, cosine
from tests.worlds import random_graph


def ranked(graph, z, metric):
    """All non-edges of each node, nearest first, by a full sort."""
    if metric == "cosine":
        z = z / z.norm(dim=1, keepdim=True)
    score = -torch.cdist(z, z) if metric == "euclidean" else z @ z.t()
    free = reference.non_edges(graph)
    return [
        [int(v) for v in torch.argsort(-score[u]) if free[u, int(v)]]
        for u in range(graph.num_nodes)
    ]


@pytest.mark.parametrize("metric", ["cosine", "dot", "euclidean"])
@pytest.mark.parametrize("band", [(0, 5), (3, 12)])
def test_band_holds_the_nearest_non_edges(metric, band):
    graph = random_graph(80, 300)
    z = torch.randn(80, 5, generator=torch.Generator().manual_seed(0))
    pos = torch.stack([torch.arange(80).repeat_interleave(60), torch.zeros(4800, dtype=torch.long)])
    sampler = samplers.Similar(graph, z, band=band, metric=metric)
    neg = sampler.sample(pos, 4, generator=torch.Generator().manual_seed(0))
    for u, expected in enumerate(ranked(graph, z, metric)):
        drawn = set(neg.index[pos[0] == u].flatten().tolist())
        assert drawn == set(expected[band[0] : band[1]])
    torch.testing.assert_close(
        neg.log_q, torch.full_like(neg.log_q, -np.log(band[1] - band[0]).item())
    )


@pytest.mark.parametrize("room", [64, 2**20])
@pytest.mark.parametrize("metric", ["cosine", "dot", "euclidean"])
def test_ties_are_ranked_by_id_and_the_last_bits_of_the_product_do_not_matter(
    metric, room, monkeypatch
):
    """Many ties, among them orthogonal rows, as a bag of words has them."""
    generator = torch.Generator().manual_seed(3)
    graph = random_graph(60, 200)
    x = torch.randint(-1, 3, (60, 3), generator=generator).float()
    rows, free = x.tolist(), reference.non_edges(graph)

    def similarity(u: int, v: int) -> float:
        if metric == "cosine":
            return float(np.float32(cosine(rows[u], rows[v])))
        factors = (
            rows[v]
            if metric == "dot"
            else [b - 2 * a for a, b in zip(rows[u], rows[v], strict=True)]
        )
        product = added([a * b for a, b in zip(rows[u], factors, strict=True)])
        return (
            product
            if metric == "dot"
            else -added([b * c for b, c in zip(rows[v], factors, strict=True)])
        )

    units = nearest.Nearest._units.func

    def noisy(self):
        queries, targets = units(self)
        noise = 1 + 1e-7 * torch.randn(targets.shape, generator=generator)
        return queries, targets * noise

    monkeypatch.setattr(nearest, "BYTES", 2**20 // room)
    nodes = np.arange(60)
    for patched in (False, True):
        if patched:
            monkeypatch.setattr(nearest.Nearest, "_units", property(noisy))
        lists = nearest.Nearest(x, x, metric).lists(nodes, 20, KnownEdges(graph), 1)
        for u, ranked in enumerate(lists.tolist()):
            candidates = [v for v in range(60) if free[u, v]]
            expected = sorted(candidates, key=lambda v: (-similarity(u, v), v))[:20]
            assert ranked == expected + [-1] * (20 - len(expected))


def test_the_targets_of_a_bipartite_graph_have_vectors_of_their_own():
    graph = Graph.from_edge_index(torch.tensor([[0, 1], [2, 0]]), (2, 5))
    x, y = torch.eye(3)[:2], torch.tensor([[3.0, 1, 0], [1, 1, 0], [1, 0, 0], [0, 2, 0], [0, 0, 1]])
    lists = nearest.Nearest(x, y, "cosine").lists(np.arange(2), 5, KnownEdges(graph), 1)
    assert lists.tolist() == [[0, 1, 3, 4, -1], [3, 1, 2, 4, -1]]


def test_memory_budget_does_not_change_the_result():
    graph = random_graph(3000, 9000)
    z = torch.randn(3000, 4, generator=torch.Generator().manual_seed(0))
    pos = graph.edge_index[:, :500]
    draws = [
        samplers.Similar(graph, z, memory_mb=budget)
        .sample(pos, 3, generator=torch.Generator().manual_seed(0))
        .index
        for budget in (1, 500)
    ]
    assert torch.equal(*draws)


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["hnsw", "ivf"])
def test_faiss_finds_most_of_the_nearest(backend):
    pytest.importorskip("faiss")
    graph = random_graph(2000, 6000)
    z = torch.randn(2000, 8, generator=torch.Generator().manual_seed(0))
    pos = graph.edge_index[:, :300]
    exact = samplers.Similar(graph, z, band=(0, 10))
    near = samplers.Similar(graph, z, band=(0, 10), backend=backend)
    neg = near.sample(pos, 20, generator=torch.Generator().manual_seed(0))
    assert not near.known.contains(*neg.edge_index()).any()
    inside = torch.isfinite(exact.log_prob(*(end.flatten() for end in neg.pairs())))
    assert inside.float().mean() > 0.8


def test_a_pickled_sampler_brings_its_faiss_index(monkeypatch):
    pytest.importorskip("faiss")
    graph = random_graph(300, 900)
    z = torch.randn(300, 8, generator=torch.Generator().manual_seed(0))
    pos = graph.edge_index[:, :100]
    sampler = samplers.Mixture([samplers.Similar(graph, z, backend="hnsw", corrupt="both")])
    packed = pickle.dumps(sampler)  # before the first draw, as when it is sent to workers
    drawn = [sampler.sample(pos, 5, generator=torch.Generator().manual_seed(0)).index]

    def refuse() -> None:
        raise AssertionError("the index is built again")

    monkeypatch.setattr(approximate, "import_faiss", refuse)
    for _ in range(2):
        copy = pickle.loads(packed)
        drawn.append(copy.sample(pos, 5, generator=torch.Generator().manual_seed(0)).index)
    assert torch.equal(drawn[0], drawn[1])
    assert torch.equal(drawn[0], drawn[2])


@pytest.mark.parametrize("backend", ["exact", "hnsw", "ivf"])
@pytest.mark.parametrize("n", [1, 5, 30])
def test_a_graph_may_have_fewer_nodes_than_the_band(n, backend, capfd):
    if backend != "exact":
        pytest.importorskip("faiss")
    graph = Graph.from_edge_index(torch.arange(2 * n).view(2, n) % n, n, undirected=True)
    z = torch.randn(n, 4, generator=torch.Generator().manual_seed(0))
    pos = torch.arange(n).repeat(2, 1)
    for band in ((0, 100), (2, 10**9)):
        sampler = samplers.Similar(graph, z, band=band, backend=backend, unique=True)
        negatives = sampler.sample(pos, 5)
        free = sampler.known.complement_size(pos[0])
        assert torch.equal(negatives.mask.sum(1), free.clamp(max=5))
        assert not sampler.known.contains(*negatives.edge_index()).any()
    capfd.readouterr()  # FAISS says that these are few points


def test_wide_bands_are_ranked_in_chunks_that_fit_memory():
    graph = random_graph(500, 900)
    z = torch.randn(500, 4, generator=torch.Generator().manual_seed(0))
    drawn = []
    for memory_mb in (1, 256):  # 262 rows of 500 ranks at once, or all
        sampler = samplers.Similar(graph, z, band=(0, 500), memory_mb=memory_mb)
        pos = torch.arange(500).repeat(2, 1)
        negatives = sampler.sample(pos, 20, generator=torch.Generator().manual_seed(0))
        drawn.append((negatives.index, negatives.log_q))
        assert len(sampler._chunks(500)) == (2 if memory_mb == 1 else 1)
    assert all(map(torch.equal, *drawn))


def test_refresh_and_passing_embeddings():
    graph = random_graph(80, 300)
    first, second = (
        torch.randn(80, 5, generator=torch.Generator().manual_seed(seed)) for seed in (0, 1)
    )
    pos = graph.edge_index[:, :40]
    sampler = samplers.Similar(graph, first, band=(0, 3), refresh_every=2)

    def draw(**options):
        return sampler.sample(pos, 3, generator=torch.Generator().manual_seed(0), **options).index

    before, with_second = draw(), draw(z=second)
    assert not torch.equal(before, with_second)
    assert torch.equal(before, draw())
    sampler.end_epoch(z=second)
    assert torch.equal(before, draw())
    sampler.end_epoch(z=second)
    assert torch.equal(with_second, draw())


def test_bad_vectors_are_named():
    graph = random_graph(80, 300)
    with pytest.raises(ValueError, match=r"'z' must be of shape \[80, D\]"):
        samplers.Similar(graph, torch.randn(79, 4))
    with pytest.raises(ValueError, match="'z' must be finite"):
        samplers.Similar(graph, torch.full((80, 4), float("nan")))
    with pytest.raises(ValueError, match=r"'band\[1\]' must be an integer >= 6"):
        samplers.Similar(graph, band=(5, 5))
