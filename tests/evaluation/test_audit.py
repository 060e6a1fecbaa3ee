"""Audits of pairs, against brute force, closed forms and a graph with known risk."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from gneg import Graph, audit, datasets, samplers
from gneg.datasets import EvalEdges, LinkData
from gneg.evaluation.audit import hardness, pairs
from gneg.evaluation.audit.hardness import QUANTILES
from gneg.evaluation.audit.pairs import PairAdapter
from gneg.evaluation.audit.risk import risk
from gneg.graph import heuristics, sparse
from gneg.samplers import SelectionRule, Wrapper
from gneg.samplers.text.names import SAMPLERS
from tests import reference
from tests.worlds import WORLDS, random_graph, toy


@pytest.mark.parametrize("undirected", [True, False])
@pytest.mark.parametrize("corrupt", ["dst", "src", "both"])
@pytest.mark.parametrize("name", ["uniform", "walk", "degree", "khop(hops=2|far)"])
@pytest.mark.slow
def test_risk_is_counted_and_expected_alike(name, corrupt, undirected):
    data = toy(n=80, edges=300, undirected=undirected)
    sampler = samplers.build(name, data.graph, corrupt=corrupt)
    pos = data.train.repeat(1, 60)
    drawn = sampler.sample(pos, 5, generator=torch.Generator().manual_seed(5))
    held_out = torch.cat([data.valid.pos, data.test.pos], dim=1)
    adapter = PairAdapter(data, sampler)
    counted = risk(adapter, [drawn])
    hidden = {tuple(pair) for pair in held_out.t().tolist()}
    hidden |= {pair[::-1] for pair in hidden} if undirected else set()
    pairs = drawn.edge_index().t().tolist()
    assert counted["hits"] == sum(tuple(pair) in hidden for pair in pairs)
    assert counted["per_1000"] == pytest.approx(1000 * counted["hits"] / len(pairs))
    expected = 1000 * adapter.expected_share(pos)
    sigma = (counted["high"] - counted["low"]) / 3.92
    assert abs(counted["per_1000"] - expected) < 4 * sigma
    if name == "uniform":
        assert counted["uniform_per_1000"] == pytest.approx(expected, rel=0.05)
    audited = audit(data, name, corrupt=corrupt, k=5, negatives=20_000)["risk"]
    assert audited["per_1000"] == pytest.approx(expected, abs=5 * 2 * sigma)


def link_data(graph: Graph, valid: torch.Tensor) -> LinkData:
    """The edges of an undirected graph as training, ``valid`` and no test edges."""
    pos = graph.edge_index[:, graph.edge_index[0] < graph.edge_index[1]]
    none = torch.empty(2, 0, dtype=torch.long)
    parts = (EvalEdges(part, (none, none)) for part in (valid, none))
    return LinkData("toy", graph.num_nodes, None, pos, *parts, True, "mrr", "toy")


def test_uniform_risk_is_exact():
    graph = Graph.from_edge_index(torch.tensor([[0, 1, 2], [1, 2, 3]]), 6, undirected=True)
    data = link_data(graph, torch.tensor([[0], [2]]))
    pos = torch.tensor([[0, 1], [1, 2]])
    sampler = samplers.Uniform(data.graph)
    adapter = PairAdapter(data, sampler)
    # Node 0 has the non-edges 2, 3, 4, 5, of which 2 is hidden; node 1 has 3, 4, 5, none hidden.
    assert adapter.expected_share(pos) == pytest.approx((1 / 4 + 0) / 2)
    drawn = sampler.sample(pos, 3, generator=torch.Generator().manual_seed(0))
    assert risk(adapter, [drawn])["uniform_per_1000"] == pytest.approx(125)


def test_the_interval_has_its_coverage():
    """Of 300 audits of the same sampler, about 95 % hold the true share in their interval."""
    data = toy(n=80, edges=300)
    sampler = samplers.Walk(data.graph)
    adapter = PairAdapter(data, sampler)
    pos = data.train[:, :40].repeat(1, 10)
    truth = 1000 * adapter.expected_share(pos)
    inside = 0
    for seed in range(300):
        drawn = sampler.sample(pos, 6, generator=torch.Generator().manual_seed(seed))
        counted = risk(adapter, [drawn])
        inside += counted["low"] <= truth <= counted["high"]
    assert inside >= 273  # binomial(300, 0.95): below that once in 1,000


def test_without_held_out_edges_the_interval_starts_at_zero():
    data = link_data(random_graph(40, 60), torch.empty(2, 0, dtype=torch.long))
    sampler = samplers.Uniform(data.graph)
    drawn = sampler.sample(torch.zeros(2, 50, dtype=torch.long), 4)
    counted = risk(PairAdapter(data, sampler), [drawn])
    assert counted["hits"] == counted["per_1000"] == counted["low"] == 0
    assert 0 < counted["high"] < 100
    assert counted["lift"] is None


def test_the_record_is_complete_and_valid_json():
    data = toy()

    def score(src, dst):
        return (src * 7 + dst * 13).double() % 11

    record = audit(data, "hardest(uniform, m=16)", k=4, negatives=2000, score=score)
    assert json.loads(json.dumps(record)) == record
    assert set(record["hardness"]) == {"cn", "aa", "ra", "pa", "cosine", "ppr", "degree", "score"}
    for groups in record["hardness"].values():
        for group in groups.values():
            assert len(group["quantiles"]) == len(QUANTILES)
            assert sorted(group["quantiles"]) == group["quantiles"]
    for bins in record["histograms"].values():
        for group in ("positives", "negatives", "uniform"):
            assert sum(bins[group]) == pytest.approx(1)
    for shares in record["distances"].values():
        assert sum(shares.values()) == pytest.approx(1)
    assert record["distances"]["negatives"]["1"] == 0
    assert (
        record["hardness"]["score"]["negatives"]["mean"]
        > record["hardness"]["score"]["uniform"]["mean"]
    )
    assert 0 <= record["violating"] <= 1
    assert record["negatives"] == 2000
    assert 0 < record["coverage"] <= 1


def test_duplicates_divergence_and_distances():
    data = toy()
    walk = audit(data, samplers.Walk(data.graph, corrupt="both"), negatives=4000)
    unique = audit(data, samplers.Uniform(data.graph, corrupt="both", unique=True), negatives=4000)
    assert walk["duplicates"] > 0.05
    assert unique["duplicates"] == 0
    assert walk["distances"]["negatives"]["2"] > 0.9
    by_degree = audit(data, "degree(alpha=2)", negatives=4000)["degree_divergence"]
    assert by_degree > audit(data, "degree(alpha=1)", negatives=4000)["degree_divergence"] >= 0


def test_the_effect_of_each_guard_is_measured():
    data = toy(n=100, edges=500)
    record = audit(data, "guarded(walk, percentile=ra|60, degree_cap=40)", negatives=8000)
    percentile, cap = record["guards"]
    assert percentile["cost"] > 0.01
    assert 0 < percentile["dropped"] < 1
    assert cap["saved_per_1000"] == cap["cost"] == cap["dropped"] == 0


@pytest.mark.parametrize("world", ["sparse", "dense", "isolated", "directed", "hub"])
def test_distances_and_katz_match_the_reference(world):
    graph = WORLDS[world]()
    n = graph.num_nodes
    src, dst = (ids.ravel() for ids in np.meshgrid(np.arange(n), np.arange(n), indexing="ij"))
    expected = reference.distances(graph).ravel()
    for farthest in (1, 3, 8):
        record = heuristics.distances(graph, src, dst, farthest)
        assert (record == np.where(expected > farthest, farthest + 1, expected)).all()
    matrix = np.zeros((n, n))
    matrix[tuple(graph.edge_index.numpy())] = 1
    for length in (1, 2, 4):
        walks = sum(0.1**i * np.linalg.matrix_power(matrix, i) for i in range(1, length + 1))
        rows = np.arange(n)[::-1].copy()
        targets = np.tile(np.arange(-1, n), (n, 1))
        scored = heuristics.scores(graph, "katz", rows, targets, beta=0.1, length=length)
        assert scored[:, 1:] == pytest.approx(walks[rows])
        assert (scored[:, 0] == 0).all()
    # So little a step that its square is no number: only edges are left, and nothing else is hurt.
    scored = heuristics.scores(graph, "katz", rows, targets, beta=1e-200, length=6)
    assert scored[:, 1:] == pytest.approx(1e-200 * matrix[rows], rel=1e-8, abs=0)
    degree = matrix.sum(1), matrix.sum(0)
    attached = heuristics.scores(graph, "pa", src, dst[:, None])[:, 0]
    assert (attached == np.outer(*degree).ravel()).all()


@pytest.mark.parametrize("layout", ["dense", "sparse"])
def test_cosine_is_that_of_the_features(layout):
    x = torch.randn(20, 5, generator=torch.Generator().manual_seed(0))
    x[3] = 0
    features = x if layout == "dense" else sparse.to_csr(x)
    rows = np.array([3, 0, 7])
    targets = np.array([[1, 3], [2, -1], [7, 19]])
    record = heuristics.scores(random_graph(20, 40), "cosine", rows, targets, x=features)
    expected = torch.cosine_similarity(x[rows].unsqueeze(1), x[targets], dim=2).double().numpy()
    expected[targets < 0] = 0
    assert record == pytest.approx(expected, abs=1e-6)
    with pytest.raises(ValueError, match="'x' must be features"):
        heuristics.scores(random_graph(20, 40), "cosine", rows, targets)


@pytest.mark.parametrize(
    ("sampler", "options", "message"),
    [
        ("walk", {"k": 0}, "'k' must be an integer"),
        ("walk", {"negatives": 3}, "'negatives' must be an integer >= 8"),
        ("hardest(walk)", {}, "'score' must be"),
        ("nothing", {}, "no sampler 'nothing'"),
        (7, {}, "'sampler' must be an expression or a Sampler"),
    ],
)
def test_bad_input_is_named(sampler, options, message):
    with pytest.raises(ValueError, match=message):
        audit(toy(), sampler, **options)


@pytest.mark.slow
def test_real_data(shared):
    data = datasets.load("Cora", root=shared)
    walk, uniform = (audit(data, name, negatives=50_000)["risk"] for name in ("walk", "uniform"))
    assert walk["lift"] > 20
    assert uniform["lift_low"] < 1 < uniform["lift_high"]


def test_every_sampler_can_be_audited():
    """With a model's scores and embeddings; features are record where there are some."""
    data = toy()
    non_edges = data.sampler("uniform", known="all").sample(data.train, 1).edge_index()
    data = replace(data, negatives=non_edges)
    z = torch.randn(data.num_nodes, 5, generator=torch.Generator().manual_seed(0))

    def score(src, dst):
        return (z[src] * z[dst]).sum(-1)

    for name, cls in SAMPLERS.items():
        inside = (
            "(uniform)" if issubclass(cls, Wrapper | SelectionRule) or name == "mixture" else ""
        )
        if name == "guarded":
            inside = "(uniform, percentile=cosine|90)"
        if name == "curriculum":
            inside = "(hardest(uniform), setting=quantile, start=0.5, end=1)"
        if name == "selfpaced":
            inside = "(hardest(uniform))"
        record = audit(data, name + inside, k=2, negatives=100, score=score, z=z)
        assert record["negatives"] == 100


