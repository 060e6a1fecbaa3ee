"""A finished run is recognised by the content of its data, and an interrupted one resumes."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch

from gneg import LinkConfig, TripleConfig, train
from gneg.training import driver
from gneg.training.driver import TrainingInterrupted, run_folder
from gneg.training.link import LinkRun
from gneg.training.load import load_run
from tests.training.runs import same_name_and_size, small, stable
from tests.triple_worlds import sparse_data
from tests.worlds import toy

TINY = LinkConfig(hidden=8, epochs=1, eval_every=1, k=1)


@pytest.fixture(scope="module")
def graph():
    """A graph of which an epoch has several batches, see :func:`small`."""
    return toy(n=200, edges=3000)


def test_another_graph_of_the_same_name_is_another_run(tmp_path):
    data = toy()
    renumbered = same_name_and_size(data)
    train(data, TINY, out=tmp_path)
    assert run_folder(data, TINY) != run_folder(renumbered, TINY)
    with pytest.raises(
        ValueError, match="'out' must be a new folder, or one with a run of the same dataset"
    ):
        train(renumbered, TINY, out=tmp_path)
    sizes = " / ".join(f"{data.positives(part).size(1):,}" for part in ("train", "valid", "test"))
    description = f"{data.name}, {sizes} edges, hash {data.fingerprint()}"
    with pytest.raises(ValueError, match=rf"what the model was trained on \({description}\)"):
        load_run(renumbered, tmp_path)
    assert load_run(data, tmp_path).evaluate("test")["mrr"] >= 0
    record = json.loads((tmp_path / "results.json").read_text())
    assert record["dataset"]["hash"] == data.fingerprint()


@pytest.mark.parametrize("left", [None, 0, 100])
def test_a_finished_run_without_its_whole_weights_is_trained_again(left, tmp_path):
    first = train(toy(), TINY, out=tmp_path)
    weights = tmp_path / "model-0.pt"
    written = torch.load(weights, weights_only=True)
    if left is None:
        weights.unlink()
    else:
        weights.write_bytes(weights.read_bytes()[:left])
    assert stable(train(toy(), TINY, out=tmp_path)) == stable(first)
    again = torch.load(weights, weights_only=True)
    assert str(again) == str(written)


def test_other_features_are_another_run(tmp_path):
    data = toy()
    flipped = replace(data, x=data.x.flip(0))
    train(data, TINY, out=tmp_path)
    assert run_folder(data, TINY) != run_folder(flipped, TINY)
    with pytest.raises(ValueError, match=r"same dataset \(got .*: features_hash \w+ \(here"):
        train(flipped, TINY, out=tmp_path)
    with pytest.raises(ValueError, match="'data' must be with the features of the training"):
        load_run(flipped, tmp_path)


@pytest.mark.parametrize("name", ["neg", "mask", "weight", "time", "history"])
def test_other_details_are_another_run(name):
    data = toy()
    pairs = {"neg": (data.test.neg[0], data.test.neg[1].flip(0))}
    pairs["mask"] = torch.ones_like(data.test.neg[0], dtype=torch.bool)
    if name in pairs:
        changed = replace(data, test=replace(data.test, **{name: pairs[name]}))
    else:
        values = {"weight": data.train.size(1), "time": data.num_nodes, "history": (2, 1)}
        changed = replace(data, **{name: torch.ones(values[name])})
    assert run_folder(data, TINY) != run_folder(changed, TINY)


def test_other_types_are_another_run():
    data = sparse_data()
    config = TripleConfig(dim=4)
    typed = replace(data, types=[[0]] * data.num_entities)
    assert run_folder(data, config) != run_folder(typed, config)


def test_other_held_out_triples_are_another_run(tmp_path):
    data = sparse_data()
    changed = replace(data, valid=data.test[:, : data.valid.size(1)])
    config = TripleConfig(dim=4, epochs=1, eval_every=1)
    train(data, config, out=tmp_path)
    assert data.fingerprint() != changed.fingerprint()
    with pytest.raises(ValueError, match="a run of the same dataset"):
        train(changed, config, out=tmp_path)


def test_a_script_over_configs_can_be_stopped(tmp_path):
    """Ctrl-C in one run ends the loop around it; the results of that run are written."""
    data, started = toy(), []

    def stop(seed, progress):
        if progress["epoch"] == 2:
            raise KeyboardInterrupt

    def script():
        for lr in (0.01, 0.02):
            started.append(lr)
            config = replace(TINY, epochs=5, lr=lr)
            train(data, config, out=tmp_path / str(lr), report=stop)

    with pytest.raises(KeyboardInterrupt):
        script()
    assert started == [0.01]
    record = json.loads((tmp_path / "0.01" / "results.json").read_text())
    assert [(run["epochs"], run["complete"]) for run in record["runs"]] == [(2, False)]
    assert (tmp_path / "0.01" / "model-0.pt").exists()


def test_an_interrupted_run_resumes_to_the_same_end(graph, tmp_path):
    whole = train(graph, small())

    def stop(seed, state):
        if state["epoch"] == 4:
            raise KeyboardInterrupt

    with pytest.raises(TrainingInterrupted) as stopped:
        train(graph, small(), out=tmp_path, report=stop)
    part = stopped.value.results
    assert part["runs"][0]["complete"] is False
    assert part["runs"][0]["epochs"] == 4
    assert json.loads((tmp_path / "results.json").read_text()) == part
    assert (tmp_path / "model-0.pt").exists()
    resumed = train(graph, small(), out=tmp_path)
    assert stable(resumed) == stable(whole)
    assert not (tmp_path / "checkpoint-0.pt").exists()
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize(
    "sampler",
    [
        "mixture(adversarial(uniform, m=8), cached(walk, size=4, m=4))",
        pytest.param("selfpaced(hardest(uniform, m=8))", marks=pytest.mark.slow),
        "curriculum(mixture(uniform, memorybank), end=0.5, epochs=4)",
        pytest.param("similar(refresh_every=1, refresh_share=0.5)", marks=pytest.mark.slow),
    ],
)
def test_adaptive_samplers_resume_from_their_state(graph, tmp_path, sampler):
    config = small(sampler=sampler, epochs=4, eval_every=2, inputs="embedding")
    whole = train(graph, config)

    def stop(seed, state):
        if state["epoch"] == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(graph, config, out=tmp_path, report=stop)
    resumed = train(graph, config, out=tmp_path)
    assert stable(resumed) == stable(whole)
    # The report of the sampler is in the record, and is the same when read from JSON.
    written = json.loads((tmp_path / "results.json").read_text())["runs"][0]["sampler_report"]
    assert written == resumed["runs"][0]["sampler_report"]


def test_finished_seeds_do_not_run_again(graph, tmp_path):
    first = train(graph, small(), out=tmp_path)

    def never(seed, state):
        assert seed == 1, "seed 0 was finished"

    results = train(graph, small(), seeds=(0, 1), out=tmp_path, report=never)
    assert results["runs"][0] == first["runs"][0]
    assert results["summary"]["test"]["mrr"]["std"] is not None
    train(graph, small(), seeds=(0,), out=tmp_path, report=never)
    assert len(json.loads((tmp_path / "results.json").read_text())["runs"]) == 2
    with pytest.raises(
        ValueError, match="'out' must be a new folder, or one with a run of the same"
    ):
        train(graph, small(lr=0.1), out=tmp_path)


def test_an_interrupted_seed_does_not_drop_finished_ones(graph, tmp_path):
    train(graph, small(), seeds=(1,), out=tmp_path)

    def stop(seed, state):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(graph, small(), seeds=(0, 1), out=tmp_path, report=stop)
    record = json.loads((tmp_path / "results.json").read_text())
    assert [(run["seed"], run["complete"]) for run in record["runs"]] == [(0, False), (1, True)]
    assert record["summary"]["test"]["mrr"]["mean"] == record["runs"][1]["test"]["mrr"]


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"config": {}}'])
def test_a_damaged_record_is_named(tmp_path, content):
    (tmp_path / "results.json").write_text(content)
    with pytest.raises(ValueError, match=r"'out' must be a whole results.json of gneg \(got /"):
        train(toy(), TINY, out=tmp_path)


def test_fresh_leaves_nothing_of_earlier_seeds(tmp_path):
    train(toy(), TINY, seeds=3, out=tmp_path)
    train(toy(), replace(TINY, lr=0.1), out=tmp_path, fresh=True)
    assert sorted(path.name for path in tmp_path.glob("*.pt")) == ["model-0.pt"]


def test_processes_may_train_other_seeds_into_one_folder(tmp_path, monkeypatch):
    """A record that another process wrote while this one trained is kept."""
    config = TINY
    original = driver._train_seed

    def slow(data, config, seed, out, *others):
        result = original(data, config, seed, out, *others)
        if seed == 0:
            driver.train(data, config, seeds=[1], out=out)
        return result

    monkeypatch.setattr(driver, "_train_seed", slow)
    driver.train(toy(), config, seeds=[0], out=tmp_path)
    record = json.loads((tmp_path / "results.json").read_text())
    assert [run["seed"] for run in record["runs"]] == [0, 1]


@pytest.mark.parametrize("kind", ["links", pytest.param("triples", marks=pytest.mark.slow)])
def test_two_trainings_at_once_do_not_mix_their_files(kind, tmp_path):
    """Another process trains into the folder while this one does."""
    data = toy() if kind == "links" else sparse_data()
    config = TINY if kind == "links" else TripleConfig(dim=4, epochs=1, eval_every=1, k=1)
    config = replace(config, epochs=2)

    def other(config, *, stop=False):
        def train_too(seed, state):
            if state["epoch"] == 1:
                driver.train(data, config, out=out)
            elif stop:
                raise KeyboardInterrupt

        return train_too

    out = tmp_path / "other"
    with pytest.raises(ValueError, match=r"'out' must be .* run of the same config .*: lr 0.1"):
        driver.train(data, config, out=out, report=other(replace(config, lr=0.1)))
    assert load_run(data, out).config.lr == 0.1
    weights = (out / "model-0.pt").read_bytes()
    driver.train(data, replace(config, lr=0.1), out=out, fresh=True)
    assert (out / "model-0.pt").read_bytes() == weights

    out = tmp_path / "same"
    first = driver.train(data, config, out=out, report=other(config))["runs"][0]
    assert first["test"] == driver.train(data, config)["runs"][0]["test"]

    out = tmp_path / "stopped"
    with pytest.raises(TrainingInterrupted):
        driver.train(data, config, out=out, report=other(config, stop=True))
    record = json.loads((out / "results.json").read_text())
    assert [run["complete"] for run in record["runs"]] == [True]
    assert record["runs"][0]["test"] == first["test"]


def test_a_loss_that_is_not_finite_ends_the_training(monkeypatch):
    monkeypatch.setattr(LinkRun, "epoch", lambda run: float("nan"))
    with pytest.raises(ValueError, match=r"'lr' must be low enough .* the loss of epoch 0 is nan"):
        train(toy(), TINY)
