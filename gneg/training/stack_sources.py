"""The models and edges that the stack of a run is fitted on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from gneg.nn import Stack
from gneg.rng import split_seed
from gneg.training import crossfit
from gneg.training.device import forked_random
from gneg.training.stacking import Source

if TYPE_CHECKING:
    from gneg.training.link import LinkRun


def fit_sources(run: LinkRun, stack: Stack) -> Iterator[Source]:
    """Yield the run itself, or models that are trained without a fold of the edges, or both.

    Args:
        run: The run, whose current weights are used.
        stack: Its stack.
    """
    if run.config.stack_on != "train":
        yield Source(stack, run.scorer(), run.data)
    if run.config.stack_on == "valid":
        return
    for i, data in enumerate(crossfit.folds(run.data, split_seed(run.seed, 2)), 1):
        stage = f"stacking: training without fold {i} of {crossfit.FOLDS}"
        run.callbacks.on_stage(run.seed, stage)
        with forked_random(run.device):
            fold = type(run)(data, run.config, run.seed, run.resources)
            fold.train(None)
        fold.model.load_state_dict(fold.best_state)
        assert fold.stacked is not None
        yield Source(fold.stacked, fold.scorer(), data)
