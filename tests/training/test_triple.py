"""Training of knowledge-graph models: it learns, resumes, and writes its record."""

from __future__ import annotations

import copy
import json
from dataclasses import replace

import pytest
import torch

from gneg import datasets
from gneg.training.config import TripleConfig
from gneg.training.driver import TrainingInterrupted, run_folder, train
from gneg.training.load import load_run
from gneg.training.row_adam import RowAdam
from gneg.training.triple import TripleRun
from tests.triple_worlds import sparse_data


def on(name: str, options: dict, least: float):
    """Return a case; those of more than a second or two are slow."""
    quick = name == "nations" and "encoder" not in options
    marks = [] if quick else [pytest.mark.slow]
    return pytest.param(name, options, least, marks=marks)


@pytest.mark.parametrize(
    ("name", "options", "least"),
    [
        on("umls", {"model": "transe"}, 0.55),
        on("umls", {"model": "complex", "loss": "softmax", "k": 32, "n3": 0.1}, 0.65),
        on("kinship", {"model": "rotate"}, 0.5),
        on("kinship", {"model": "distmult", "loss": "1vsall"}, 0.45),
        on("nations", {"model": "complex", "loss": "bce", "n3": 1e-3}, 0.45),
        on("nations", {"model": "distmult", "loss": "1vsall"}, 0.45),
        on("nations", {"model": "transe"}, 0.4),
        on("umls", {"model": "complex", "inverse": True, "loss": "softmax", "k": 32}, 0.65),
        on("umls", {"model": "distmult", "encoder": "compgcn", "batch_size": 2048}, 0.4),
        on(
            "nations",
            {
                "model": "distmult",
                "encoder": "rgcn",
                "inverse": True,
                "batch_size": 1024,
                "epochs": 30,
            },
            0.4,
        ),
    ],
)
@pytest.mark.slow
def test_models_learn_real_graphs(name, options, least, shared):
    data = datasets.load_triples(name, root=shared)
    settings = {"dim": 50, "lr": 0.02, "epochs": 60, "eval_every": 20, "batch_size": 512}
    result = train(data, TripleConfig(**{**settings, **options}))
    assert result["summary"]["test"]["mrr"]["mean"] > least


@pytest.mark.parametrize("sampler", ["hardest(uniform, m=8)", "cached(uniform, size=8, m=8)"])
def test_an_interrupted_run_resumes_to_the_same_end(tmp_path, sampler):
    data = sparse_data()
    config = TripleConfig(
        dim=8, sampler=sampler, k=2, epochs=6, eval_every=2, batch_size=32, patience=9
    )
    whole = train(data, config)

    def stop(seed, state):
        if state["epoch"] == 4:
            raise KeyboardInterrupt

    with pytest.raises(TrainingInterrupted) as stopped:
        train(data, config, out=tmp_path, report=stop)
    first = stopped.value.results
    assert not first["runs"][0]["complete"]
    second = train(data, config, out=tmp_path)
    assert second["runs"][0]["complete"]
    assert second["summary"]["test"]["mrr"] == whole["summary"]["test"]["mrr"]
    assert json.loads((tmp_path / "results.json").read_text())["config"]["sampler"] == sampler
    assert (tmp_path / "model-0.pt").exists()
    with pytest.raises(ValueError, match="'out' must be a new folder"):
        train(data, TripleConfig(dim=9), out=tmp_path)


@pytest.mark.parametrize(
    "loss",
    ["1vsall", *(pytest.param(name, marks=pytest.mark.slow) for name in ("1vsrest", "kvsall"))],
)
def test_an_interrupted_run_with_a_falling_learning_rate_resumes_to_the_same_end(tmp_path, loss):
    data = sparse_data()
    config = TripleConfig(
        model="complex",
        dim=8,
        loss=loss,
        optimizer="adagrad",
        lr=1.0,
        lr_decay=0.5,
        n3=0.1,
        inverse=True,
        epochs=8,
        batch_size=32,
        eval_every=1,
        patience=9,
    )
    whole = train(data, config)

    def stop(seed, state):
        if state["epoch"] == 5:
            raise KeyboardInterrupt

    with pytest.raises(TrainingInterrupted):
        train(data, config, out=tmp_path, report=stop)
    second = train(data, config, out=tmp_path)
    curves = [[row["loss"] for row in result["runs"][0]["curve"]] for result in (whole, second)]
    assert curves[0] == curves[1]
    assert second["runs"][0]["loss"] == loss


def test_the_learning_rate_falls_after_evaluations_that_are_no_better():
    run = TripleRun(sparse_data(), TripleConfig(dim=4, lr=1.0, lr_decay=0.5), 0)
    for value, rate in ((0.2, 1.0), (0.1, 0.5), (None, 0.5), (0.3, 0.5), (0.3, 0.25)):
        run.record_epoch(0.0, None if value is None else {"mrr": value})
        assert run.optimizer.param_groups[0]["lr"] == rate


def test_sparse_gradients_learn_as_dense_ones_do():
    data = sparse_data()
    runs = [
        train(data, TripleConfig(dim=8, epochs=20, sparse=sparse, batch_size=32))
        for sparse in (False, True)
    ]
    losses = [run["runs"][0]["curve"][-1]["loss"] for run in runs]
    assert losses[1] == pytest.approx(losses[0], rel=0.3)


def test_sparse_gradients_of_repeated_rows_are_those_of_sparse_adam(monkeypatch):
    data, config = sparse_data(), TripleConfig(dim=8, epochs=3, sparse=True, p=2, l2=0.1)
    row = train(data, config)
    monkeypatch.setattr("gneg.training.triple.RowAdam", torch.optim.SparseAdam)
    sparse = train(data, config)
    ends = [run["runs"][0]["curve"][-1]["loss"] for run in (row, sparse)]
    assert ends[0] == pytest.approx(ends[1], rel=1e-4)


def test_the_state_of_sparse_adam_goes_on():
    tables = [torch.nn.Parameter(torch.ones(4, 2)) for _ in range(2)]
    optimizers = [torch.optim.SparseAdam(tables[:1], lr=0.1), RowAdam(tables[1:], lr=0.1)]

    def step(table, optimizer):
        torch.nn.functional.embedding(torch.tensor([1, 1, 3]), table, sparse=True).sum().backward()
        optimizer.step()
        optimizer.zero_grad()

    step(tables[0], optimizers[0])
    tables[1].data.copy_(tables[0].data)
    optimizers[1].load_state_dict(copy.deepcopy(optimizers[0].state_dict()))
    for table, optimizer in zip(tables, optimizers, strict=True):
        step(table, optimizer)
    torch.testing.assert_close(tables[1], tables[0])


@pytest.mark.parametrize("part", ["valid", "test"])
def test_other_held_out_triples_are_another_run(tmp_path, part):
    data, config = sparse_data(), TripleConfig(dim=4, epochs=1, eval_every=1)
    train(data, config, out=tmp_path)
    changed = data.positives(part).clone()
    changed[2, 0] = (changed[2, 0] + 1) % data.num_entities
    other = replace(data, **{part: changed})
    assert run_folder(data, config) != run_folder(other, config)
    with pytest.raises(ValueError, match="one with a run of the same dataset"):
        train(other, config, out=tmp_path)
    with pytest.raises(ValueError, match="what the model was trained on"):
        load_run(other, tmp_path)
