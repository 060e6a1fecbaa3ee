"""Random edges: their law, and the same ones in any pieces on any number of threads."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from gneg.graph.generate import GRAPH500, RandomEdges
from gneg.kernels import random_edges, threads
from gneg.rng import split_seed


def whole(edges: RandomEdges) -> np.ndarray:
    return np.concatenate([np.stack(piece) for piece in edges.pieces()], axis=1)


@pytest.mark.parametrize("initiator", [GRAPH500, None])
def test_an_edge_depends_on_its_number_and_the_seed_alone(initiator):
    edges = RandomEdges(9, 30_000, 5, initiator)
    expected = whole(edges)
    threads.set_num_threads(1)
    try:
        assert np.array_equal(whole(edges), expected)
    finally:
        threads.set_num_threads(None)
    assert np.array_equal(np.stack(edges.piece(1234, 77)), expected[:, 1234:1311])
    assert expected.min() >= 0
    assert 450 < expected.max() < edges.num_nodes == 512
    assert not np.array_equal(whole(RandomEdges(9, 30_000, 6, initiator)), expected)


def test_quadrants_are_drawn_with_their_probabilities():
    sizes = np.array([[0.57, 0.19], [0.19, 0.05]])
    law = np.kron(np.kron(sizes, sizes), sizes)
    src, dst = whole(RandomEdges(3, 300_000, 0, scramble=False))
    counts = np.bincount(8 * src + dst, minlength=64)
    assert stats.chisquare(counts, 300_000 * law.ravel()).pvalue > 1e-4
    uniform = np.bincount(whole(RandomEdges(4, 100_000, 0, None))[0], minlength=16)
    assert stats.chisquare(uniform).pvalue > 1e-4


@pytest.mark.parametrize("scale", [1, 2, 5, 10])
def test_nodes_are_permuted(scale):
    seed = split_seed(1, 1)
    ids = [int(random_edges.scrambled(np.uint64(i), scale, seed)) for i in range(2**scale)]
    assert sorted(ids) == list(range(2**scale))
    assert ids != sorted(ids) or scale < 3
    plain, permuted = (np.bincount(whole(RandomEdges(scale, 4000, 1, scramble=s))[0],
                       minlength=2**scale) for s in (False, True))  # fmt: skip
    assert np.array_equal(permuted[ids], plain)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [((0, 5), "scale"), ((41, 5), "scale"), ((5, 0), "num_edges"), ((5, 5, -1), "seed"),
     ((5, 5, 0, (0.5, 0.5, 0.5)), "initiator"), ((32, 5, 0, None), "scale")],
)  # fmt: skip
def test_arguments_out_of_range_are_refused(arguments, name):
    with pytest.raises(ValueError, match=f"'{name}' must be"):
        RandomEdges(*arguments)
