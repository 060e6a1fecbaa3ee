"""The clock counts each second once, and progress knows its best epoch."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gneg import TripleConfig
from gneg.kernels import _jit
from gneg.training import progress
from gneg.training.callbacks import Callback
from gneg.training.driver import train
from gneg.training.kinds import run_class
from gneg.training.progress import Clock, Progress
from tests.training.runs import small
from tests.triple_worlds import sparse_data
from tests.worlds import toy


@pytest.fixture
def now(monkeypatch):
    """A clock that is moved by hand: ``now[0]`` is the time in seconds."""
    time = [0.0]
    monkeypatch.setattr(progress, "working_seconds", lambda: time[0])
    return time


def test_the_compiling_of_kernels_takes_none_of_the_seconds(monkeypatch):
    """Of a kernel in a block, and by another thread until the end of a later one."""
    time, compiled = [0.0], [0.0]
    monkeypatch.setattr(_jit.time, "perf_counter", lambda: time[0])
    monkeypatch.setattr(_jit, "compile_seconds", lambda: compiled[0])
    clock = Clock(Progress())
    with clock.measure("model"), clock.measure("sampling"):
        time[0] += 9.0
        compiled[0] += 8.0
    with clock.measure("model"):
        with clock.measure("scoring"):
            time[0] += 2.0
        compiled[0] += 5.0
    seconds = clock.progress.seconds
    assert (seconds["sampling"], seconds["scoring"], seconds["model"]) == (1.0, 2.0, 0.0)


def test_seconds_of_nested_blocks_are_counted_once(now):
    clock = Clock(Progress())

    def score(ids):
        now[0] += 2.0
        return ids

    with clock.measure("sampling"):
        now[0] += 1.0
        assert clock.timed(score)(7) == 7
        clock.reassign("features", 0.25)
        now[0] += 4.0
    with clock.measure("evaluation"):
        now[0] += 8.0
    assert {part: value for part, value in clock.progress.seconds.items() if value} == {
        "sampling": 4.75,
        "scoring": 2.0,
        "features": 0.25,
        "evaluation": 8.0,
    }
    assert clock.progress.trained_seconds == 7.0


def test_a_score_of_blocks_stays_one(now):
    class Blocks:
        def __call__(self, *ids):
            return ids

        def block(self, *arguments):
            now[0] += 3.0
            return arguments

    clock = Clock(Progress())
    assert clock.timed(Blocks()).block(1, 2) == (1, 2)
    assert clock.progress.seconds["scoring"] == 3.0
    assert not hasattr(clock.timed(lambda *ids: ids), "block")


def test_the_best_epoch_is_the_first_of_the_highest_figures():
    state = Progress()
    best = []
    for epoch, value in enumerate((None, 0.2, 0.5, 0.5, None, 0.4), start=1):
        state.epoch = epoch
        best.append(state.record(1.0 / epoch, value))
    assert best == [False, True, True, False, False, False]
    assert (state.best, state.best_epoch, state.stale) == (0.5, 3, 2)
    assert [row.get("valid") for row in state.curve] == [None, 0.2, 0.5, 0.5, None, 0.4]
    restored = Progress()
    restored.load_state_dict(state.state_dict())
    assert restored == state


class Steps(Callback):
    """Notes the steps of each epoch."""

    def __init__(self):
        self.of_epochs = []

    def on_step(self, seed, step, steps):
        if step == 1:
            self.of_epochs.append([])
        self.of_epochs[-1].append((step, steps))


@pytest.mark.parametrize(
    ("data", "config"),
    [
        (toy, small(batch_size=100, sampler="uniform")),
        (toy, small(batch_size=100, sampler="uniform", fanout="3,3")),
        (sparse_data, TripleConfig(dim=4, epochs=9)),
    ],
)
def test_training_ends_with_the_step_in_which_the_seconds_are_used_up(
    data, config, now, monkeypatch
):
    """Four steps an epoch, of 2 s each: nine seconds are over in the first of the second epoch."""
    data, kind = data(), run_class(config)
    size = -(-data.positives("train").size(1) // 4)
    original = kind.batch_loss

    def loss(*arguments):
        now[0] += 2.0
        return original(*arguments)

    monkeypatch.setattr(kind, "batch_loss", loss)
    steps = Steps()
    result = train(data, replace(config, batch_size=size, seconds=9.0), callbacks=[steps])
    (run,) = result["runs"]
    assert steps.of_epochs == [[(1, 4), (2, 4), (3, 4), (4, 4)], [(1, 4)]]
    assert run["epochs"] == 2
    assert run["curve"][-1]["seconds"] == 10.0
    assert [row.get("share") for row in run["curve"]] == [None, 0.25]
    assert run["seconds_per_epoch"] == 8.0
    assert run["curve"][-1]["valid"] >= 0  # it is evaluated, whatever eval_every says
    assert run["complete"]


def test_what_is_imported_for_the_optimiser_takes_none_of_the_seconds(now, monkeypatch):
    data, config = sparse_data(), TripleConfig(dim=4, epochs=1, k=2)
    run = run_class(config)(data, config, 0)
    make = run.make_optimizer

    def slowly():
        now[0] += 3.0
        return make()

    monkeypatch.setattr(run, "make_optimizer", slowly)
    run.train(None)
    assert now[0] == 3.0
    assert run.progress.trained_seconds == 0.0
