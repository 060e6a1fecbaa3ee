"""The clock counts each second once, and progress knows its best epoch."""

from __future__ import annotations

import pytest

from gneg.training import progress
from gneg.training.progress import Clock, Progress


@pytest.fixture
def now(monkeypatch):
    """A clock that is moved by hand: ``now[0]`` is the time in seconds."""
    time = [0.0]
    monkeypatch.setattr(progress.time, "perf_counter", lambda: time[0])
    return time


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
