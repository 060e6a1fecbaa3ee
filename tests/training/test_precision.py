"""Training in bfloat16: the same model but for rounding, for every kind of link predictor."""

from __future__ import annotations

import pytest
import torch

from gneg import TripleConfig, datasets
from gneg.training.driver import train
from gneg.training.link import LinkRun
from gneg.training.resources import Resources
from gneg.training.triple import TripleRun
from tests.training.runs import small


@pytest.fixture(scope="module")
def digits():
    return datasets.load("digits")


@pytest.fixture(scope="module")
def triples(shared):
    return datasets.load_triples("codex-s", root=shared)


KINDS = [
    {"encoder": "gcn", "decoder": "cosine"},
    {"encoder": "sage", "decoder": "mlp", "sampler": "hardest(uniform, m=6)"},
    {"encoder": "gcn", "decoder": "hybrid", "pair_features": "ra,degree", "norm": "batch"},
    {"encoder": "gcn", "decoder": "ncn", "jk": "cat"},
    {"encoder": "sage", "decoder": "bilinear", "fanout": "5,3"},
    {"encoder": "gcn", "decoder": "mlp", "fanout": "5,3", "sampler": "mixup(uniform)"},
    {"encoder": "lightgcn", "decoder": "dot", "base_measure": "degree", "base_form": "nce"},
]


def _gradient(run):
    grads = [p.grad.to_dense() for p in run.model.parameters() if p.grad is not None]
    return torch.cat([grad.reshape(-1) for grad in grads])


@pytest.mark.parametrize("options", KINDS, ids=lambda options: "-".join(options.values()))
def test_a_step_has_the_loss_and_gradient_of_single_precision_but_for_rounding(digits, options):
    losses, gradients = [], []
    for precision in ("float32", "bf16"):
        config = small(**options, precision=precision, dropout=0.0)
        run = LinkRun(digits, config, 0, Resources(0))
        run.model.train()
        batch = next(iter(run.batches(torch.arange(1000))))
        with run.autocast():
            embeddings = run.embed_batch(batch)
        negatives = batch.negatives
        if negatives is None:
            score = run.batch_scorer(embeddings) if run.sampler.needs else None
            negatives = run.draw(batch.pos, score, None)
        loss = run.batch_loss(batch, negatives, embeddings)
        loss.backward()
        assert loss.dtype == torch.float32
        losses.append(float(loss.detach()))
        gradients.append(_gradient(run))
    assert losses[1] == pytest.approx(losses[0], rel=0.02)
    assert torch.cosine_similarity(*gradients, dim=0) > 0.99


TRIPLES = [
    {"model": "tucker", "loss": "kvsall"},
    {"model": "transe", "loss": "1vsall"},
    {"model": "tucker", "sampler": "typed", "k": 4},
    {"model": "distmult", "encoder": "rgcn", "sampler": "uniform", "k": 4},
    pytest.param({"model": "complex", "loss": "1vsall", "inverse": True}, marks=pytest.mark.slow),
    pytest.param({"model": "distmult", "loss": "1vsrest"}, marks=pytest.mark.slow),
]


@pytest.mark.parametrize("options", TRIPLES, ids=lambda case: "-".join(map(str, case.values())))
def test_a_step_of_triples_too(triples, options):
    losses, gradients = [], []
    for precision in ("float32", "bf16"):
        config = TripleConfig(**options, dim=16, batch_size=256, precision=precision)
        run = TripleRun(triples, config, 0)
        batch = next(iter(run.batches(torch.arange(1000))))
        with run.autocast():
            embeddings = run.embed_batch(batch)
        negatives = run.draw(batch.pos, None, None) if run.loss is not None else None
        loss = run.batch_loss(batch, negatives, embeddings)
        loss.backward()
        assert loss.dtype == torch.float32
        losses.append(float(loss.detach()))
        gradients.append(_gradient(run))
    assert losses[1] == pytest.approx(losses[0], rel=0.02)
    assert torch.cosine_similarity(*gradients, dim=0) > 0.99


@pytest.mark.slow
def test_metrics_are_those_of_single_precision_within_noise(digits):
    """Within three standard deviations of the difference between seeds in single precision."""
    seeds = range(4)
    results = {
        precision: train(digits, small(encoder="gcn", epochs=10, precision=precision), seeds=seeds)[
            "summary"
        ]["test"]["auc"]
        for precision in ("float32", "bf16")
    }
    noise = max(results["float32"]["std"], 1e-3)
    assert abs(results["bf16"]["mean"] - results["float32"]["mean"]) < 3 * noise
