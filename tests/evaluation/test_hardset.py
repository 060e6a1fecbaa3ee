"""Hard evaluation sets: equal to a slow reference, exact, resumable, and read by others' code."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import gneg
from gneg import Graph, HardSet, KnownEdges, datasets, hardset, kernels
from gneg.evaluation.hardset import families
from gneg.evaluation.hardset.heart import PARTS, Order
from gneg.evaluation.ranking import evaluate_edges
from tests import heart_reference as reference
from tests.worlds import bipartite, toy

ALL_FAMILIES = [
    *("heart", "stratified", "community", "degree", "uniform", "khop(hops=2)", "densest(walk)"),
]


@st.composite
def problems(draw):
    n = draw(st.integers(3, 24))
    pairs = draw(st.lists(st.tuples(*[st.integers(0, n - 1)] * 2), max_size=60))
    edges = torch.tensor(pairs, dtype=torch.long).view(-1, 2).t()
    graph = Graph.from_edge_index(edges, n, undirected=True)
    more = draw(st.lists(st.tuples(*[st.integers(0, n - 1)] * 2), max_size=10))
    extra = torch.tensor(more, dtype=torch.long).view(-1, 2).t()
    x = None
    if draw(st.booleans()):
        values = draw(
            st.lists(st.integers(draw(st.sampled_from([-1, 0])), 2), min_size=3 * n, max_size=3 * n)
        )
        x = torch.tensor(values).view(n, 3).float()
    options = {
        "local": draw(st.sampled_from(["ra", "cn"])),
        "merge": draw(st.sampled_from(["best", "mean"])),
        "seed": draw(st.integers(0, 2**40)),
    }
    return graph, KnownEdges(graph, extra), x, options


@settings(max_examples=150, deadline=None)
@given(problems(), st.integers(1, 26), st.sampled_from([1e-2, 1e-4]))
def test_hardest_is_the_slow_reference_ties_included(problem, count, epsilon):
    graph, known, x, options = problem
    nodes = np.arange(graph.num_nodes)
    found, chance = Order(graph, known, x=x, tolerance=epsilon, **options).hardest(nodes, count)
    for u in nodes:
        wanted, _, unseen = reference.order(
            graph, known, int(u), x, alpha=0.15, epsilon=epsilon, **options
        )
        wanted = wanted[:count]
        assert found[u].tolist() == wanted + [-1] * (count - len(wanted))
        assert [v in unseen for v in wanted] == chance[u, : len(wanted)].tolist()


@settings(max_examples=60, deadline=None)
@given(problems(), st.integers(1, 6))
def test_strata_take_their_share_of_each_fifth(problem, count):
    graph, known, x, options = problem
    nodes = np.arange(graph.num_nodes)
    found, chance = Order(graph, known, x=x, tolerance=1e-4, **options).stratified(nodes, count)
    for u in nodes:
        wanted, merged, unseen = reference.order(
            graph, known, int(u), x, alpha=0.15, epsilon=1e-4, **options
        )
        some = [v for v in found[u].tolist() if v >= 0]
        assert len(set(some)) == len(some)
        assert set(some) <= set(wanted)
        assert [v in unseen for v in some] == chance[u, : len(some)].tolist()
        bounds = [len(wanted) * q // PARTS for q in range(PARTS + 1)]
        taken = 0
        for low, high in itertools.pairwise(bounds):
            share = min(count, high - low)
            inside = {merged[v] for v in wanted[low:high]}
            assert {merged[v] for v in some[taken : taken + share]} <= inside
            taken += share
        assert taken == len(some)


def test_any_number_of_threads_gives_the_same_order():
    data = toy(n=300, edges=1500)
    found = []
    for threads in (1, 3):
        kernels.threads.set_num_threads(threads)
        found.append(hardset(data, k=40).index)
    assert torch.equal(*found)


def test_the_random_places_among_equals_are_uniform():
    """Nothing is seen from an isolated node: any of the others is as likely to be chosen."""
    graph = Graph.from_edge_index(torch.empty(2, 0, dtype=torch.long), 11, undirected=True)
    counts = np.zeros(11)
    for seed in range(2000):
        found, chance = Order(graph, KnownEdges(graph), seed=seed).hardest(np.array([4]), 3)
        counts[found[0]] += 1
        assert chance.all()
    expected = 600
    assert counts[4] == 0
    assert (((np.delete(counts, 4) - expected) ** 2) / expected).sum() < 29.6  # chi2(10), 0.1 %


@pytest.mark.parametrize("undirected", [True, False])
@pytest.mark.parametrize("ends", ["both", "dst", "src"])
@pytest.mark.parametrize("known", ["train", "train+valid", "all"])
@pytest.mark.parametrize("family", ALL_FAMILIES)
def test_every_family_keeps_the_promises(family, known, ends, undirected):
    data = toy(undirected=undirected)
    made = hardset(data, family=family, k=20, known=known, ends=ends)
    edges = made.edges()
    src, dst = edges.neg
    mask = torch.ones_like(src, dtype=torch.bool) if edges.mask is None else edges.mask
    assert not data.known(known).contains(src[mask], dst[mask]).any()
    assert (src != dst)[mask].all()
    assert mask.all()
    own = (src == made.pos[0].unsqueeze(1)) & (dst == made.pos[1].unsqueeze(1))
    assert not own.any()
    for row in torch.stack([src, dst], dim=2).tolist():
        assert len({tuple(pair) for pair in row}) == 20
    keeps = {"both": 10, "dst": 20, "src": 0}[ends]
    assert (src[:, :keeps] == made.pos[0].unsqueeze(1)).all()
    assert (dst[:, keeps:] == made.pos[1].unsqueeze(1)).all()
    again = hardset(data, family=family, k=20, known=known, ends=ends)
    assert torch.equal(made.index, again.index)


def test_densest_are_those_that_a_base_measure_puts_first():
    data = toy()
    made = hardset(data, family="densest(walk)", k=6, ends="dst", known="all")
    walk = data.sampler("walk", known="all")
    everyone = torch.arange(data.num_nodes)
    for (u, v), row in zip(made.pos.t().tolist(), made.index, strict=True):
        log_q = walk.log_prob(torch.full_like(everyone, u), everyone)
        free = ~data.known("all").contains(torch.full_like(everyone, u), everyone)
        free[[u, v]] = False
        taken = torch.zeros_like(free)
        taken[row] = True
        assert log_q[taken].min() >= log_q[free & ~taken].max()


def test_a_hub_gets_a_short_row_and_is_still_ranked():
    star = torch.tensor([[0] * 17 + list(range(1, 17)), [*range(1, 18), *range(2, 18)]])
    graph = Graph.from_edge_index(star, 20, undirected=True)
    data = datasets.make_split("star", graph, None, num_negatives=4)
    made = hardset(data, k=30)
    assert made.info["short"] == int((made.index < 0).sum()) > 0
    assert evaluate_edges(made.edges(), lambda src, dst: torch.ones(src.shape))["auc"] >= 0.5
    worst = evaluate_edges(
        made.edges(),
        lambda src, dst: -torch.isin(src * 100 + dst, made.pos[0] * 100 + made.pos[1]).double(),
    )
    assert worst["auc"] == pytest.approx(0.0, abs=1e-9)
    with pytest.raises(ValueError, match="'k' must be small enough"):
        made.to_heart()


def test_files_round_trip_and_others_forms(tmp_path):
    data = toy()
    made = hardset(data, k=12, out=tmp_path / "hard.npz")
    read = HardSet.load(tmp_path / "hard.npz")
    assert torch.equal(read.index, made.index)
    assert torch.equal(read.pos, data.test.pos)
    assert read.info == made.info
    assert list(tmp_path.iterdir()) == [tmp_path / "hard.npz"]
    made.save(tmp_path / "heart.npy")
    array = np.load(tmp_path / "heart.npy")
    assert array.shape == (data.test.pos.size(1), 12, 2)
    assert (array[:, :6, 0] == data.test.pos[0].numpy()[:, None]).all()
    assert (array[:, 6:, 1] == data.test.pos[1].numpy()[:, None]).all()
    assert torch.equal(HardSet.load(tmp_path / "heart.npy", data.test.pos).index, made.index)
    ogb = hardset(data, k=12, ends="dst").to_ogb()
    assert ogb["target_node_neg"].shape == (data.test.pos.size(1), 12)
    hardset(data, k=12, ends="dst", out=tmp_path / "ogb.npy")
    assert (np.load(tmp_path / "ogb.npy") == ogb["target_node_neg"].numpy()).all()
    loaded = HardSet.load(tmp_path / "ogb.npy", data.test.pos)
    assert torch.equal(loaded.index, ogb["target_node_neg"])
    shuffled = data.test.pos.flip(1)
    with pytest.raises(ValueError, match="'array' must be negatives of the positives"):
        HardSet.load(tmp_path / "heart.npy", shuffled)


def test_an_interrupted_set_goes_on(tmp_path, monkeypatch):
    data = toy(n=200, edges=900)
    monkeypatch.setattr(families, "BATCH", 16)
    whole = hardset(data, k=10)
    calls = []

    def stop(done, total):
        calls.append(done)
        if len(calls) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        hardset(data, k=10, out=tmp_path / "hard.npz", report=stop)
    assert not (tmp_path / "hard.npz").exists()
    made = []
    original = Order.hardest
    monkeypatch.setattr(
        Order,
        "hardest",
        lambda self, nodes, count: made.append(len(nodes)) or original(self, nodes, count),
    )
    assert torch.equal(hardset(data, k=10, out=tmp_path / "hard.npz").index, whole.index)
    assert sum(made) == len(torch.unique(data.test.pos)) - 48
    assert list(tmp_path.iterdir()) == [tmp_path / "hard.npz"]


def test_harder_than_uniform_on_real_data(shared):
    data = datasets.load("Cora", root=shared)
    made = hardset(data)
    assert made.index.shape == (data.test.pos.size(1), 500)
    assert made.info["filled"] == made.info["short"] == 0
    for kind in ("ra", "ppr", "cosine"):
        heuristic = gneg.graph.heuristics.Heuristic(data.graph, kind, data.x)
        assert (
            evaluate_edges(made.edges(), heuristic)["mrr"]
            < 0.9 * evaluate_edges(data.test, heuristic)["mrr"]
        )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"k": 7}, "'k' must be even"),
        ({"k": 0}, "'k' must be an integer >= 2"),
        ({"part": "train"}, "'part' must be one of"),
        ({"known": "none"}, "'known' must be one of"),
        ({"ends": "left"}, "'ends' must be one of"),
        ({"merge": "worst"}, "'merge' must be one of"),
        ({"local": "aa"}, "'local' must be one of"),
        ({"alpha": 0}, "'alpha' must be a number in"),
        ({"family": "historical"}, "'historical' only where edges have times"),
        ({"family": "hardest(walk)"}, "'family' must be"),
        ({"family": "densest(dns(walk))"}, "a sampler with a closed-form log_q"),
        ({"family": "densest(walk"}, "'family' must be densest"),
        ({"family": "nothing"}, "no sampler 'nothing'"),
        ({"out": "hard.csv"}, "'out' must be a name that ends in"),
    ],
)
def test_bad_input_is_named(options, message):
    with pytest.raises(ValueError, match=message):
        hardset(toy(), **options)


def test_a_bipartite_graph_is_refused():
    with pytest.raises(ValueError, match="'graph' must be homogeneous"):
        Order(bipartite(), KnownEdges(bipartite()))
