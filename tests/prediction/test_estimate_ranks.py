"""Estimated ranks among all nodes against exact ones."""

from __future__ import annotations

import networkx
import numpy as np
import pytest
import torch

from gneg import Graph, datasets
from gneg.evaluation.full_ranks import full_ranks
from gneg.prediction.estimate_ranks import estimate_ranks
from gneg.training.config import LinkConfig
from gneg.training.kinds import make_run
from tests.worlds import random_graph

SEEDS = 30
KINDS = ("undirected", "directed", "bipartite")


def scorer_and_data(kind: str, *, trained: bool = False, decoder: str = "cosine"):
    """A small model on a graph with shortcuts across a ring, or on a random one."""
    if kind == "bipartite":
        index = torch.randint(80, (2, 700), generator=torch.Generator().manual_seed(0))
        graph = Graph.from_edge_index(index, (80, 90))
    elif kind == "directed":
        graph = random_graph(150, 800, undirected=False)
    else:
        graph = Graph.from_networkx(networkx.watts_strogatz_graph(300, 10, 0.1, seed=0))
    data = datasets.make_split(kind, graph, None)
    config = LinkConfig(hidden=16, k=2, layers=1, decoder=decoder, epochs=15)
    with torch.random.fork_rng():
        run = make_run(data, config, 0)
        if trained:
            run.train(None)
    return run.scorer(), data


@pytest.mark.parametrize("sampler", ["walk", "degree", "uniform"])
@pytest.mark.parametrize("kind", KINDS)
def test_each_rank_is_unbiased(kind, sampler):
    scorer, data = scorer_and_data(kind)
    exact = full_ranks(data, scorer).ranks.filtered
    options = {"head": 10, "tail": 20, "sampler": sampler}
    estimates = [estimate_ranks(data, scorer, seed=seed, **options) for seed in range(SEEDS)]
    means = torch.stack([estimate.ranks.mean(dim=1) for estimate in estimates])
    error = means.std(dim=0) / SEEDS**0.5
    assert (abs(means.mean(dim=0) - exact.mean(dim=1)) <= 3.5 * error).all()
    ranks = torch.stack([estimate.ranks for estimate in estimates])
    deviation = (ranks.mean(dim=0) - exact) / (ranks.std(dim=0) / SEEDS**0.5).clamp(min=1e-6)
    assert float((deviation.abs() > 3).double().mean()) < 0.1
    assert (ranks >= 1).all()


def test_mrr_is_unbiased_and_in_its_interval():
    scorer, data = scorer_and_data("undirected", trained=True)
    exact = full_ranks(data, scorer).metrics()
    inside, values = [], []
    for seed in range(SEEDS):
        estimate = estimate_ranks(data, scorer, head=30, tail=30, seed=seed)
        figures = estimate.metrics(of_chosen=True)
        inside.append(
            [f["low"] <= exact[name]["value"] <= f["high"] for name, f in figures.items()]
        )
        values.append(figures["mrr"]["value"])
    error = np.std(values) / SEEDS**0.5
    # What the jackknife leaves of the bias of 1 / rank is far below a percent.
    assert abs(np.mean(values) / exact["mrr"]["value"] - 1) < 0.003 + 4 * error
    assert np.mean(inside, axis=0).min() >= 0.8


@pytest.mark.slow
def test_a_sample_of_positives_has_an_interval_for_all():
    scorer, data = scorer_and_data("undirected", trained=True)
    exact = full_ranks(data, scorer).metrics()["mrr"]["value"]
    inside = []
    for seed in range(SEEDS):
        estimate = estimate_ranks(data, scorer, positives=25, head=20, tail=30, seed=seed)
        assert len(estimate.chosen) == 25 < estimate.total
        figure = estimate.metrics()["mrr"]
        of_chosen = estimate.metrics(of_chosen=True)["mrr"]
        assert of_chosen["high"] - of_chosen["low"] < figure["high"] - figure["low"]
        inside.append(figure["low"] <= exact <= figure["high"])
    assert np.mean(inside) >= 0.85


def test_a_head_of_all_nodes_is_exact():
    """And so are more draws than there are candidates, each listed once."""
    scorer, data = scorer_and_data("directed", decoder="mlp")
    exact = full_ranks(data, scorer)
    listed = estimate_ranks(data, scorer, head=1, tail=1000)
    assert torch.allclose(listed.ranks, exact.ranks.filtered)
    figures = listed.metrics(of_chosen=True)
    assert figures["mrr"]["value"] == pytest.approx(exact.metrics()["mrr"]["value"])
    assert figures["mrr"]["high"] == pytest.approx(figures["mrr"]["low"])
    few = estimate_ranks(data, scorer, head=10, tail=20)
    for_retrieval = 2 * 16 * data.num_nodes
    assert few.pairs <= for_retrieval + 2 * 31 * data.test.pos.size(1) < exact.pairs


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"head": 0}, "'head' must be an integer >= 1"),
        ({"tail": 5}, "'tail' must be an integer >= 10"),
        ({"part": "train"}, "'part' must be one of"),
        ({"sampler": "dns(walk)"}, "density"),
    ],
)
def test_what_cannot_be_estimated_is_refused(options, message):
    scorer, data = scorer_and_data("directed")
    with pytest.raises(ValueError, match=message):
        estimate_ranks(data, scorer, **options)
