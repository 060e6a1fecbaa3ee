"""Single walks of many queries at once: the same draws as row by row."""

from __future__ import annotations

import numpy as np
import pytest

from gneg import kernels
from gneg.samplers import Walk
from tests.worlds import random_graph


@pytest.mark.parametrize("kind", ["ra", "cn", "aa"])
@pytest.mark.parametrize("edges", [150, 400, 4000])
def test_draws_are_those_of_walks_row_by_row(kind, edges):
    graph = random_graph(150, edges)  # sparse: nodes without a way on; dense: many rejections
    sampler = Walk(graph, kind)
    walks, known = sampler._two_steps("dst"), sampler.known
    rows = np.random.default_rng(0).integers(0, 150, 1000)
    drawn = []
    for module in (kernels.walks, kernels.single_walks):
        out = np.full((1000, 1), -1, np.int64)
        ends = walks.steps.indptr, walks.steps.indices
        bits = kernels.threads.bits(known.num_dst)
        arguments = *walks.table, walks.through, rows, *known.arrays, known.no_self, 7, bits
        for lo, hi in ((0, 10), (10, 1000)):
            module.two_steps(lo, hi, out, rows, *ends, *arguments)
        drawn.append(out)
    assert np.array_equal(*drawn)
    assert (drawn[0] >= 0).any()
