"""Walks of several rows at once: the same draws as row by row."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from gneg import kernels
from gneg.samplers import Walk
from gneg.samplers.propose.two_steps import edge_table
from tests.worlds import WORLDS, random_graph

GRAPHS = {
    "sparse": lambda: random_graph(150, 150),  # nodes without a way on
    "middle": lambda: random_graph(150, 400),
    "dense": lambda: random_graph(150, 6000),  # rows of which most walks are rejected
    "weighted": WORLDS["weighted"],
}


def drawn(
    sampler: Walk, rows: np.ndarray, k: int, bounds: list[int], bits: np.ndarray | None = None
) -> np.ndarray:
    """Return what the kernel draws for ``rows``, one call for those between two bounds."""
    steps, known = sampler._steps("dst"), sampler.known
    bits = kernels.threads.bits(known.num_dst) if bits is None else bits
    out = np.full((len(rows), k), -2, np.int64)
    walked = steps.indptr, steps.indices, *edge_table(steps), steps.target_shift, known.num_dst
    further = sampler._lengths(known), known.no_self, 7, 20, bits
    for lo, hi in pairwise(bounds):
        kernels.long_walks.steps(lo, hi, out, rows, *walked, rows, *known.arrays, *further)
    return out


@pytest.mark.parametrize("k", [1, 7, 40])
@pytest.mark.parametrize("settings", [{"kind": "ppr"}, {"kind": "ppr", "alpha": 0.7}, {"hops": 3}])
@pytest.mark.parametrize("name", GRAPHS)
def test_draws_do_not_depend_on_the_rows_beside(name, settings, k):
    graph = GRAPHS[name]()
    sampler = Walk(graph, **settings)
    rows = np.random.default_rng(0).integers(0, graph.num_nodes, 1500)
    together = drawn(sampler, rows, k, [0, len(rows)])
    alone = drawn(sampler, rows, k, list(range(len(rows) + 1)))
    assert np.array_equal(together, alone)
    assert (together >= 0).any()
    assert together.min() >= -1


@pytest.mark.parametrize("k", [1, 40, 3000])
@pytest.mark.parametrize("settings", [{"kind": "ppr"}, {"hops": 3}])
def test_bitmaps_of_all_targets_only_save_time(settings, k):
    sampler = Walk(random_graph(300, 3000), **settings)
    rows = np.random.default_rng(0).integers(0, 300, 400)
    exact = drawn(sampler, rows, k, [0, 150, 400])
    hashed = drawn(sampler, rows, k, [0, 400], np.empty(0, np.uint64))
    assert np.array_equal(exact, hashed)
