"""Trackers hold settings, curves and results; resumed runs go on in theirs."""

from __future__ import annotations

import importlib.util
import json
import time

import pytest

import gneg
from gneg.integrations.tracking import TRACKERS, trackers
from gneg.training.driver import TrainingInterrupted
from tests.cli.invoke import run
from tests.worlds import toy

CONFIG = gneg.LinkConfig(hidden=4, epochs=5, eval_every=2, k=1)
#: Of the packages themselves.
pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::UserWarning", "ignore::FutureWarning"
)


def train_in_two_parts(folder, name):
    """Train with Ctrl-C after epoch 3, of which the checkpoint holds 2, and to the end."""

    def stop(seed, state):
        if state["epoch"] == 3:
            raise KeyboardInterrupt

    with pytest.raises(TrainingInterrupted):
        gneg.train(toy(), CONFIG, out=folder, callbacks=trackers([name]), report=stop)
    return gneg.train(toy(), CONFIG, out=folder, callbacks=trackers([name]))["runs"][0]


@pytest.mark.slow
def test_tensorboard_reads_a_resumed_run(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    result = train_in_two_parts(tmp_path, "tensorboard")
    events = EventAccumulator(str(tmp_path / "tensorboard" / "seed-0")).Reload()
    losses = [(event.step, event.value) for event in events.Scalars("train/loss")]
    assert losses == [(row["epoch"], pytest.approx(row["loss"])) for row in result["curve"]]
    assert [event.step for event in events.Scalars("valid/mrr")] == [2, 4, 5]
    (final,) = events.Scalars("test/hits@3")
    assert final.value == pytest.approx(result["test"]["hits@3"])
    assert final.step == result["best_epoch"]
    assert "_hparams_/session_start_info" in events.PluginTagToContent("hparams")


@pytest.mark.slow
def test_wandb_goes_on_in_its_run(tmp_path, monkeypatch):
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    train_in_two_parts(tmp_path, "wandb")
    run_id = json.loads((tmp_path / "tracked-0.json").read_text())["wandb"]
    first, second = sorted(tmp_path.glob(f"wandb/offline-run-*/run-{run_id}.wandb"))
    for path, words in (
        (first, (b"train/loss", b"valid/mrr", b"weight_decay", b"dataset_hash")),
        (second, (b"train/loss", b"valid/mrr", b"test/mrr", b"best_epoch")),
    ):
        deadline = time.monotonic() + 30  # W&B's own process may write after the run has finished
        while (missing := [word for word in words if word not in path.read_bytes()]) and (
            time.monotonic() < deadline
        ):
            time.sleep(0.1)
        assert not missing


@pytest.mark.slow
def test_mlflow_goes_on_in_its_run(tmp_path, monkeypatch):
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/runs.db")
    result = train_in_two_parts(tmp_path / "out", "mlflow")
    client = mlflow.MlflowClient()
    experiment = client.get_experiment_by_name("gneg")
    (stored,) = client.search_runs([experiment.experiment_id])
    assert (stored.info.status, stored.info.run_name) == ("FINISHED", "out-seed-0")
    assert (stored.data.params["hidden"], stored.data.params["seed"]) == ("4", "0")
    assert stored.data.metrics["test/hits_at_3"] == pytest.approx(result["test"]["hits@3"])
    steps = {metric.step for metric in client.get_metric_history(stored.info.run_id, "train/loss")}
    assert steps == {1, 2, 3, 4, 5}


@pytest.mark.slow
def test_the_command_line_tracks_runs_and_cells(tmp_path, monkeypatch):
    pytest.importorskip("tensorboard")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "e.csv").write_text(
        "".join(f"{u},{(7 * u + j) % 40}\n" for u in range(40) for j in (1, 5))
    )
    words = ["e.csv", "--epochs", "1", "--hidden", "4", "-k", "1", "--track", "TensorBoard"]
    assert run("train", *words, "--recipe", "none", "--out", "run").exit_code == 0
    assert len(list(tmp_path.glob("run/tensorboard/seed-0/events*"))) == 2
    grid = ["--samplers", "uniform,degree", "--seeds", "1", "--no-hard", "--out", "grid"]
    assert run("compare", *words, *grid).exit_code == 0
    assert len(list(tmp_path.glob("grid/cells/*/tensorboard/seed-0"))) == 2
    result = run("train", *words[:-1], "tensorbord")
    assert "'track' must be one of 'tensorboard', 'wandb', 'mlflow'" in result.output
    assert "did you mean 'tensorboard'?" in result.output


@pytest.mark.parametrize("name", TRACKERS)
def test_a_missing_package_names_its_extra(monkeypatch, name):
    monkeypatch.setattr(importlib.util, "find_spec", lambda package: None)
    result = run("train", "digits", "--track", name)
    assert (result.exit_code, result.output.count("\n")) == (2, 1)
    assert result.output == f"error: the tracker needs {name}: pip install 'gneg[{name}]'\n"
