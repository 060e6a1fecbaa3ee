"""Numbers of any kind are accepted, and what is unclear is said in one line."""

from __future__ import annotations

import fractions

import numpy as np
import pytest
import torch

from gneg import Graph, KnownEdges, LinkConfig, TripleConfig, checks, losses, samplers
from gneg.evaluation import metrics
from gneg.samplers import build
from tests.worlds import random_graph

EDGES = torch.tensor([[0, 1], [1, 2]])


@pytest.mark.parametrize("value", [5, np.int64(5), np.int8(5), np.uint32(5)])
def test_integers_of_any_kind_become_ints(value):
    assert type(checks.integer("n", value, 0)) is int
    graph = Graph.from_edge_index(EDGES, value)
    assert (type(graph.num_nodes), graph.num_nodes) == (int, 5)
    assert samplers.Uniform(graph).sample(EDGES, value).index.shape == (2, 5)
    assert type(LinkConfig(k=value).k) is int


@pytest.mark.parametrize("value", [1, 0.5, np.float64(0.5), np.float32(0.5), np.int64(1)])
def test_real_numbers_of_any_kind_become_floats(value):
    temperature = losses.InfoNCE(value).temperature
    assert (type(temperature), temperature) == (float, value)
    assert type(samplers.Tempered(value).temperature) is float
    assert checks.number("x", fractions.Fraction(1, 2), 0) == 0.5


@pytest.mark.parametrize(
    "value", [True, np.bool_(True), "1", None, 1j, np.array([1]), torch.tensor(1), float("nan")]
)
def test_what_is_no_number_is_neither(value):
    with pytest.raises(ValueError, match="'n' must be an integer >= 0"):
        checks.integer("n", value, 0)
    with pytest.raises(ValueError, match=r"'x' must be a number in \[0, inf\)"):
        checks.number("x", value, 0)


@pytest.mark.parametrize("value", [float("inf"), -float("inf"), 10**400, np.float32("inf")])
def test_infinite_numbers_are_refused_unless_asked_for(value):
    with pytest.raises(ValueError, match="'x' must be a finite number"):
        checks.number("x", value, 0)
    assert checks.number("x", np.inf, 0, infinite=True) == np.inf


def score(result):
    graph = random_graph(20, 40)
    return lambda: build("hardest(uniform)", graph).sample(EDGES, 2, score=lambda u, v: result(u))


def loss(pos, neg, negatives=None):
    drawn = samplers.Uniform(random_graph(20, 40)).sample(EDGES, 3)
    return lambda: losses.BCE()(pos, neg, drawn if negatives is None else negatives)


