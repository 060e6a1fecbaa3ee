"""The base measure of triples: its density, its place in scores, and its weight."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from gneg import datasets
from gneg.nn.base_measure import best_weight
from gneg.nn.kge.base_measure import TripleBaseMeasure
from gneg.samplers.triples import TripleSampler
from gneg.training.config import TripleConfig
from gneg.training.driver import train
from gneg.training.load import load_run
from tests.triple_worlds import random

EXPRESSIONS = (
    "uniform",
    "typed",
    "frequency",
    "walk",
    "khop",
    "mixture(uniform:0.5, typed:0.5)",
    "mixture(uniform:0.5, walk:0.5)",
)


class Zero:
    """A model that scores every triple 0."""

    def __call__(self, head, relation, tail):
        return torch.zeros(head.shape)

    def block(self, entity, relation, index, end):
        return torch.zeros(index.shape)

    def rows(self, entity, relation, end):
        return torch.zeros(len(entity), 20)


@pytest.mark.parametrize("expression", EXPRESSIONS)
@pytest.mark.parametrize("end", ["tail", "head"])
def test_the_density_is_that_of_drawn_negatives(expression, end):
    triples = random(20, 3, 60)
    sampler = TripleSampler(triples, expression, corrupt=end)
    measured = TripleBaseMeasure(Zero(), sampler, smoothing=1e-9)
    pos = triples.triples[:, :1].repeat(1, 20_000)
    drawn = sampler.sample(pos, 1, generator=torch.Generator().manual_seed(0))
    share = np.bincount(drawn.index[:, 0].numpy(), minlength=20) / 20_000
    entity = pos[0 if end == "tail" else 2, :1]
    rows = measured.rows(entity, pos[1, :1], end)[0]
    q = rows.exp().numpy() / 20
    free = np.array([not sampler.known.contains(_replaced(pos[:, 0], end, v)) for v in range(20)])
    assert q[free].sum() == pytest.approx(1.0, abs=1e-4)
    assert np.abs(share - q)[free].max() < 0.02
    block = measured.block(entity, pos[1, :1], torch.arange(20)[None], end)[0]
    assert torch.equal(block, rows)
    opposite = "head" if end == "tail" else "tail"
    assert not measured.rows(entity, pos[1, :1], opposite).any()


def _replaced(triple, end, entity):
    changed = triple.clone()
    changed[2 if end == "tail" else 0] = entity
    return changed[:, None]


def test_triples_get_the_mean_of_both_ends():
    triples = random(20, 3, 60)
    measured = TripleBaseMeasure(Zero(), TripleSampler(triples, "typed"), 0.5)
    h, r, t = triples.triples[:, :7]
    tails = measured.log_measure(h, r, t[:, None], "tail")[:, 0]
    heads = measured.log_measure(t, r, h[:, None], "head")[:, 0]
    torch.testing.assert_close(measured(h, r, t), 0.25 * (tails + heads))


def test_weights_are_compared_on_one_pass_of_the_model():
    triples = random(20, 3, 60)
    measured = TripleBaseMeasure(Zero(), TripleSampler(triples, "walk"), 0.5)
    entity, relation = triples.triples[0, :7], triples.triples[1, :7]
    calls, scores = [], []

    def parts(entity, relation, end):
        calls.append(end)
        return measured.parts(entity, relation, end)

    def evaluate(rows):
        scores.append([rows(entity, relation, end) for end in ("tail", "head")])
        return {"mrr": float(len(scores) == 2)}

    weights = (0.0, 0.5, 2.0)
    assert best_weight(parts, evaluate, "mrr", weights) == (0.5, {"mrr": 1.0})
    assert calls == ["tail", "head"]
    for weight, by_end in zip(weights, scores, strict=True):
        measured.c = weight
        for end, rows in zip(("tail", "head"), by_end, strict=True):
            torch.testing.assert_close(rows, measured.rows(entity, relation, end))


@pytest.mark.slow
def test_the_density_restores_unlearned_types(shared, tmp_path):
    """All negatives have the right type: the model alone cannot know it."""
    data = datasets.load_triples("umls", root=shared)
    common = {"sampler": "typed", "dim": 32, "k": 4, "epochs": 20, "eval_every": 10}
    plain = train(data, TripleConfig(**common))["runs"][0]
    config = TripleConfig(**common, base_measure="sampler")
    run = train(data, config, out=tmp_path)["runs"][0]
    assert plain["base_weight"] is None
    assert run["base_weight"] > 0
    assert run["test"]["mrr"] > plain["test"]["mrr"]
    loaded = load_run(data, tmp_path)
    assert loaded.evaluate("test")["mrr"] == pytest.approx(run["test"]["mrr"], abs=1e-6)
    fixed = train(data, TripleConfig(**common, base_measure="typed", base_weight=0.3))["runs"][0]
    assert fixed["base_weight"] == pytest.approx(0.3)


def test_samplers_without_a_density_are_refused():
    triples = random(20, 3, 60)
    for expression in ("hardest(uniform, m=4)", "walk(per_relation=1)"):
        with pytest.raises(ValueError, match="closed-form density"):
            TripleBaseMeasure(Zero(), TripleSampler(triples, expression))
    with pytest.raises(ValueError, match="'c' must be"):
        TripleBaseMeasure(Zero(), TripleSampler(triples), -1.0)
