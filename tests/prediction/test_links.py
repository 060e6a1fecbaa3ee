"""Recommendations against brute force, by name, whatever is asked."""

from __future__ import annotations

import itertools
import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

import gneg
from gneg import Graph, datasets, kernels
from gneg.evaluation.link import evaluate
from gneg.graph.heuristics import neighbor_weight
from gneg.prediction.ranking import Ranker
from tests.prediction.models import KINDS, TINY, brute_force, every_link, link_model, named_data
from tests.worlds import WORLDS, random_graph


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A model of each kind of graph."""
    folder = tmp_path_factory.mktemp("models")
    return {kind: link_model(folder / kind, named_data(kind)) for kind in KINDS}


@pytest.mark.parametrize("keep_known", [False, True])
@pytest.mark.parametrize("side", ["target", "source"])
@pytest.mark.parametrize("kind", KINDS)
def test_lists_are_those_of_brute_force(models, kind, side, keep_known):
    model = models[kind]
    table = model.recommend(None, 6, side=side, keep_known=keep_known)
    query, answer = ("source", "target") if side == "target" else ("target", "source")
    names = dict(zip(("source", "target"), model.data.end_names, strict=True))
    known = every_link(model.data)
    for node in range(0, len(names[query]), 7):
        rows = table[table[query] == names[query][node]]
        expected = brute_force(model, node, side=side, keep_known=keep_known)[:6]
        found = names[answer].ids(rows[answer])
        scores = {i: s for s, i in brute_force(model, node, side=side, keep_known=True)}
        np.testing.assert_allclose(rows["score"], [score for score, _ in expected], atol=1e-5)
        np.testing.assert_allclose(rows["score"], [scores[i] for i in found], atol=1e-5)
        for other, is_known in zip(found.tolist(), rows["known"], strict=True):
            pair = (node, other) if side == "target" else (other, node)
            assert is_known == (pair in known)


@pytest.mark.parametrize("kind", KINDS)
def test_candidates_of_retrieval_are_scored_alike(models, kind):
    """As many candidates as nodes find the same lists; few find some of them."""
    model = models[kind]
    size = model.data.graph.num_dst
    among_all = model.recommend(None, 5, candidates="all")
    pd.testing.assert_frame_equal(model.recommend(None, 5, candidates=size), among_all)
    few = model.recommend(None, 5, candidates=size - 2)
    assert set(few["source"]) == set(among_all["source"])
    assert 0.5 < model.retrieval_recall(5, candidates=15) <= 1
    assert model.retrieval_recall(5, candidates="all") == 1


def test_models_are_pickled_with_all_that_they_keep(models):
    for model in models.values():
        table = model.recommend(None, 3, why=True)
        again = pickle.loads(pickle.dumps(model))
        pd.testing.assert_frame_equal(again.recommend(None, 3, why=True), table)


def test_memory_changes_nothing(models):
    model = models["undirected"]
    one = model.recommend(None, 4, memory_mb=1)
    pd.testing.assert_frame_equal(one, model.recommend(None, 4, memory_mb=4096))


def test_a_name_of_the_other_side_is_told(models):
    with pytest.raises(ValueError, match=r"names of sources .got 'item 3', a target.; side='sou"):
        models["bipartite"].recommend("item 3")
    assert np.isnan(models["directed"].predict_proba(["node 3", "node 4"], ["node 3"] * 2)[0])


def test_names_and_ids_are_the_same_nodes(models):
    model = models["bipartite"]
    users, items = model.data.end_names
    by_name = model.recommend(["user 3", "user 1"], 4)
    by_id = model.recommend(torch.tensor([3, 1]), 4)
    pd.testing.assert_frame_equal(by_name, by_id)
    assert list(dict.fromkeys(by_name["source"])) == ["user 3", "user 1"]
    pairs = by_name[["source", "target"]].to_numpy().T
    ids = torch.from_numpy(np.stack([users.ids(pairs[0]), items.ids(pairs[1])]))
    np.testing.assert_array_equal(model.score(*pairs), model.score(*ids).numpy())
    np.testing.assert_allclose(model.score(*pairs), by_name["score"], rtol=1e-5)
    np.testing.assert_allclose(model.predict_proba(*pairs), by_name["probability"], rtol=1e-5)


def test_fewer_rows_where_fewer_nodes_are_left(tmp_path):
    """A node that is linked with everyone has one row, without a partner."""
    star = torch.tensor([[0] * 29, list(range(1, 30))])
    ring = torch.tensor([list(range(1, 29)), list(range(2, 30))])
    graph = Graph.from_edge_index(torch.cat([star, ring], 1), 30, undirected=True)
    data = datasets.make_split("star", graph, None, ratios=(0.1, 0.1))
    model = link_model(tmp_path, data)
    table = model.recommend([0, 1], 100, why=True)
    hub, other = (table[table["source"] == node] for node in (0, 1))
    assert hub[["target", "score", "probability"]].isna().to_numpy().all()
    assert list(hub["why"]) == ["no node is left to link with"]
    assert len(other) == 30 - 1 - len([pair for pair in every_link(data) if pair[0] == 1])


def test_pairs_labelled_0_are_no_answers(tmp_path):
    data = named_data("undirected")
    non_edges = data.sampler("uniform", known="all").sample(data.train, 1).edge_index()
    model = link_model(tmp_path, replace(data, negatives=non_edges))
    table = model.recommend(None, 40)
    listed = set(zip(table["source"], table["target"], strict=True))
    names = data.end_names[0]
    labelled = {(names[u], names[v]) for u, v in non_edges.t().tolist()}
    assert not listed & (labelled | {pair[::-1] for pair in labelled})
    with_known = model.recommend(None, 40, keep_known=True)
    assert with_known["known"].sum() == len(every_link(data))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: m.recommend("nod 3"), r"'nodes' must be a known name .*mean 'node 3'"),
        (lambda m: m.recommend(torch.tensor([40])), r"'nodes' must be"),
        (lambda m: m.recommend("node 3", 0), "'k' must be an integer >= 1"),
        (lambda m: m.recommend("node 3", 5, candidates=4), "'candidates' must be an integer >= 5"),
        (lambda m: m.recommend("node 3", side="dst"), "'side' must be one of 'target', 'source'"),
        (
            lambda m: m.score(["node 3"] * 3, ["node 1"] * 2),
            "'dst' must be one value, or 3",
        ),
        (lambda m: m.recommend(["node 3", "x"]), "'nodes' must be known names .got 'x'"),
        (lambda m: m.recommend([*"abccde"]), r"got 'a', 'b', 'c' and 2 others\)"),
        (lambda m: m.recommend(7.0), "'nodes' must be a name, several names or a tensor of ids"),
        (lambda m: m.score(torch.tensor([1]), torch.tensor([40])), "'dst' must"),
        (lambda m: gneg.load(None), "'path' must be"),
        (lambda m: m.embeddings("z.txt"), "ends in one of .npy, .parquet, .csv"),
        (lambda m: m.embeddings(3), "'path' must be a str or Path"),
        (lambda m: m.recommend("node 3", keep_known="no"), "'keep_known' must be"),
    ],
)
def test_bad_arguments_are_named(models, call, message):
    with pytest.raises(ValueError, match=message):
        call(models["undirected"])


def test_a_list_is_no_longer_than_there_are_nodes(models):
    assert len(models["undirected"].recommend("node 3", 10**12)) < 40


def test_reasons_name_what_the_graph_has(models):
    model = models["undirected"]
    table = model.recommend(None, 10, why=True)
    graph = model.data.graph
    names = model.data.end_names[0]
    seen = set()
    for source, target, why in zip(table["source"], table["target"], table["why"], strict=True):
        u, v = names.ids([source, target])
        common = neighbors(graph, u) & neighbors(graph, v)
        seen.add(why.split()[1] if common else why.split()[0])
        if common:
            assert why.startswith(f"{len(common)} common neighbour")
            first = why.partition(": ")[2].split(", ")[0].partition(" and ")[0]
            assert names.ids([first])[0] in common
        elif why.startswith("path"):
            path = [names.ids([name])[0] for name in why.removeprefix("path: ").split(" - ")]
            assert (path[0], path[-1]) == (u, v)
            assert all(v in neighbors(graph, u) for u, v in itertools.pairwise(path))
    assert {"common", "path:"} <= seen


def test_a_known_link_is_its_own_reason(models):
    model = models["directed"]
    table = model.recommend(None, 40, keep_known=True, why=True)
    links = {tuple(pair) for pair in model.data.train.t().tolist()}
    names = model.data.end_names[0]
    for source, target, why in zip(table["source"], table["target"], table["why"], strict=True):
        if tuple(names.ids([source, target])) in links:
            assert "common neighbour" in why or why == "linked in training"


def test_embeddings_and_graphs_leave_with_names(models, tmp_path):
    for kind, model in models.items():
        z = model.embeddings(tmp_path / f"{kind}.parquet")
        table = pd.read_parquet(tmp_path / f"{kind}.parquet")
        np.testing.assert_array_equal(np.stack(table["embedding"]), z.numpy())
        model.embeddings(str(tmp_path / "z.npy"))
        np.testing.assert_array_equal(np.load(tmp_path / "z.npy"), z.numpy())
        names = [name for own in dict.fromkeys(model.data.end_names) for name in own]
        assert list(table["name"]) == names
        graph = model.to_pyg()
        if kind == "bipartite":
            assert graph["target"].names == names[15:]
            assert torch.equal(graph["source"].z, z[:15])
            edges = graph["source", "to", "target"].edge_index
        else:
            assert graph.names == names
            edges = graph.edge_index
        assert torch.equal(edges, model.data.graph.edge_index)


def test_the_scorer_is_what_evaluation_takes(models):
    model = models["directed"]
    record = evaluate(model.data, model.scorer(), resamples=0)
    assert record["positives"] == model.data.test.pos.size(1)


def test_runs_that_have_not_finished_are_refused(tmp_path):
    data = named_data("undirected")

    def stop(seed, state):
        if state["epoch"] == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        gneg.train(data, replace(TINY, epochs=9), out=tmp_path, report=stop)
    with pytest.raises(ValueError, match="'path' must be a run that has finished"):
        gneg.load(tmp_path)


def neighbors(graph: Graph, node: int) -> set[int]:
    return set(graph.indices[graph.indptr[node] : graph.indptr[node + 1]].tolist())


def slow_nearby(graph: Graph, node: int, known: set[int], count: int) -> list[int]:
    """The nodes at two steps by resource allocation, then those at three."""
    near_by = [neighbors(graph, w) for w in range(graph.num_nodes)]
    weight = neighbor_weight("ra", graph.degree().numpy())
    near = np.zeros(graph.num_nodes)
    for w in sorted(near_by[node]):
        for v in near_by[w]:
            near[v] += weight[w]
    far = np.zeros(graph.num_nodes)
    if sum(near[v] > 0 and v != node and v not in known for v in range(graph.num_nodes)) < count:
        for w in range(graph.num_nodes):
            for v in near_by[w]:
                far[v] += near[w] / len(near_by[w])
    usable = [v for v in range(graph.num_nodes) if v != node and v not in known]
    reached = [v for v in usable if near[v] > 0 or far[v] > 0]
    order = [(near[v] == 0, -near[v] if near[v] else -far[v], v) for v in reached]
    return [v for *_, v in sorted(order)][:count]


@pytest.mark.parametrize("name", ["hub", "dense", "isolated", "random"])
@pytest.mark.parametrize("count", [2, 30])
def test_nearby_nodes_are_those_of_a_slow_walk(name, count):
    graph = random_graph(60, 90) if name == "random" else WORLDS[name]()
    rows = np.arange(graph.num_nodes)
    known = [neighbors(graph, w) for w in range(graph.num_nodes)]
    out = np.empty((len(rows), count), np.int64)
    flat = np.array([v for of in known for v in sorted(of)], np.int64)
    starts = np.concatenate([[0], np.cumsum([len(of) for of in known])])
    weight = neighbor_weight("ra", graph.degree().numpy())
    size = graph.num_nodes
    kernels.nearby.nearby(
        0, size, out, rows, graph.indptr, graph.indices, weight, 0, size, starts, flat,
        np.zeros(2 * size), np.empty(size + 1, np.int32),
    )  # fmt: skip
    for node in rows:
        expected = slow_nearby(graph, node, known[node], count)
        assert out[node].tolist() == expected + [-1] * (count - len(expected)), node


def test_heuristics_alone_are_ranked_too(tmp_path):
    model = link_model(tmp_path, named_data("undirected"), encoder="heuristics")
    ranker = Ranker(model.data, model.scorer(), "target")
    ids, scores = ranker.best(np.arange(5), 4, candidates=20)
    assert (ids >= 0).all()
    assert (np.diff(scores, axis=1) <= 0).all()
    assert model.recommend(None, 40, why=True)["why"].str.len().min() > 5
