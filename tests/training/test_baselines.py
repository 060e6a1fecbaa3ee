"""Training-free scores beside models, by validation."""

from __future__ import annotations

import pytest
import torch

from gneg import Graph
from gneg.datasets import make_split
from gneg.evaluation.ranking import evaluate_edges
from gneg.graph.heuristics import Heuristic
from gneg.training import baselines
from gneg.training.baselines import (
    at_chance,
    beside_scores,
    scores_of,
    validation_metric,
    validation_of,
)
from tests.worlds import toy

FOLDS = {"decoder alone": {"easy": 0.30}, "linear": {"easy": 0.45}}


@pytest.mark.parametrize(
    ("stack", "expected"),
    [
        (None, 0.4),
        ({"chosen": "decoder alone", **FOLDS}, 0.4),
        ({"chosen": "linear", **FOLDS}, 0.6),  # times what cross-validation gained
        ({"chosen": "decoder alone", "positives": 3}, 0.4),
    ],
)
def test_the_validation_metric_of_a_stack_is_cross_validated(stack, expected):
    run = {"valid": {"mrr": 0.4}, "stack": stack}
    assert validation_metric(run, "mrr") == pytest.approx(expected)


def test_a_beside_scores_is_named():
    data = toy()
    scores = validation_of(data, ["ra", "cosine"])
    ra = Heuristic(data.graph, "ra", data.x)
    assert scores["ra"] == evaluate_edges(data.valid, ra)[data.metric]
    best = max(scores, key=scores.__getitem__)
    figures = {part: {data.metric: scores[best] - 0.01} for part in ("valid", "test")}
    runs = [{**figures, "stack": None}]
    assert f"score {best} is better on validation" in beside_scores(data, runs, list(scores))
    runs[0]["stack"] = {"chosen": "linear", **FOLDS}
    assert f"score {best} is no better on validation" in beside_scores(data, runs, list(scores))
    assert beside_scores(data, runs, []) == ""


def test_a_bipartite_graph_that_is_small_has_scores_along_paths(monkeypatch):
    src, dst = torch.randint(30, (2, 200), generator=torch.Generator().manual_seed(0))
    graph = Graph.from_edge_index(torch.stack([src, dst]), (30, 40))
    data = make_split("bipartite", graph, None)
    assert scores_of(data, {}) == ["ppr", "katz"]
    assert all(0 < value <= 1 for value in validation_of(data, scores_of(data, {})).values())
    assert scores_of(toy(), {"ra": 0.1}) == ["ra"]
    monkeypatch.setattr(baselines, "FEW_PAIRS", 10)
    assert scores_of(data, {}) == []


@pytest.mark.parametrize(
    ("valid", "expected"), [({"mrr": 0.05, "amr": 1.01}, True), ({"amr": 0.3}, False), ({}, False)]
)
def test_a_model_that_knows_next_to_nothing_is_called_so(valid, expected):
    assert at_chance([{"valid": {"amr": 0.1}}, {"valid": valid}]) is expected
    assert not at_chance([])
