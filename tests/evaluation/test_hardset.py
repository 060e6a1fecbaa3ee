"""Hard evaluation sets: equal to a slow reference, exact, resumable, in HeaRT's and OGB's form."""

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


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(problems(), st.integers(1, 26), st.sampled_from([1e-2, 1e-4]))
def test_hardest_is_the_slow_reference_ties_included(problem, count, epsilon):
    graph, known, x, options = problem
    nodes = np.arange(graph.num_nodes)
    lists, at_random = Order(graph, known, x=x, tolerance=epsilon, **options).hardest(nodes, count)
    for u in nodes:
        expected, _, unseen = reference.order(
            graph, known, int(u), x, alpha=0.15, epsilon=epsilon, **options
        )
        expected = expected[:count]
        assert lists[u].tolist() == expected + [-1] * (count - len(expected))
        assert [v in unseen for v in expected] == at_random[u, : len(expected)].tolist()


@pytest.mark.parametrize("num_nodes", [255, 256, 257, 700])
def test_candidates_that_nothing_sees_are_in_the_order_of_the_reference(num_nodes):
    edges = torch.tensor([[0, 0, 1, 5], [1, 2, 3, 4]])
    graph = Graph.from_edge_index(edges, num_nodes, undirected=True)
    known, nodes = KnownEdges(graph), np.array([0, 5, num_nodes - 1])
    options = {"local": "ra", "merge": "best", "seed": 3}
    for count in (40, num_nodes):  # a few of the least keys, and all
        lists, _ = Order(graph, known, tolerance=1e-3, **options).hardest(nodes, count)
        for u, row in zip(nodes.tolist(), lists.tolist(), strict=True):
            expected, _, _ = reference.order(
                graph, known, u, None, alpha=0.15, epsilon=1e-3, **options
            )
            assert [v for v in row if v >= 0] == expected[:count]


