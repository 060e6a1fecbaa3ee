"""Workers that stay for the next epoch end when their loader is freed."""

from __future__ import annotations

import gc
import multiprocessing.process

import pytest

from gneg.loader import LinkLoader
from tests.loader.pyg_data import graph_data


@pytest.mark.slow
def test_persistent_workers_are_told_to_end(monkeypatch):
    """The loader does not wait its 5 seconds for each of them."""
    waits = []

    def join(worker, timeout=None):
        original(worker, timeout)
        waits.append(worker.is_alive())

    original = multiprocessing.process.BaseProcess.join
    monkeypatch.setattr(multiprocessing.process.BaseProcess, "join", join)
    options = {"num_workers": 2, "persistent_workers": True, "batch_size": 64}
    loader = LinkLoader(graph_data(), [4], neg_sampling="binary", **options)
    for _ in range(2):
        assert len(list(loader)) == len(loader)
    del loader
    gc.collect()
    assert waits == [False, False]
