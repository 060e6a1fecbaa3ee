"""Ranks of edges among all nodes, from both ends, against a slow reference."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gneg import Graph, LinkConfig, compare, datasets, evaluate, hardset
from gneg.datasets import EvalEdges, LinkData
from gneg.evaluation import ranking
from gneg.evaluation.full_ranks import full_ranks
from gneg.graph.heuristics import Heuristic
from tests.triple_worlds import sparse_data
from tests.worlds import random_graph, toy

KINDS = ("undirected", "directed", "bipartite")


def world(kind: str, n: int, edges: int, seed: int) -> LinkData:
    """A random graph split at random; a positive may be held out twice, or known."""
    generator = torch.Generator().manual_seed(seed)
    size = (n, n + 3) if kind == "bipartite" else n
    ends = size if isinstance(size, tuple) else (n, n)
    index = torch.stack([torch.randint(end, (edges,), generator=generator) for end in ends])
    index = index if kind == "bipartite" else index[:, index[0] != index[1]]
    train, valid, test = index.tensor_split([index.size(1) // 2, 3 * index.size(1) // 4], dim=1)
    graph = Graph.from_edge_index(train, size, undirected=kind == "undirected")
    return LinkData(
        name="world",
        num_nodes=sum(ends) if kind == "bipartite" else n,
        x=None,
        train=graph.edge_index,
        valid=EvalEdges(valid, (valid[0], valid[1])),
        test=EvalEdges(test, (test[0], test[1])),
        undirected=kind == "undirected",
        metric="mrr",
        split="random",
        num_src=n if kind == "bipartite" else None,
    )


def pairs_of(edges: torch.Tensor, both: bool) -> list[tuple[int, int]]:
    pairs = list(zip(*edges.tolist(), strict=True))
    return pairs + [(v, u) for u, v in pairs] if both else pairs


def slow(data: LinkData, table: np.ndarray) -> tuple[list[list[float]], dict[int, list[float]]]:
    """Filtered ranks by end, and raw ones by query, one comparison at a time."""
    both = data.undirected
    known = {*pairs_of(data.train, both), *pairs_of(data.valid.pos, both)}
    test = set(pairs_of(data.test.pos, both))
    filtered, raw = [], {}
    for reverse in (False,) if data.num_src else (False, True):
        ranks = []
        for u, v in pairs_of(data.test.pos, False):
            query, target = (v, u) if reverse else (u, v)
            directed_back = reverse and not both

            def pair(w, query=query, back=directed_back):
                return (w, query) if back else (query, w)

            def rank(out, query=query, target=target, pair=pair, back=directed_back):
                others = range(table.shape[0 if back else 1])
                loops = data.num_src is None
                rivals = [
                    w
                    for w in others
                    if w != target and pair(w) not in out and not (loops and w == query)
                ]
                mine = table[pair(target)]
                above = sum(table[pair(w)] > mine for w in rivals)
                return 1 + above + sum(table[pair(w)] == mine for w in rivals) / 2

            ranks.append(rank(known | test))
            raw.setdefault((directed_back, query), {})[target] = rank(known)
        filtered.append(ranks)
    return filtered, raw


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(KINDS),
    st.integers(4, 12),
    st.integers(12, 60),
    st.integers(0, 10**6),
    st.integers(2, 40),
)
def test_ranks_equal_the_slow_reference(kind, n, edges, seed, levels):
    data = world(kind, n, edges, seed)
    size = (n, n + 3) if kind == "bipartite" else (n, n)
    generator = torch.Generator().manual_seed(seed)
    table = torch.randint(levels, size, generator=generator).float()  # not symmetric
    ranked = full_ranks(data, lambda src, dst: table[src, dst])
    filtered, raw = slow(data, table.numpy())
    assert ranked.ranks.filtered.tolist() == filtered
    figures = ranked.metrics()
    assert figures["mrr"]["value"] == pytest.approx(np.mean(1 / np.array(filtered)))
    assert figures["hits@3"]["value"] == pytest.approx(np.mean(np.array(filtered) <= 3))
    if len(set(pairs_of(data.test.pos, data.undirected))) < len(filtered) * len(filtered[0]):
        return  # repeated positives count as often as they occur
    recall, ndcg = [], []
    for ranks in (list(ranks.values()) for ranks in raw.values()):
        recall.append(sum(rank <= 20 for rank in ranks) / len(ranks))
        gain = sum(1 / math.log2(rank + 1) for rank in ranks if rank <= 20)
        ndcg.append(gain / sum(1 / math.log2(i + 2) for i in range(min(20, len(ranks)))))
    assert figures["recall@20"]["value"] == pytest.approx(np.mean(recall))
    assert figures["ndcg@20"]["value"] == pytest.approx(np.mean(ndcg))


class Product:
    """A score by inner products, with a matrix of either end."""

    is_product = True

    def __init__(self, z: torch.Tensor, w: torch.Tensor) -> None:
        self.z, self.w = z, w

    def __call__(self, src, dst):
        return (self.z[src] * self.w[dst]).sum(dim=-1)

    def matrix(self, ids, *, side="dst"):
        return self.z[ids] @ self.w.t() if side == "dst" else self.w[ids] @ self.z.t()


@pytest.mark.parametrize("kind", KINDS)
def test_a_matrix_and_pairs_agree_in_chunks_as_well(kind, monkeypatch):
    data = world(kind, 30, 200, 0)
    generator = torch.Generator().manual_seed(1)
    z, w = (torch.randint(-3, 4, (33, 4), generator=generator).float() for _ in range(2))
    sizes = (30, 33) if kind == "bipartite" else (30, 30)
    score = Product(z[: sizes[0]], w[: sizes[1]])
    whole = full_ranks(data, score)
    monkeypatch.setattr(ranking, "CHUNK", 100)
    monkeypatch.setattr(ranking, "PAIRS", 70)
    for other in (score, score.__call__):
        again = full_ranks(data, other)
        assert torch.equal(whole.ranks.filtered, again.ranks.filtered)
        assert torch.equal(whole.ranks.raw, again.ranks.raw)
    queries = sum(len(ends.unique()) for ends in data.test.pos[: 1 if kind == "bipartite" else 2])
    expected = len(data.test.pos.unique()) if kind == "undirected" else queries
    assert whole.pairs == expected * sizes[1]


def test_directed_ranks_are_those_of_pykeen():
    """Realistic ranks, filtered by all parts; there the query itself is a candidate, too."""
    evaluation = pytest.importorskip("pykeen.evaluation")
    from pykeen.models import DistMult
    from pykeen.triples import CoreTriplesFactory

    data = datasets.make_split("arcs", random_graph(30, 200, undirected=False), None)
    nodes = torch.arange(30)
    train, valid, test, loops = (
        torch.stack([src, torch.zeros_like(src), dst], dim=1)
        for src, dst in (data.train, data.valid.pos, data.test.pos, (nodes, nodes))
    )
    factory = CoreTriplesFactory(train, num_entities=30, num_relations=1)
    model = DistMult(triples_factory=factory, embedding_dim=4, random_seed=0)
    weight = next(model.entity_representations[0].parameters())
    weight.data = weight.data.sign()  # few distinct scores, so that ties count
    theirs = evaluation.RankBasedEvaluator().evaluate(
        model, test, additional_filter_triples=[train, valid, loops], use_tqdm=False
    )

    def score(src, dst):
        with torch.no_grad():
            triples = torch.stack([src, torch.zeros_like(src), dst], dim=-1).reshape(-1, 3)
            return model.score_hrt(triples).view(src.shape)

    ours = full_ranks(data, score).metrics()
    names = {"mrr": "inverse_harmonic_mean_rank", "hits@1": "hits_at_1", "hits@10": "hits_at_10"}
    for name, metric in names.items():
        expected = theirs.get_metric(f"both.realistic.{metric}")
        assert ours[name]["value"] == pytest.approx(expected, abs=1e-6)


def test_a_budget_samples_positives_and_says_how_many():
    data = toy(n=200, edges=1500)
    score = Heuristic(data.graph, "ra")
    exact = full_ranks(data, score)
    assert not exact.sampled
    assert exact.total == len(exact.chosen) == data.test.pos.size(1)
    means = []
    for seed in range(40):
        sample = full_ranks(data, score, budget=2 * 200 * 40, seed=seed)
        assert sample.sampled
        assert len(sample.chosen) == 40
        assert sample.pairs <= 2 * 200 * 40
        # The same ranks, also where other positives of a query are not in the sample.
        assert torch.equal(sample.ranks.filtered, exact.ranks.filtered[:, sample.chosen])
        assert torch.equal(sample.ranks.raw, exact.ranks.raw[:, sample.chosen])
        means.append([figure["value"] for figure in sample.metrics().values()])
    values = np.array([figure["value"] for figure in exact.metrics().values()])
    error = np.std(means, axis=0) / len(means) ** 0.5
    assert (abs(np.mean(means, axis=0) - values) <= 3.5 * error + 1e-3).all()
    with pytest.raises(ValueError, match="'budget' must be at least 400"):
        full_ranks(data, score, budget=399)


def test_all_nodes_stand_beside_sets_with_intervals():
    data = toy(n=120, edges=600)
    score = Heuristic(data.graph, "ra")
    results = evaluate(data, score, against="all", resamples=300)
    assert list(results["sets"]) == ["uniform", "all"]
    among_all = results["sets"]["all"]
    assert among_all["ranked"] == among_all["positives"] == data.test.pos.size(1)
    assert {"mrr", "hits@1", "hits@10", "hits@50", "recall@20", "ndcg@20"} <= set(
        among_all["metrics"]
    )
    for figure in among_all["metrics"].values():
        assert figure["low"] <= figure["value"] <= figure["high"]
    mean = np.average(
        [row["mrr"] for row in among_all["by"]["degree"]],
        weights=[row["positives"] for row in among_all["by"]["degree"]],
    )
    assert mean == pytest.approx(among_all["metrics"]["mrr"]["value"])
    assert "all" not in evaluate(data, score, resamples=0)["sets"]


def test_of_users_items_are_ranked_as_training_ranks_them():
    graph = Graph.from_edge_index(
        torch.randint(30, (2, 400), generator=torch.Generator().manual_seed(0)), (30, 40)
    )
    data = datasets.make_split("bought", graph, None)
    score = Heuristic(data.graph, "pa")
    figures = full_ranks(data, score).metrics()
    for name, value in ranking.evaluate_edges(data.test, score).items():
        assert figures[name]["value"] == pytest.approx(value)


def test_what_cannot_be_ranked_is_refused(tmp_path):
    data = toy()
    ones = torch.ones(data.test.pos.size(1)), torch.ones(data.test.neg[0].shape)
    with pytest.raises(ValueError, match="'score' must be a function"):
        evaluate(data, {"uniform": ones}, against="all")
    with pytest.raises(ValueError, match="'against' must be"):
        evaluate(data, Heuristic(data.graph, "ra"), against="nodes")
    with pytest.raises(ValueError, match="without the name 'all'"):
        evaluate(data, Heuristic(data.graph, "ra"), against="all", sets={"all": data.test})
    with pytest.raises(ValueError, match="'budget' must be None for a knowledge graph"):
        evaluate(sparse_data(), len, budget=9)
    config, named = LinkConfig(rank="all"), {"all": hardset(data, k=2, family="uniform")}
    with pytest.raises(ValueError, match="without the name 'all'"):
        compare(data, [config], sets=named, out=tmp_path)
    with pytest.raises(ValueError, match="free of NaN"):
        full_ranks(data, lambda src, dst: torch.full(src.shape, torch.nan))


def test_the_node_itself_is_no_candidate():
    """By cosine every node is nearest to itself."""
    graph = random_graph(40, 150)
    data = datasets.make_split("own", graph, None)
    z = torch.nn.functional.normalize(torch.randn(40, 40), dim=1)
    u, v = data.test.pos[:, 0]
    z[v] = 0.999 * z[u] + 0.001 * z[v]
    ranked = full_ranks(data, lambda src, dst: (z[src] * z[dst]).sum(dim=-1))
    assert ranked.ranks.filtered[0, 0] == 1
