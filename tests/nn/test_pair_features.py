"""Features of pairs equal those of a graph without the pair, one by one."""

from __future__ import annotations

import networkx
import numpy as np
import pytest
import torch

from gneg import Graph, datasets
from gneg.evaluation.ranking import evaluate_edges
from gneg.graph import sparse
from gneg.graph.heuristics import Heuristic
from gneg.nn import BaseMeasure, Dot, PairFeatures, PairInputs
from gneg.samplers import Uniform
from gneg.training.config import LinkConfig
from gneg.training.driver import train
from gneg.training.link import LinkRun
from gneg.training.load import load_run
from tests.worlds import random_graph, toy


def test_models_of_one_graph_share_the_moments_of_their_features(monkeypatch):
    data = toy()
    kinds = ["ra", "cosine"]
    first, seeded = (PairInputs(data.graph, kinds=kinds, x=data.x, seed=seed) for seed in (0, 1))
    alike = PairInputs(data.graph, kinds=kinds, x=torch.ones_like(data.x))
    assert not torch.equal(first.mean, seeded.mean)
    assert alike.mean[1] != first.mean[1]  # other features are not those of before
    first = PairInputs(data.graph, kinds=kinds, x=data.x)
    monkeypatch.setattr(PairInputs, "_standardise", None)
    second = PairInputs(data.graph, kinds=kinds, x=data.x)
    assert torch.equal(second.mean, first.mean)
    assert torch.equal(second.scale, first.scale)
    second.mean.zero_()  # its own
    assert PairInputs(data.graph, kinds=kinds, x=data.x).mean.abs().min() > 0


def one_by_one(graph: Graph, u: int, v: int) -> list[float]:
    """Return the features of a pair by networkx, on the graph without the edge u-v."""
    nx = networkx.Graph()
    nx.add_nodes_from(range(graph.num_nodes))
    nx.add_edges_from(graph.edge_index.t().tolist())
    full = dict(nx.degree())
    if nx.has_edge(u, v):
        nx.remove_edge(u, v)
    common = set(nx[u]) & set(nx[v])
    cn = float(len(common))
    aa = sum(1 / np.log(full[w]) for w in common if full[w] > 1)
    ra = sum(1 / full[w] for w in common)
    from_u, from_v = (
        networkx.pagerank(nx, 0.85, start, tol=1e-12, max_iter=500, dangling=start)
        for start in ({w: float(w == node) for w in nx} for node in (u, v))
    )
    ppr = 25 * (from_u[v] + from_v[u]) / 2
    distance = networkx.shortest_path_length(nx, u, v) if networkx.has_path(nx, u, v) else np.inf
    three = sum(1 for a in nx[u] for b in nx[a] if nx.has_edge(b, v))
    katz = np.log(1e-3 + cn + 0.005 * three)
    low, high = sorted((nx.degree(u), nx.degree(v)))
    return [
        *np.log1p([cn, aa, ra, ppr]),
        katz,
        distance == 2,
        distance == 3,
        *np.log1p([high, low]),
    ]


@pytest.mark.slow
@pytest.mark.parametrize("edges", [20, 45, 120])
def test_features_are_those_of_the_graph_without_the_pair(edges):
    graph = random_graph(25, edges)
    features = PairFeatures(Dot(), graph, 4)
    pairs = torch.combinations(torch.arange(25)).t()
    expected = np.array([one_by_one(graph, *pair) for pair in pairs.t().tolist()], float)
    for ends in (pairs, pairs.flip(0)):
        np.testing.assert_allclose(features.inputs.features(ends).numpy(), expected, atol=1e-5)


def test_the_cosine_and_the_default_kinds():
    graph, x = random_graph(25, 45), torch.randn(25, 6)
    features = PairFeatures(Dot(), graph, 4, kinds=["cosine", "cn"], x=x)
    pairs = torch.randint(25, (2, 60))
    expected = torch.cosine_similarity(x[pairs[0]], x[pairs[1]])
    torch.testing.assert_close(
        features.inputs.features(pairs)[:, 0], expected, rtol=1e-4, atol=1e-5
    )
    assert features.inputs.mean.shape == (2,)
    edges = PairInputs(graph).features(graph.edge_index)
    assert edges.shape[1] == 9  # no cosine without x
    scores = features(torch.randn(60, 4), torch.randn(60, 4), pairs)
    assert scores.shape == (60,)
    assert features.inputs.seconds > 0


