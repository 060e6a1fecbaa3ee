"""Evaluation of any scorer against easy and hard sets."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import average_precision_score

from gneg import HardSet, datasets, evaluate, hardset
from gneg.datasets import EvalEdges
from gneg.evaluation import metrics, scorers
from gneg.evaluation.link import per_positive
from gneg.evaluation.ranking import evaluate_edges
from gneg.graph.heuristics import Heuristic
from gneg.nn.base_measure import log_density_score
from gneg.training import load
from gneg.training.config import LinkConfig
from gneg.training.driver import train
from tests.worlds import toy


def by_ids(src, dst):
    return (src * 31 + dst * 17).double() % 23


@pytest.mark.parametrize("shared", [True, False])
def test_average_precision_is_scikit_learns_ties_included(shared):
    generator = torch.Generator().manual_seed(0)
    pos = torch.randint(9, (40,), generator=generator).double()
    neg = torch.randint(8, (70,) if shared else (40, 5), generator=generator).double()
    label = [1] * len(pos) + [0] * neg.numel()
    expected = average_precision_score(label, torch.cat([pos, neg.flatten()]))
    assert float(metrics.precisions(pos, neg).mean()) == pytest.approx(expected)


@pytest.mark.parametrize("shape", [(200,), (30, 120)])
def test_values_of_positives_average_to_the_metrics(shape):
    generator = torch.Generator().manual_seed(1)
    pos = torch.randint(50, (30,), generator=generator).double()
    neg = torch.randint(45, shape, generator=generator).double()
    values = per_positive(pos, neg)
    for name, expected in metrics.summary(pos, neg).items():
        assert values[name].mean() == pytest.approx(expected)


def test_missing_negatives_do_not_count():
    pos = torch.tensor([0.5, 0.5])
    neg = torch.tensor([[0.9, 0.1, 0.2], [0.9, 0.8, 0.0]])
    mask = torch.tensor([[True, True, True], [True, False, False]])
    values = per_positive(pos, neg, mask)
    assert values["mrr"].tolist() == [0.5, 0.5]
    assert values["auc"].tolist() == pytest.approx([2 / 3, 0.0])
    assert values["ap"].tolist() == [0.5, 0.5]  # two positives and two higher negatives
    assert metrics.summary(pos, neg, mask)["auc"] == pytest.approx(1 / 3)


def test_easy_and_hard_metrics_stand_side_by_side_with_intervals():
    data = toy(n=120, edges=600)
    hard = hardset(data, k=20)
    score = Heuristic(data.graph, "ra")
    results = evaluate(data, score, sets={"hard": hard}, resamples=400)
    assert list(results["sets"]) == ["uniform", "hard"]
    for name, edges in (("uniform", data.test), ("hard", hard.edges())):
        metrics_by_name = results["sets"][name]["metrics"]
        for metric, value in evaluate_edges(edges, score).items():
            assert metrics_by_name[metric]["value"] == pytest.approx(value)
        for value in metrics_by_name.values():
            assert value["low"] <= value["value"] <= value["high"]
    assert (
        results["sets"]["hard"]["metrics"]["mrr"]["value"]
        < results["sets"]["uniform"]["metrics"]["mrr"]["value"]
    )
    assert results == evaluate(data, score, sets={"hard": hard}, resamples=400)


def test_the_interval_is_that_of_a_mean():
    """Against the normal interval of the mean, which it must be near for many positives."""
    data = toy(n=300, edges=6000)
    auc = evaluate(data, by_ids, resamples=2000)["sets"]["uniform"]["metrics"]["auc"]
    values = per_positive(by_ids(*data.test.pos), by_ids(*data.test.neg))["auc"]
    half_width = 1.96 * values.std() / np.sqrt(len(values))
    assert auc["low"] == pytest.approx(auc["value"] - half_width, abs=half_width / 5)
    assert auc["high"] == pytest.approx(auc["value"] + half_width, abs=half_width / 5)


def test_buckets_hold_every_positive_once():
    data = toy(n=120, edges=600)
    by = evaluate(data, by_ids, resamples=0)["sets"]["uniform"]["by"]
    assert set(by) == {"degree", "distance", "common neighbours"}
    values = per_positive(by_ids(*data.test.pos), by_ids(*data.test.neg))["mrr"]
    for rows in by.values():
        assert sum(row["positives"] for row in rows) == data.test.pos.size(1)
        mean = sum(row["mrr"] * row["positives"] for row in rows) / data.test.pos.size(1)
        assert mean == pytest.approx(values.mean())
    degree = data.graph.degree()
    least = torch.minimum(*degree[data.test.pos])
    for row in by["degree"]:
        inside = (least >= row["from"]) & (least <= (row["to"] if row["to"] is not None else 10**9))
        assert int(inside.sum()) == row["positives"]


def test_one_shared_set_is_ranked_by_ogbs_rule():
    data = toy(n=120, edges=600)
    shared = EvalEdges(data.test.pos, (data.test.neg[0][:, 0], data.test.neg[1][:, 0]))
    result = evaluate(data, by_ids, sets={"shared": shared}, resamples=0)["sets"]["shared"]
    assert result["shared"]
    assert result["metrics"]["hits@10"]["value"] == evaluate_edges(shared, by_ids)["hits@10"]


def test_a_set_of_other_positives_is_refused():
    data = toy()
    other = hardset(toy(seed=1), k=4)
    with pytest.raises(ValueError, match="made for the test positives of toy"):
        evaluate(data, by_ids, sets={"hard": other})
    with pytest.raises(ValueError, match="'score' must be of the sets uniform"):
        evaluate(data, {"hard": (torch.ones(3), torch.ones(3, 2))})
    with pytest.raises(ValueError, match="'known' must be None for a dataset of edges"):
        evaluate(data, by_ids, known="all")
    with pytest.raises(ValueError, match="'data' must be a LinkData, a TripleData"):
        evaluate(data.train, by_ids)


def test_a_trained_model_is_loaded_by_name(tmp_path):
    data = toy(n=120, edges=600)
    config = LinkConfig(epochs=2, eval_every=1, hidden=8, k=2)
    results = train(data, config, seeds=(0, 1), out=tmp_path)
    files = load.weights_of(tmp_path)
    assert [file.name for file in files] == ["model-0.pt", "model-1.pt"]
    for run, file in zip(results["runs"], files, strict=True):
        found = evaluate(data, load.load_run(data, file).scorer(), resamples=0)
        metrics_by_name = found["sets"]["uniform"]["metrics"]
        assert {name: metrics_by_name[name]["value"] for name in run["test"]} == pytest.approx(
            run["test"]
        )
    with pytest.raises(ValueError, match="'data' must be what the model was trained on"):
        load.load_run(toy(n=120, edges=601), files[0]).scorer()


def test_a_base_measure_alone_scores_as_its_heuristic_does():
    data = datasets.load("digits")
    walk, uniform = (
        evaluate_edges(data.test, log_density_score(data.sampler(text, corrupt="both")))
        for text in ("walk", "uniform")
    )
    heuristic = evaluate_edges(data.test, scorers.heuristic(data, "ra"))
    assert walk["mrr"] == pytest.approx(heuristic["mrr"], abs=0.1)
    assert uniform["auc"] == pytest.approx(0.5, abs=0.2)


def test_files_and_functions_of_scores(tmp_path):
    data = toy()
    hard = hardset(data, k=10)
    edges = hard.edges()
    pos, neg = by_ids(*edges.pos), by_ids(*edges.neg)
    np.save(tmp_path / "scores.npy", torch.cat([pos[:, None], neg], dim=1).numpy())
    np.savez(tmp_path / "scores.npz", pos=pos.numpy(), neg=neg.numpy())
    expected = evaluate(data, by_ids, sets={"hard": hard}, resamples=0)["sets"]["hard"]["metrics"]
    for name in ("scores.npy", "scores.npz"):
        scored = {"hard": scorers.from_file(tmp_path / name)}
        results = evaluate(data, scored, sets={"hard": hard}, resamples=0)
        assert list(results["sets"]) == ["hard"]
        assert results["sets"]["hard"]["metrics"] == expected
    (tmp_path / "own.py").write_text(
        "def score(src, dst):\n    return (src * 31 + dst * 17).double() % 23\n"
    )
    function = scorers.from_function(f"{tmp_path / 'own.py'}:score")
    assert (
        evaluate(data, function, sets={"hard": hard}, resamples=0)["sets"]["hard"]["metrics"]
        == expected
    )


def test_unknown_scorers_are_refused(tmp_path):
    np.save(tmp_path / "flat.npy", np.ones(3))
    np.savez(tmp_path / "other.npz", a=np.ones(3))
    (tmp_path / "own.py").write_text("x = 1\n")
    for call, message in (
        (lambda: scorers.from_file(tmp_path / "no.npy"), "an existing file"),
        (lambda: scorers.from_file(tmp_path / "flat.npy"), r"scores \[E, 1 \+ K\]"),
        (lambda: scorers.from_file(tmp_path / "other.npz"), "'pos' and 'neg'"),
        (lambda: scorers.from_function(f"{tmp_path}/own.py:y"), "a function of"),
        (lambda: scorers.from_function(f"{tmp_path}/no.py:y"), "an existing Python file"),
        (lambda: load.load_record(tmp_path), "results.json"),
        (lambda: load.weights_of(tmp_path), "model-SEED.pt"),
        (lambda: scorers.heuristic(toy(), "deepwalk"), "'model' must be one of"),
        (lambda: HardSet.load(tmp_path / "no.npz"), "'hardset' must be an existing file"),
        (lambda: HardSet.load(tmp_path / "other.npz"), "a whole file of gneg hardset"),
        (lambda: HardSet.load(tmp_path / "flat.npy"), "'pos' must be the positives of an .npy"),
    ):
        with pytest.raises(ValueError, match=message):
            call()


def test_scores_of_another_shape_are_refused():
    data = toy()
    for score, message in [
        (lambda src, dst: torch.zeros(3), r"'score' must be of shape \[\d+\]"),
        ("ra", r"'score' must be a function of \(src, dst\)"),
        ({"uniform": (torch.zeros(3), torch.zeros(3, 4))}, r"'score\['uniform'\]\[0\]' must be"),
    ]:
        with pytest.raises(ValueError, match=message):
            evaluate(data, score)
