"""Models on an accelerator answer, are evaluated and select as those on the CPU."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

import gneg
from gneg import LinkConfig, TripleConfig, train
from gneg.evaluation.link import evaluate
from gneg.nn import model as link_model
from gneg.nn.kge import comparisons
from gneg.training.load import load_run, load_score
from tests.accelerator import KIND
from tests.triple_worlds import sparse_data
from tests.worlds import toy

TINY = {"epochs": 1, "eval_every": 1, "batch_size": 64, "k": 3}
LINKS = LinkConfig(**TINY, hidden=8, dropout=0.0)
TRIPLES = TripleConfig(**TINY, dim=8)


@pytest.fixture(autouse=True)
def _same_arithmetic(accelerator, monkeypatch):
    """Leave out what is faster on the CPU but rounds otherwise."""
    monkeypatch.setattr(comparisons, "can_compare", lambda *_: False)
    monkeypatch.setattr(link_model, "_fast_bfloat16", lambda _: False)


def both(data, config, folder):
    """Train on the CPU and on the accelerator, and return both folders."""
    for device in ("cpu", KIND):
        train(data, replace(config, device=device), out=folder / device)
    assert load_run(data, folder / KIND).device.type == KIND
    return folder / "cpu", folder / KIND


def same(first, second) -> None:
    if isinstance(first, pd.DataFrame):
        pd.testing.assert_frame_equal(first, second)
    elif isinstance(first, torch.Tensor):
        assert torch.allclose(first.cpu(), second.cpu())
    else:
        assert np.allclose(first, second)


@pytest.mark.parametrize(
    "options",
    [
        {},
        pytest.param({"stack": "ra", "base_measure": "walk"}, marks=pytest.mark.slow),
        pytest.param({"fanout": "3,2", "decoder": "mlp"}, marks=pytest.mark.slow),
        pytest.param({"decoder": "bilinear"}, marks=pytest.mark.slow),
    ],
)
def test_links(options, tmp_path):
    data = toy()
    here, there = both(data, replace(LINKS, **options), tmp_path)
    models = [gneg.load(folder) for folder in (here, there)]
    same(*(model.recommend([0, 1, 2], k=5) for model in models))
    same(*(model.score([0, 1], [2, 3]) for model in models))
    same(*(model.predict_proba([0, 1], [2, 3]) for model in models))
    same(*(model.embeddings() for model in models))
    runs = [load_run(data, folder) for folder in (here, there)]
    results = [evaluate(data, run.scorer(), against="all", resamples=0) for run in runs]
    assert results[0]["sets"] == results[1]["sets"]


@pytest.mark.parametrize(
    "options",
    [{}, pytest.param({"model": "complex", "base_measure": "walk"}, marks=pytest.mark.slow)],
)
def test_triples(options, tmp_path):
    data = sparse_data()
    here, there = both(data, replace(TRIPLES, **options), tmp_path)
    models = [gneg.load(folder) for folder in (here, there)]
    same(*(model.predict_target(head=0, relation=1, k=5) for model in models))
    same(*(model.predict_target(relation=1, tail=3, k=5) for model in models))
    same(*(model.score([0], [1], [2]) for model in models))
    same(*(model.embeddings() for model in models))
    runs = [load_run(data, folder) for folder in (here, there)]
    results = [evaluate(data, run.scorer(), resamples=0) for run in runs]
    assert results[0]["sets"] == results[1]["sets"]


@pytest.mark.parametrize("kind", ["links", pytest.param("triples", marks=pytest.mark.slow)])
def test_samplers_and_audits_select_by_a_model_there(kind, tmp_path):
    data, config = (toy(), LINKS) if kind == "links" else (sparse_data(), TRIPLES)
    drawn, hardness = [], []
    for folder in both(data, config, tmp_path):
        score, z = load_score(data, folder)
        sampler = data.sampler("hardest(uniform)", known="train")
        generator = torch.Generator().manual_seed(0)
        pos = data.train[:, :20]
        drawn.append(sampler.sample(pos, 3, score=score, z=z, generator=generator).index)
        audit = gneg.audit(data, "hardest(uniform)", negatives=300, score=score, z=z)
        hardness.append(audit["hardness"])
    assert torch.equal(*drawn)
    assert hardness[0] == hardness[1]


def test_a_model_of_an_accelerator_that_is_gone_is_loaded_on_the_cpu(tmp_path):
    data = toy()
    train(data, replace(LINKS, device=KIND), out=tmp_path)
    record = tmp_path / "results.json"
    record.write_text(record.read_text().replace(f'"{KIND}"', '"hpu"'))
    model = gneg.load(tmp_path)
    assert model.scorer().device.type == "cpu"
    assert len(model.recommend([0], k=3)) == 3
