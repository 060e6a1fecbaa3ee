"""Callbacks hear of everything once, in order, and of its end whatever happens."""

from __future__ import annotations

import math

import pytest

import gneg
from gneg.training.callbacks import Callback
from gneg.training.driver import TrainingInterrupted
from gneg.training.run import Run
from tests.worlds import toy

TINY = gneg.LinkConfig(hidden=4, epochs=3, eval_every=2, k=1)


class Listener(Callback):
    def __init__(self, stop: int = 0) -> None:
        self.heard, self.stop = [], stop

    def on_train_start(self, record, folder):
        self.heard.append(("start", record["config"]["hidden"], "runs" in record, folder is None))

    def on_seed_start(self, seed, epoch):
        self.heard.append(("seed", seed, epoch))

    def on_epoch_end(self, seed, state):
        evaluated = state["valid"] is not None
        assert {"loss", "seconds", "best"} < state.keys()
        self.heard.append(("epoch", seed, state["epoch"], evaluated))
        if state["epoch"] == self.stop:
            raise KeyboardInterrupt

    def on_seed_end(self, seed, result):
        self.heard.append(("seed end", seed, result["complete"], "mrr" in result["test"]))

    def on_train_end(self):
        self.heard.append(("end",))


def test_callbacks_hear_of_everything_in_order():
    listener = Listener()
    gneg.train(toy(), TINY, seeds=2, callbacks=[listener])
    seeds = [
        [
            ("seed", seed, 0),
            *(("epoch", seed, epoch, epoch > 1) for epoch in (1, 2, 3)),
            ("seed end", seed, True, True),
        ]
        for seed in (0, 1)
    ]
    assert listener.heard == [("start", 4, False, True), *seeds[0], *seeds[1], ("end",)]
    listener = Listener()
    gneg.train(toy(), gneg.LinkConfig(encoder="cn"), callbacks=[listener])
    assert listener.heard[1:] == [("seed", 0, 0), ("seed end", 0, True, True), ("end",)]


def test_a_resumed_seed_says_where_it_goes_on(tmp_path):
    listener = Listener(stop=3)
    with pytest.raises(TrainingInterrupted):
        gneg.train(toy(), TINY, out=tmp_path, callbacks=[listener])
    assert listener.heard[-2:] == [("seed end", 0, False, False), ("end",)]
    rest = [("seed", 0, 2), ("epoch", 0, 3, True), ("seed end", 0, True, True)]
    for expected in (rest, []):  # the second time it is finished
        listener = Listener()
        gneg.train(toy(), TINY, out=tmp_path, callbacks=[listener])
        assert listener.heard[1:-1] == expected


def test_an_error_ends_the_training_for_callbacks_too(monkeypatch):
    listener = Listener()
    monkeypatch.setattr(Run, "epoch", lambda self: math.nan)
    with pytest.raises(ValueError, match="'lr' must be low enough"):
        gneg.train(toy(), TINY, callbacks=[listener])
    assert listener.heard[-1] == ("end",)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"callbacks": [print]}, "'callbacks' must be a Callback"),
        ({"callbacks": print}, "'callbacks' must be a list of Callback objects"),
        ({"report": "on"}, "'report' must be a function or None"),
        ({"reasons": 5}, "'reasons' must be a str or None"),
        ({"resources": 5}, "'resources' must be a Resources"),
        ({"out": 5}, "'out' must be a str or Path"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        gneg.train(toy(), TINY, **arguments)
