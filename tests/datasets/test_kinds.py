"""Bipartite and weighted graphs all the way: loaded, trained on, audited, ranked."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import torch
from torch_geometric.data import Data, HeteroData
from torch_geometric.nn import GCNConv, LGConv

from gneg import Graph, KnownEdges, audit, compare, datasets, evaluate, hardset, nn, samplers
from gneg.evaluation.ranking import evaluate_edges
from gneg.graph.heuristics import Heuristic
from gneg.training.config import LinkConfig
from gneg.training.driver import train
from tests.cli.invoke import run
from tests.worlds import WORLDS


@pytest.fixture
def purchases(tmp_path):
    """Users and items of four tastes, by name, with weights."""
    random = np.random.default_rng(0)
    taste = random.integers(4, size=1500)
    users = taste * 20 + random.integers(20, size=1500)
    items = taste * 12 + random.integers(12, size=1500)
    table = pd.DataFrame({"user": [f"u{u}" for u in users], "item": [f"i{i}" for i in items]})
    table["weight"] = random.integers(1, 5, size=1500)
    path = tmp_path / "purchases.csv"
    table.drop_duplicates(["user", "item"]).to_csv(path, index=False)
    return path


def test_a_bipartite_edge_list(purchases):
    data = datasets.load(purchases, bipartite=True)
    assert data.size == (80, 48)
    assert data.num_nodes == 128
    assert (data.graph.num_src, data.graph.num_dst) == data.size
    assert data.metric == "recall@20"
    table = pd.read_csv(purchases)
    weight = {
        (u, i): w
        for u, i, w in zip(
            np.unique(table["user"], return_inverse=True)[1].tolist(),
            np.unique(table["item"], return_inverse=True)[1].tolist(),
            table["weight"],
            strict=True,
        )
    }
    weighted_edges = zip(map(tuple, data.train.t().tolist()), data.weight.tolist(), strict=True)
    assert all(weight[edge] == value for edge, value in weighted_edges)
    everything = KnownEdges(data.graph, data.valid.pos, data.test.pos)
    for part, known in (
        (data.valid, data.train),
        (data.test, torch.cat([data.train, data.valid.pos], 1)),
    ):
        assert part.known is not None
        assert not everything.contains(*part.neg).any()
        assert part.known.num_edges == known.size(1)
    names = repr(data)
    assert "80 + 48 nodes" in names


def test_recommending_from_the_command_line(purchases, tmp_path):
    folder = tmp_path / "run"
    arguments = ["train", str(purchases), "--bipartite", "--encoder", "lightgcn", "--loss", "bpr"]
    arguments += ["--sampler", "dns(uniform, m=8, n=1)", "-k", "1", "--corrupt", "dst"]
    arguments += ["--hidden", "16", "--epochs", "20", "--out", str(folder)]
    printed = run(*arguments)
    assert printed.exit_code == 0, printed.output
    result = json.loads((folder / "results.json").read_text())
    # 12 items of a taste, most of them known: chance would be at 20 of 48.
    assert result["summary"]["test"]["recall@20"]["mean"] > 0.8
    assert result["summary"]["test"]["ndcg@20"]["mean"] > 0.3
    assert result["protocol"]["negatives_per_positive"] == 48
    assert result["protocol"]["negatives"] == "all targets but known ones"
    assert result["runs"][0]["decoder"] == "dot"
    assert "recall@20 *" in printed.output


@pytest.mark.parametrize(
    "sampler", ["memorybank", "mixup(walk)", "similar(refresh_every=1)", "inbatch"]
)
def test_samplers_that_keep_embeddings_train_on_users_and_items(purchases, sampler):
    data = datasets.load(purchases, bipartite=True)
    config = LinkConfig(sampler=sampler, hidden=8, epochs=2, eval_every=1)
    result = train(data, config)
    assert np.isfinite(result["runs"][0]["curve"][-1]["loss"])


def test_matrix_of_scores_equals_pairs():
    for kind in ("dot", "cosine", "bilinear", "mlp", "hybrid"):
        model = nn.LinkPredictor(nn.LightGCN(9, hidden=4), nn.make_decoder(kind, 4), num_src=5)
        score = model.scorer(torch.randn(9, 4))
        src, dst = torch.arange(5), torch.arange(4)
        expected = score(src[:, None].expand(5, 4), dst.expand(5, 4))
        torch.testing.assert_close(score.matrix(src), expected)


def test_ranked_edges_ask_any_score(purchases):
    data = datasets.load(purchases, bipartite=True)
    model = nn.LinkPredictor(nn.LightGCN(128, hidden=4), nn.make_decoder("dot", 4), num_src=80)
    score = model.scorer(torch.randn(128, 4))
    whole = evaluate_edges(data.test, score)
    assert evaluate_edges(data.test, lambda src, dst: score(src, dst)) == pytest.approx(whole)
    assert {"recall@20", "ndcg@20", "mrr", "hits@10"} <= set(whole)


def test_audits_and_hard_sets_of_users_and_items(purchases, tmp_path):
    data = datasets.load(purchases, bipartite=True)
    results = audit(data, "guarded(walk, degree_cap=30)", negatives=4000, corrupt="both")
    assert set(results["hardness"]) == {"katz", "pa", "ppr", "degree"}
    katz = results["hardness"]["katz"]
    assert katz["negatives"]["mean"] > katz["uniform"]["mean"]
    assert results["distances"]["negatives"]["3"] > results["distances"]["uniform"]["3"]
    assert 0 < results["coverage"] <= 1
    hard = hardset(data, family="walk", ends="dst", k=10, out=tmp_path / "hard.npz")
    evaluation = evaluate(data, Heuristic(data.graph, "katz"), sets={"hard": hard}, resamples=0)
    means = {name: scores["metrics"]["mrr"]["value"] for name, scores in evaluation["sets"].items()}
    assert set(means) == {"uniform", "hard"}
    assert set(evaluation["sets"]["hard"]["by"]) == {"degree", "distance"}
    rows = compare(
        data,
        [LinkConfig(encoder="lightgcn", sampler="uniform", hidden=8, epochs=5)],
        seeds=1,
        sets={"hard": hard},
        out=tmp_path / "compare",
    )["rows"]
    assert set(rows[0]["summary"]) == {"all", "uniform", "hard"}
    assert "recall@20" in rows[0]["summary"]["all"]


def test_light_gcn_equals_pyg():
    graph = WORLDS["hetero"]()
    plain = Graph.from_edge_index(graph.edge_index, (12, 22))
    model = nn.LightGCN(34, hidden=6, layers=2)
    embeddings = model(None, nn.Adjacency(plain))
    src, dst = plain.edge_index
    joint = torch.stack([src, dst + 12])
    symmetric = torch.cat([joint, joint.flip(0)], dim=1)
    layers = [model.embedding]
    for _ in range(2):
        layers.append(LGConv()(layers[-1], symmetric))
    torch.testing.assert_close(embeddings, sum(layers) / 3)


def test_weighted_messages_equal_pyg():
    graph = WORLDS["weighted"]()
    conv = GCNConv(5, 5, bias=False)
    conv.lin.weight.data = torch.eye(5)
    x = torch.randn(50, 5)
    weight = torch.from_numpy(graph.weights.copy()).float()
    adjacency = nn.Adjacency(graph)
    torch.testing.assert_close(adjacency.normalized(x), conv(x, graph.edge_index, weight))
    dense = torch.zeros(50, 50)
    dense[tuple(graph.edge_index)] = weight
    total = dense.sum(1, keepdim=True)
    torch.testing.assert_close(adjacency.mean(x), dense @ x / torch.where(total > 0, total, 1))
    pair = graph.edge_index[:, :1]
    masked = adjacency.without(adjacency.positions(pair))
    dense[pair[0], pair[1]] = dense[pair[1], pair[0]] = 0
    torch.testing.assert_close(masked.sum(x), dense @ x)


def test_target_edges_of_users_and_items_are_masked():
    graph = WORLDS["bipartite"]()
    adjacency = nn.Adjacency(graph)
    without = adjacency.without(adjacency.positions(graph.edge_index))
    assert not without.sum(torch.ones(32, 1)).any()
    with pytest.raises(ValueError, match="'edges' must be edges of the graph"):
        adjacency.positions(torch.tensor([[0], [11]]))


@pytest.mark.slow
def test_gowalla_is_read_as_users_and_items(shared):
    data = datasets.load("gowalla", root=shared)
    assert data.size == (29_858, 40_981)
    assert data.train.size(1) + data.valid.pos.size(1) == 810_128
    assert data.test.pos.size(1) == 217_242
    assert (data.graph.degree() > 0).all()
    sampler = data.sampler("walk")
    drawn = sampler.sample(data.train[:, :500], 4, generator=torch.Generator().manual_seed(0))
    assert not data.known().contains(*drawn.edge_index()).any()


def test_data_with_weights_becomes_a_weighted_walk():
    data = Data(edge_index=torch.tensor([[0, 0, 1, 2], [1, 2, 3, 4]]), num_nodes=5)
    data.edge_attr = torch.tensor([99.0, 1.0, 1.0, 1.0])
    graph = Graph.from_data(data, undirected=False, weight="edge_attr")
    pos = torch.tensor([[0] * 2000, [1] * 2000])
    drawn = samplers.Walk(graph).sample(pos, 1, generator=torch.Generator().manual_seed(0))
    assert (drawn.index == 3).float().mean() == pytest.approx(0.99, abs=0.01)


def test_weights_of_a_split_of_ones_own(tmp_path):
    """Loops, an edge twice and in both directions: weights add up as in a graph of the rows."""
    rows = [(0, 1, 2.0, "train"), (1, 0, 3.0, "train"), (1, 2, 1.5, "train"), (1, 2, 1.0, "train")]
    rows += [(3, 3, 9.0, "train"), (2, 3, 4.0, "train"), (0, 2, 7.0, "valid"), (1, 3, 8.0, "test")]
    path = tmp_path / "edges.csv"
    table = pd.DataFrame(rows, columns=["source", "target", "weight", "split"])
    table.iloc[[7, 0, 1, 2, 6, 3, 4, 5]].to_csv(path, index=False)
    data = datasets.load(path)
    train = [row for row in rows if row[3] == "train"]
    index = torch.tensor([row[:2] for row in train]).t()
    weight = torch.tensor([row[2] for row in train])
    expected = Graph.from_edge_index(index, 4, undirected=True, weight=weight)
    np.testing.assert_allclose(data.graph.weights, expected.weights)
    assert data.graph.edge_index.tolist() == expected.edge_index.tolist()


def test_a_walk_across_types_reaches_what_one_type_cannot():
    """Two items that no user shares, but that have a tag in common."""
    buys, has = ("user", "buys", "item"), ("item", "has", "tag")
    edges = {
        buys: torch.tensor([[0, 1], [0, 1]]),
        has: torch.tensor([[0, 1, 2, 3], [0, 0, 1, 1]]),
    }
    data = HeteroData()
    data["user"].num_nodes, data["item"].num_nodes, data["tag"].num_nodes = 2, 4, 2
    for kind, index in edges.items():
        data[kind].edge_index = index
    graph = Graph.from_data(data, buys)
    all_types = samplers.AllTypes.of(data.edge_index_dict, data.num_nodes_dict)
    assert all_types.offset == {"user": 0, "item": 2, "tag": 6}
    pos = torch.tensor([[0] * 50], dtype=torch.long).repeat(2, 1)
    alone = samplers.Walk(graph).sample(pos, 4, generator=torch.Generator().manual_seed(0))
    assert alone.counts["filled"] or alone.counts["short"]
    walk = samplers.Walk(all_types.graph, hops=3)
    across = samplers.Across(graph, walk, all_types, buys)
    drawn = across.sample(pos, 2, generator=torch.Generator().manual_seed(0))
    assert (drawn.index == 1).all()  # user 0, item 0, tag 0, item 1
    with pytest.raises(ValueError, match=r"'sampler' must be a sampler on all_types.graph"):
        samplers.Across(graph, samplers.Walk(graph), all_types, buys)
    with pytest.raises(ValueError, match="'edge_type' must be one of 'user', 'item', 'tag'"):
        samplers.Across(graph, walk, all_types, ("shop", "sells", "item"))