@settings(max_examples=60, deadline=None)
@given(problems(), st.integers(1, 6))
def test_strata_take_their_share_of_each_fifth(problem, count):
    graph, known, x, options = problem
    nodes = np.arange(graph.num_nodes)
    lists, at_random = Order(graph, known, x=x, tolerance=1e-4, **options).stratified(nodes, count)
    for u in nodes:
        expected, merged, unseen = reference.order(
            graph, known, int(u), x, alpha=0.15, epsilon=1e-4, **options
        )
        chosen = [v for v in lists[u].tolist() if v >= 0]
        assert len(set(chosen)) == len(chosen)
        assert set(chosen) <= set(expected)
        assert [v in unseen for v in chosen] == at_random[u, : len(chosen)].tolist()
        bounds = [len(expected) * q // PARTS for q in range(PARTS + 1)]
        taken = 0
        for low, high in itertools.pairwise(bounds):
            share = min(count, high - low)
            inside = {merged[v] for v in expected[low:high]}
            assert {merged[v] for v in chosen[taken : taken + share]} <= inside
            taken += share
        assert taken == len(chosen)


def test_any_number_of_threads_gives_the_same_order():
    data = toy(n=300, edges=1500)
    indices = []
    for threads in (1, 3):
        kernels.threads.set_num_threads(threads)
        indices.append(hardset(data, k=40).index)
    assert torch.equal(*indices)


def test_candidates_with_equal_scores_are_chosen_uniformly():
    """All heuristics of an isolated node are 0: every other node is as likely to be chosen."""
    graph = Graph.from_edge_index(torch.empty(2, 0, dtype=torch.long), 11, undirected=True)
    counts = np.zeros(11)
    for seed in range(2000):
        lists, at_random = Order(graph, KnownEdges(graph), seed=seed).hardest(np.array([4]), 3)
        counts[lists[0]] += 1
        assert at_random.all()
    expected = 600
    assert counts[4] == 0
    assert (((np.delete(counts, 4) - expected) ** 2) / expected).sum() < 29.6  # chi2(10), 0.1 %


@pytest.mark.parametrize("undirected", [True, False])
@pytest.mark.parametrize("ends", ["both", "dst", "src"])
@pytest.mark.parametrize("known", ["train", "train+valid", "all"])
@pytest.mark.parametrize("family", ALL_FAMILIES)
def test_every_family_returns_distinct_non_edges(family, known, ends, undirected):
    data = toy(undirected=undirected)
    hard_set = hardset(data, family=family, k=20, known=known, ends=ends)
    edges = hard_set.edges()
    src, dst = edges.neg
    mask = torch.ones_like(src, dtype=torch.bool) if edges.mask is None else edges.mask
    assert not data.known(known).contains(src[mask], dst[mask]).any()
    assert (src != dst)[mask].all()
    assert mask.all()
    is_positive = (src == hard_set.pos[0].unsqueeze(1)) & (dst == hard_set.pos[1].unsqueeze(1))
    assert not is_positive.any()
    for row in torch.stack([src, dst], dim=2).tolist():
        assert len({tuple(pair) for pair in row}) == 20
    keeps = {"both": 10, "dst": 20, "src": 0}[ends]
    assert (src[:, :keeps] == hard_set.pos[0].unsqueeze(1)).all()
    assert (dst[:, keeps:] == hard_set.pos[1].unsqueeze(1)).all()
    repeated = hardset(data, family=family, k=20, known=known, ends=ends)
    assert torch.equal(hard_set.index, repeated.index)


def test_densest_negatives_have_the_highest_density():
    data = toy()
    hard_set = hardset(data, family="densest(walk)", k=6, ends="dst", known="all")
    walk = data.sampler("walk", known="all")
    nodes = torch.arange(data.num_nodes)
    for (u, v), row in zip(hard_set.pos.t().tolist(), hard_set.index, strict=True):
        log_q = walk.log_prob(torch.full_like(nodes, u), nodes)
        free = ~data.known("all").contains(torch.full_like(nodes, u), nodes)
        free[[u, v]] = False
        chosen = torch.zeros_like(free)
        chosen[row] = True
        assert log_q[chosen].min() >= log_q[free & ~chosen].max()


def test_a_hub_gets_a_short_row_and_is_still_ranked():
    star = torch.tensor([[0] * 17 + list(range(1, 17)), [*range(1, 18), *range(2, 18)]])
    graph = Graph.from_edge_index(star, 20, undirected=True)
    data = datasets.make_split("star", graph, None, num_negatives=4)
    hard_set = hardset(data, k=30)
    assert hard_set.info["short"] == int((hard_set.index < 0).sum()) > 0
    assert evaluate_edges(hard_set.edges(), lambda src, dst: torch.ones(src.shape))["auc"] >= 0.5
    worst = evaluate_edges(
        hard_set.edges(),
        lambda src, dst: (
            -torch.isin(src * 100 + dst, hard_set.pos[0] * 100 + hard_set.pos[1]).double()
        ),
    )
    assert worst["auc"] == pytest.approx(0.0, abs=1e-9)
    with pytest.raises(ValueError, match="'k' must be small enough"):
        hard_set.to_heart()


def test_files_round_trip_in_every_form(tmp_path):
    data = toy()
    hard_set = hardset(data, k=12, out=tmp_path / "hard.npz")
    loaded = HardSet.load(tmp_path / "hard.npz")
    assert torch.equal(loaded.index, hard_set.index)
    assert torch.equal(loaded.pos, data.test.pos)
    assert loaded.info == hard_set.info
    assert list(tmp_path.iterdir()) == [tmp_path / "hard.npz"]
    hard_set.save(tmp_path / "heart.npy")
    array = np.load(tmp_path / "heart.npy")
    assert array.shape == (data.test.pos.size(1), 12, 2)
    assert (array[:, :6, 0] == data.test.pos[0].numpy()[:, None]).all()
    assert (array[:, 6:, 1] == data.test.pos[1].numpy()[:, None]).all()
    assert torch.equal(HardSet.load(tmp_path / "heart.npy", data.test.pos).index, hard_set.index)
    ogb = hardset(data, k=12, ends="dst").to_ogb()
    assert ogb["target_node_neg"].shape == (data.test.pos.size(1), 12)
    hardset(data, k=12, ends="dst", out=tmp_path / "ogb.npy")
    assert (np.load(tmp_path / "ogb.npy") == ogb["target_node_neg"].numpy()).all()
    loaded = HardSet.load(tmp_path / "ogb.npy", data.test.pos)
    assert torch.equal(loaded.index, ogb["target_node_neg"])
    shuffled = data.test.pos.flip(1)
    with pytest.raises(ValueError, match="'array' must be negatives of the positives"):
        HardSet.load(tmp_path / "heart.npy", shuffled)


@pytest.mark.parametrize(("highest", "dtype"), [(32_767, np.int16), (32_768, np.int32)])
def test_ids_take_no_more_room_than_they_need(tmp_path, highest, dtype):
    index = torch.tensor([[3, highest, -1], [0, 1, 2]])
    HardSet(torch.tensor([[0, 1], [1, 2]]), index, 3).save(tmp_path / "hard.npz")
    assert np.load(tmp_path / "hard.npz")["index"].dtype == dtype
    assert torch.equal(HardSet.load(tmp_path / "hard.npz").index, index)


def test_an_interrupted_set_resumes(tmp_path, monkeypatch):
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
    batch_sizes = []
    original = Order.hardest
    monkeypatch.setattr(
        Order,
        "hardest",
        lambda self, nodes, count: batch_sizes.append(len(nodes)) or original(self, nodes, count),
    )
    assert torch.equal(hardset(data, k=10, out=tmp_path / "hard.npz").index, whole.index)
    assert sum(batch_sizes) == len(torch.unique(data.test.pos)) - 48
    assert list(tmp_path.iterdir()) == [tmp_path / "hard.npz"]


@pytest.mark.slow
def test_harder_than_uniform_on_digits():
    """Pairs in the wrong order are at least twice as many."""
    data = datasets.load("digits")
    hard_set = hardset(data, k=50)
    for kind in ("ra", "ppr", "cosine"):
        heuristic = gneg.graph.heuristics.Heuristic(data.graph, kind, data.x)
        hard, easy = (
            evaluate_edges(edges, heuristic)["auc"] for edges in (hard_set.edges(), data.test)
        )
        assert 1 - hard > 2 * (1 - easy)


@pytest.mark.slow
def test_harder_than_uniform_on_real_data(shared):
    data = datasets.load("Cora", root=shared)
    hard_set = hardset(data)
    assert hard_set.index.shape == (data.test.pos.size(1), 500)
    assert hard_set.info["filled"] == hard_set.info["short"] == 0
    for kind in ("ra", "ppr", "cosine"):
        heuristic = gneg.graph.heuristics.Heuristic(data.graph, kind, data.x)
        assert (
            evaluate_edges(hard_set.edges(), heuristic)["mrr"]
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
        ({"family": "walk", "merge": "mean"}, "'merge' must be left out for the family walk"),
        ({"family": "degree", "alpha": 0.5}, "'alpha' must be left out for the family degree"),
    ],
)
def test_bad_input_is_named(options, message):
    with pytest.raises(ValueError, match=message):
        hardset(toy(), **options)


def test_a_bipartite_graph_is_refused():
    with pytest.raises(ValueError, match="'graph' must be homogeneous"):
        Order(bipartite(), KnownEdges(bipartite()))