@pytest.mark.parametrize("layout", ["dense", "sparse"])
@pytest.mark.parametrize("signed", [False, True])
def test_smoothed_features_are_those_of_the_graph_without_the_pair(layout, signed):
    """By hand: sums over neighbours, w by 1 / sqrt(deg(w) + 1), each edge taken out in turn."""
    graph = random_graph(25, 45)
    x = torch.rand(25, 6) * (torch.rand(25, 6) < 0.6)
    if signed:
        x = x - 0.5
    features = x if layout == "dense" else sparse.to_csr(x)
    inputs = PairInputs(graph, kinds=["smooth", "smooth2"], x=features)
    pairs = torch.cartesian_prod(torch.arange(25), torch.arange(25)).t()
    pairs = pairs[:, pairs[0] != pairs[1]]
    near = torch.eye(25)
    near[tuple(graph.edge_index)] = 1.0
    idf = torch.log(26 / (1 + (x > 0).sum(dim=0))) + 1
    unit = torch.nn.functional.normalize(x if signed else x * idf)
    weight = (graph.degree() + 1.0).rsqrt().diag()
    expected = []
    for u, v in pairs.t().tolist():
        without = near.clone()
        without[u, v] = without[v, u] = 0.0
        step = weight @ without @ weight
        sums = [step @ unit, step @ step @ unit]
        expected.append([float(torch.cosine_similarity(s[u], s[v], dim=0)) for s in sums])
    torch.testing.assert_close(inputs.features(pairs), torch.tensor(expected), rtol=1e-4, atol=1e-5)


def test_a_run_has_pair_features_and_a_base_measure():
    data = toy()
    config = LinkConfig(
        sampler="mixture(uniform, walk)",
        pair_features="all",
        base_measure="sampler",
        hidden=8,
        epochs=4,
        eval_every=2,
    )
    run = LinkRun(data, config, 0)
    assert isinstance(run.model.decoder, BaseMeasure)
    assert isinstance(run.model.decoder.decoder, PairFeatures)
    first, second = (train(data, config)["runs"][0] for _ in range(2))
    assert first["test"] == second["test"]
    assert first["seconds"]["features"] > 0
    plain = train(data, LinkConfig(**{**vars(config), "pair_features": "cn,degree"}))
    assert plain["runs"][0]["test"] != first["test"]


@pytest.mark.slow
def test_heuristics_alone_learn(tmp_path):
    data = datasets.digits()
    config = LinkConfig(encoder="heuristics", epochs=10, lr=0.02, sampler="uniform")
    assert config.decoder_sees == "all"
    result = train(data, config, out=tmp_path)["runs"][0]
    single = evaluate_edges(data.test, Heuristic(data.graph, "ra"))["mrr"]
    assert result["test"]["mrr"] > single
    assert load_run(data, tmp_path / "model-0.pt").scorer()(*data.test.pos).shape == (
        data.test.pos.size(1),
    )


def test_bad_arguments_are_named():
    graph = random_graph(10, 20)
    with pytest.raises(ValueError, match="'kinds' must be one of 'cn', 'aa'"):
        PairFeatures(Dot(), graph, 4, kinds=["jaccard"])
    with pytest.raises(ValueError, match="'x' must be features"):
        PairFeatures(Dot(), graph, 4, kinds=["cosine"])
    sides = Graph.from_edge_index(torch.tensor([[0, 1], [1, 0]]), (2, 2))
    with pytest.raises(ValueError, match="'graph' must be homogeneous"):
        PairFeatures(Dot(), sides, 4)
    measure = BaseMeasure(PairFeatures(Dot(), graph, 4), Uniform(graph))
    assert measure(torch.ones(3, 4), torch.ones(3, 4), torch.zeros(2, 3, dtype=torch.long)).shape
