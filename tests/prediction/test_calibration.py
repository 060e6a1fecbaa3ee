"""Probabilities: what they mean, where they are stored, what is refused."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

import gneg
from gneg import datasets
from gneg.prediction import calibrate
from gneg.prediction.calibrate import Calibration, Sample
from gneg.prediction.link_sample import score_sample
from gneg.prediction.ranking import Ranker
from tests.prediction.models import every_link, link_model, named_data
from tests.worlds import random_graph


def sample(size: int, seed: int) -> Sample:
    """Scores whose probability is 1 / (1 + exp(4 - 2 score)); one pair in 20 stands for all."""
    generator = np.random.default_rng(seed)
    scores = generator.normal(size=20 * size)
    links = generator.random(len(scores)) < 1 / (1 + np.exp(4 - 2 * scores))
    others = scores[~links][::20]
    return Sample(scores[links], others, np.full(len(others), 20.0), 1.0)


@pytest.mark.parametrize(("size", "kind"), [(500, "platt"), (20_000, "isotonic")])
def test_probabilities_are_recovered(size, kind):
    """By a logistic curve, which these follow, and on many links by steps that follow any."""
    drawn = sample(size, 0)
    if kind == "isotonic":
        drawn = replace(drawn, links=drawn.links**3, others=drawn.others**3)
    fitted = calibrate.fit(drawn, sample(size, 1), "model")
    assert fitted.kind == kind
    scores = np.linspace(-0.5, 1.5, 9)
    expected = 1 / (1 + np.exp(4 - 2 * (scores if kind == "platt" else np.cbrt(scores))))
    np.testing.assert_allclose(fitted.probability(scores), expected, rtol=0.25)
    assert (np.diff(fitted.probability(np.linspace(-9, 9, 99))) >= 0).all()
    assert fitted.probability(np.array([np.nan]))[0] != fitted.probability(np.array([0.0]))[0]
    for part in fitted.reliability if kind == "platt" else ():
        assert part["probability"] == pytest.approx(part["observed"], rel=0.6)


@pytest.mark.slow
def test_a_sample_stands_for_all_pairs(tmp_path):
    """Its weights add up to the number of pairs outside training, its scores to their mean."""
    model = link_model(tmp_path, named_data("undirected", n=120, edges=300))
    data = model.data
    ranker = Ranker(data, model.scorer(), "target")
    drawn = score_sample(data, ranker, "valid")
    n = data.num_nodes
    links = every_link(data)
    assert drawn.weights.sum() == pytest.approx(n * (n - 1) - len(links))
    held_out = data.valid.pos.size(1) + data.test.pos.size(1)
    assert drawn.worth * len(drawn.links) == pytest.approx(2 * held_out)
    source, target = (
        ids.flatten() for ids in torch.meshgrid(*[torch.arange(n)] * 2, indexing="ij")
    )
    free = torch.tensor(
        [
            u != v and (u, v) not in links
            for u, v in zip(source.tolist(), target.tolist(), strict=True)
        ]
    )
    mean = model.score(source[free], target[free]).double().mean()
    estimate = (drawn.others * drawn.weights).sum() / drawn.weights.sum()
    assert estimate == pytest.approx(float(mean), abs=0.05 * float(drawn.others.std()))


def test_a_calibration_is_fitted_once_and_bound_to_the_weights(tmp_path):
    data = named_data("directed")
    first = link_model(tmp_path / "run", data).calibration
    path = tmp_path / "run" / calibrate.NAME
    written = path.read_bytes()
    assert gneg.load(tmp_path / "run").calibration == first
    assert path.read_bytes() == written
    gneg.train(data, gneg.LinkConfig(hidden=8, epochs=1, k=2), out=tmp_path / "other")
    other = tmp_path / "other" / calibrate.NAME
    other.write_bytes(written)
    assert gneg.load(tmp_path / "other").calibration.model != first.model


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "magic"},
        {"probabilities": [2.0]},
        {"scores": [1.0, 0.0], "kind": "isotonic", "probabilities": [0.1, 0.2]},
        {"scores": "none"},
        {"kind": "platt", "scores": [1.0]},
        {"kind": "platt", "scores": [1.0, -2.0]},
        {"probabilities": [0.2, 0.1]},
        {"base_rate": 0.0},
        {"links": 0},
    ],
)
def test_a_changed_calibration_is_refused(tmp_path, change):
    calibration = Calibration("isotonic", (0.0, 1.0), (0.1, 0.2), 0.01, 5, 100.0, "model")
    calibration.save(tmp_path)
    assert calibrate.load(tmp_path, "model") == calibration
    assert calibrate.load(tmp_path, "another") is None
    record = json.loads((tmp_path / calibrate.NAME).read_text())
    (tmp_path / calibrate.NAME).write_text(json.dumps({**record, "more": 1}))
    assert calibrate.load(tmp_path, "model") == calibration
    (tmp_path / calibrate.NAME).write_text(json.dumps({**record, **change}))
    with pytest.raises(ValueError, match=r"calibration.json.*delete it"):
        calibrate.load(tmp_path, "model")


def test_without_validation_there_are_no_probabilities(tmp_path):
    graph = random_graph(40, 160)
    data = datasets.make_split("toy", graph, None)
    model = link_model(tmp_path, data)
    model.data.__dict__["valid"] = model.data.valid.take(torch.empty(0, dtype=torch.long))
    with pytest.raises(ValueError, match="'data' must be with validation positives"):
        model.recommend(0)
