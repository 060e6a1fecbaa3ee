"""Audits of triples, against brute force and closed forms."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from gneg import audit, datasets
from gneg.datasets import TripleData
from gneg.evaluation.audit.risk import risk
from gneg.evaluation.audit.triples import TripleAdapter
from gneg.experiments.report import figures
from gneg.samplers.triples import TripleSampler
from gneg.training.config import TripleConfig
from gneg.training.driver import train as kg_train
from gneg.training.load import load_run
from tests.cli.invoke import run
from tests.triple_worlds import WORLDS


@pytest.fixture(scope="module")
def data() -> TripleData:
    return datasets.from_triples(WORLDS["sparse"](), shares=(0.15, 0.2), seed=1)


@pytest.mark.parametrize("corrupt", ["both", "head", "tail", "bernoulli"])
@pytest.mark.parametrize("name", ["uniform", "typed", "frequency"])
@pytest.mark.slow
def test_risk_is_counted_and_expected_alike(data, name, corrupt):
    sampler = TripleSampler(data.triples, name, corrupt=corrupt)
    pos = data.train.repeat(1, 200)
    held_out = torch.cat([data.valid, data.test], dim=1)
    drawn = sampler.sample(pos, 5, generator=torch.Generator().manual_seed(3))
    adapter = TripleAdapter(data, sampler)
    counted = risk(adapter, [drawn])
    hidden = set(map(tuple, held_out.t().tolist()))
    triples = torch.stack(drawn.triples())[:, drawn.mask].t().tolist()
    assert counted["hits"] == sum(tuple(triple) in hidden for triple in triples)
    sigma = (counted["high"] - counted["low"]) / 3.92
    assert abs(counted["per_1000"] - 1000 * adapter.expected_share(pos)) < 4 * sigma
    if name == "uniform":
        assert abs(counted["per_1000"] - counted["uniform_per_1000"]) < 4 * sigma


def test_measures_are_those_of_the_drawn_entity(data):
    record = audit(data, "typed", k=4, negatives=4_000)
    measured = record["hardness"]["fits"]
    entities = {"tail": set(), "head": set()}
    for h, r, t in data.train.t().tolist():
        entities["tail"].add((r, t))
        entities["head"].add((r, h))
    sampler = TripleSampler(data.triples, "typed")
    drawn = sampler.sample(data.train, 4, generator=torch.Generator().manual_seed(0))
    fits = [
        (r, v) in entities["head" if side else "tail"]
        for r, row, side in zip(
            data.train[1].tolist(), drawn.index.tolist(), drawn.side, strict=True
        )
        for v in row
    ]
    assert measured["negatives"]["mean"] == pytest.approx(np.mean(fits), abs=0.05)
    assert measured["uniform"]["mean"] < measured["negatives"]["mean"]
    assert sum(record["distances"]["negatives"].values()) == pytest.approx(1, abs=0.1)


def test_known_triples_are_no_risk(data):
    record = audit(data, "uniform", known="all", negatives=5_000)["risk"]
    assert record["hits"] == 0
    assert record["uniform_per_1000"] == 0
    assert record["expected_share"] == 0


def test_a_density_of_the_replaced_end_has_no_expected_share(shared):
    data = datasets.load_triples("codex-s", root=shared)
    record = audit(data, "typed(by=types)", negatives=5_000)
    assert record["risk"]["expected_share"] is None
    assert record["hardness"]["kind"]["positives"]["mean"] == 1.0
    assert (
        record["hardness"]["kind"]["negatives"]["mean"]
        > record["hardness"]["kind"]["uniform"]["mean"]
    )


def test_the_command_takes_a_knowledge_graph_and_a_model(shared, tmp_path):
    data = datasets.load_triples("umls", root=shared)
    kg_train(data, TripleConfig(epochs=2, dim=8), out=tmp_path / "run")
    out = tmp_path / "audit.json"
    words = ["audit", "umls", "--root", str(shared), "--sampler", "hardest(uniform, m=64)"]
    words += ["--negatives", "5000", "--out", str(out), "--model", str(tmp_path / "run")]
    result = run(*words)
    assert result.exit_code == 0, result.output
    words = " ".join(result.output.split())
    assert "occurs with the" in words
    for text in ("held-out triples per 1,000", "% of the entities", "known triples"):
        assert text in words
    assert "held-out edges" not in words
    pictures = figures.audit(json.loads(out.read_text()))
    assert pictures["hardness"].data[0].name == "held-out triples"
    assert pictures["distances"].data[0].name == "held-out triples"
    record = json.loads(out.read_text())
    assert record["violating"] > 0
    assert (
        record["hardness"]["score"]["negatives"]["mean"]
        > record["hardness"]["score"]["uniform"]["mean"]
    )
    with pytest.raises(ValueError, match=r"'data' must be what the model was trained on \(umls"):
        load_run(datasets.load_triples("nations", root=shared), tmp_path / "run")
    with pytest.raises(ValueError, match="'score' must be a trained model"):
        audit(data, "hardest(uniform, m=8)")
    with pytest.raises(ValueError, match="'data' must be a LinkData, a TripleData"):
        audit(data.train, "uniform")