def test_bins_of_counts_begin_at_whole_numbers():
    counts = {"positives": np.array([0.0, 1.0, 1.0, 2.0, 5.0]), "negatives": np.array([0.0, 3.0])}
    histogram = hardness._histogram(counts)
    assert histogram["from"] == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    assert histogram["positives"] == [0.2, 0.4, 0.2, 0.0, 0.0, 0.2]
    assert histogram["negatives"] == [0.5, 0.0, 0.0, 0.5, 0.0, 0.0]
    shares = hardness._histogram({name: column / 2 for name, column in counts.items()})
    assert len(shares["from"]) > 6


def test_pagerank_is_of_all_pairs_of_few_sources_that_groups_share(monkeypatch):
    monkeypatch.setattr(pairs, "SOURCES", 5)
    graph, random = random_graph(50, 200), np.random.default_rng(0)
    dst = random.integers(50, size=400)
    parts = [(random.permutation(np.repeat(np.arange(n), 400 // n)), dst) for n in (50, 40, 4)]
    chosen = pairs._of_few_sources(graph, parts)
    for (src, _), (few, targets) in zip(parts, chosen, strict=True):
        kept = np.isin(src, few)
        assert len(np.unique(few)) == min(5, len(np.unique(src)))
        assert np.array_equal(few, src[kept])
        assert np.array_equal(targets, dst[kept])
    assert len(np.unique(np.concatenate([few for few, _ in chosen[:2]]))) < 10
    adapter = PairAdapter(toy(), "uniform")
    for part, scores in zip(chosen, adapter._scores("ppr", chosen), strict=True):
        assert np.array_equal(scores, adapter._scores("ppr", [part])[0])