SCORES = torch.zeros(2), torch.zeros(2, 3)
GRAPH = random_graph(20, 40)
UNCLEAR = {
    "meta positives": (
        lambda: samplers.Uniform(GRAPH).sample(EDGES.to("meta"), 2),
        "'pos' must be an integer tensor of shape .* meta device",
    ),
    "meta edges": (lambda: Graph.from_edge_index(EDGES.to("meta")), "'edge_index' .* meta device"),
    "sparse edges": (lambda: Graph.from_edge_index(EDGES.to_sparse()), "'edge_index' .*to_dense"),
    "meta vectors": (lambda: samplers.Similar(GRAPH, torch.zeros(20, 3).to("meta")), "'z' .* meta"),
    "z a text": (lambda: build("similar", GRAPH).sample(EDGES, 2, z="x"), "'z' .*got 'x'"),
    "z unread": (lambda: samplers.Uniform(GRAPH).sample(EDGES, 2, z="x"), "'z' .*got 'x'"),
    "z of one": (
        lambda: samplers.Uniform(GRAPH).sample(EDGES, 2, z=()),
        "'z' must be a tensor,",
    ),
    "score a float": (score(lambda u: 1.0), r"'score' must be of shape \[\d+\], .*got float"),
    "score of NumPy": (score(lambda u: u.numpy()), "'score' must be of shape .*got ndarray"),
    "score of None": (score(lambda u: None), "'score' must be of shape .*got NoneType"),
    "score too short": (score(lambda u: torch.zeros(3)), r"'score' must be of shape .*got \[3\]"),
    "score complex": (score(lambda u: u * 1j), "'score' must be .*got dtype torch.complex64"),
    "score of bools": (score(lambda u: u > 1), "'score' must be .*got dtype torch.bool"),
    "score no function": (
        lambda: build("hardest(uniform)", GRAPH).sample(EDGES, 2, score=3),
        "'score' must be the current model",
    ),
    "loss without negatives": (loss(*SCORES, negatives=3), "'negatives' must be a Negatives"),
    "loss of text": (loss("x", SCORES[1]), "'pos' must be a float tensor"),
    "loss of integers": (loss(SCORES[0].long(), SCORES[1]), "'pos' must be a float tensor"),
    "metric of None": (lambda: metrics.mrr(SCORES[0], None), "'neg' must be a float tensor"),
    "metric of complex": (lambda: metrics.mrr(SCORES[0] * 1j, SCORES[1]), "'pos' must be a float"),
    "metric with a mask of floats": (
        lambda: metrics.summary(*SCORES, torch.ones(2, 3)),
        r"'mask' must be .*got dtype torch.float32",
    ),
    "k of 43 TiB": (
        lambda: samplers.Uniform(GRAPH).sample(EDGES, 10**12),
        r"'k' must be small enough for the .* GiB of memory here .*which takes 31,664 GiB",
    ),
    "nodes of 29 TiB": (
        lambda: Graph.from_edge_index(EDGES, 10**12),
        r"'num_nodes' must be small enough .*takes 29,802 GiB",
    ),
    "known nodes of 29 TiB": (
        lambda: KnownEdges(EDGES, num_nodes=10**12),
        r"'num_nodes' must be small enough .*takes 29,802 GiB",
    ),
    "a huge id": (lambda: Graph.from_edge_index(EDGES + 9 * 10**18), "'edge_index' must be small"),
    "one size": (
        lambda: Graph.from_edge_index(EDGES, (60,)),
        r"'num_nodes' .*pair .*\(60,\)",
    ),
    "one size of known": (lambda: KnownEdges(EDGES, num_nodes=(60,)), r"'num_nodes' .*a pair"),
    "a wide band": (
        lambda: samplers.Similar(Graph.from_edge_index(EDGES, 10**7), band=(0, 10**6)),
        r"'band' must be small enough .*which takes 37,252 GiB",
    ),
    "an infinite weight": (
        lambda: build("mixture(uniform:1e400)", GRAPH),
        "'sampler': a weight must be > 0 and finite, that of 'uniform' is inf",
    ),
    "an infinite sum": (
        lambda: build("mixture(uniform:1e308, walk:1e308)", GRAPH),
        "'weights' must be of a finite sum",
    ),
    "a deep expression": (
        lambda: build("hardest(" * 10**5 + "uniform" + ")" * 10**5, GRAPH),
        "'sampler': samplers are at most 32 deep",
    ),
    "no expression": (lambda: build(3, GRAPH), "'sampler' must be a sampler expression"),
    "a wrong name": (lambda: build("unifrom", GRAPH), r"'unifrom' \(did you mean 'uniform'\?\)"),
    "a wrong choice": (lambda: samplers.Walk(GRAPH, "pr"), "got 'pr'.; did you mean 'ppr'"),
    "an endless walk": (lambda: samplers.Walk(GRAPH, hops=10**9), "'hops' must be at most 1000"),
}


@pytest.mark.parametrize("case", UNCLEAR)
def test_what_is_wrong_is_said(case):
    call, message = UNCLEAR[case]
    with pytest.raises(ValueError, match=message) as error:
        call()
    assert max(map(len, str(error.value).splitlines())) < 500


@pytest.mark.parametrize("config", [LinkConfig, TripleConfig])
def test_base_measures_are_checked_by_their_own_name(config):
    with pytest.raises(ValueError, match="'base_measure': no sampler 'unifrom'"):
        config(base_measure="unifrom")
    for text in ("hardest(uniform)", "mixture(uniform, hardest(walk))"):
        with pytest.raises(ValueError, match=r"'base_measure' must be none, or .* has none"):
            config(base_measure=text)
        with pytest.raises(ValueError, match=r"'base_measure' must be none, or .* has none"):
            config(base_measure="sampler", sampler=text)
    config(base_measure="mixture(uniform, walk)")


@pytest.mark.parametrize("value", [float("inf"), -float("inf"), 1e30])
def test_infinite_scores_count_as_very_high_ones(value):
    scores = torch.arange(20.0)
    scores[13] = value

    def score(src, dst):
        return scores[dst]

    pos = torch.tensor([[0, 1, 2], [1, 2, 0]])
    for text in ("hardest(uniform)", "ahns(uniform)", "guarded(uniform, relative_margin=0.1)"):
        assert build(text, GRAPH, unique=True).sample(pos, 3, score=score).mask.all()
    hardest = build("hardest(uniform, m=500)", Graph.from_edge_index(EDGES, 20))
    assert (hardest.sample(pos, 1, score=score).index == (13 if value > 0 else 19)).all()


def test_amounts_of_memory_have_units_of_thousands_or_of_1024():
    amounts = {"2GB": 2 * 10**9, "1.5 g": 15 * 10**8, "1GiB": 2**30, "500mb": 5 * 10**8}
    assert {text: checks.size("memory", text, 10**6) for text in amounts} == amounts
    for text in ("", "2", "-1GB", "2 apples", "nan", "9" * 400 + "GB", "3000\u212aB", "1KB", None):
        with pytest.raises(ValueError, match=r"^'memory' must be an amount of 1MB or more"):
            checks.size("memory", text, 10**6)
