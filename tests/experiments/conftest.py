"""A grid of runs that several modules read."""

from __future__ import annotations

import pytest

from gneg import compare, hardset
from gneg.experiments.grid import grid
from gneg.training.config import LinkConfig
from tests.worlds import toy

SMALL = LinkConfig(epochs=2, eval_every=1, hidden=8, k=2, layers=1)
SAMPLERS = ["uniform", "mixture(uniform:0.75, walk:0.25)"]
CONFIGS = grid(SMALL, loss=(None, "bce"), sampler=SAMPLERS)


@pytest.fixture(scope="session")
def compared(tmp_path_factory):
    """A grid of 2 x 2 x 2 cells and the folder it is in."""
    folder = tmp_path_factory.mktemp("compare")
    data = toy(n=120, edges=600)
    sets = {"hard": hardset(data, k=20)}
    events = []
    results = compare(data, CONFIGS, seeds=2, sets=sets, out=folder, report=events.append)
    return data, sets, folder, results, events
