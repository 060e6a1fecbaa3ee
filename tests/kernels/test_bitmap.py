"""Bitmaps of rows, and the draws that use them, beside plain sets and a plain stream."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gneg import kernels
from gneg.kernels import bitmap
from gneg.samplers import build
from tests import worlds
from tests.contract.cases import seeded

GOLDEN, WORD = 0x9E3779B97F4A7C15, 2**64


@given(
    row=st.lists(st.integers(0, 2**31 - 1), max_size=300, unique=True),
    own=st.integers(-1, 2**31 - 1),
    others=st.lists(st.integers(0, 2**31 - 1), max_size=50),
    tests=st.sampled_from([1, 4, 32]),
)
def test_a_bitmap_holds_its_row_and_nothing_after_it(row, own, others, tests):
    """Also where the row is too long for the tests, so that all values are searched."""
    bits, targets = bitmap.empty(tests), np.array(sorted(row), np.int64)
    mask = bitmap.mark(bits, targets, 0, len(targets), own, tests)
    for value in [*row, *others]:
        held = bitmap.may_hold(bits, mask, value) and bitmap.holds(
            mask, targets, 0, len(targets), own, value
        )
        assert held == (value in row or value == own)
    bitmap.clear(bits, mask, targets, 0, len(targets), own)
    assert not bits.any()


@given(row=st.lists(st.integers(0, 999), max_size=300, unique=True), own=st.integers(-1, 999))
def test_a_bit_for_each_target_needs_no_search(row, own):
    bits, targets = np.zeros(16, np.uint64), np.array(sorted(row), np.int64)
    bitmap.mark_all(bits, bitmap.ALL, targets, 0, len(targets), own)
    held = [value for value in range(1000) if bitmap.may_hold(bits, bitmap.ALL, value)]
    assert held == sorted({*row, own} - {-1})
    bitmap.clear(bits, bitmap.ALL, targets, 0, len(targets), own)
    assert not bits.any()


def mixed(z: int) -> int:
    """The finaliser of SplitMix64."""
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % WORD
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB % WORD
    return z ^ (z >> 31)


@pytest.mark.parametrize("k", [1, 5, 40])
@pytest.mark.parametrize("no_self", [0, 1])
def test_uniform_draws_are_those_of_the_stream(k, no_self):
    """Slot j takes the draws j, j + K, j + 2 K, ... of its row until one is usable."""
    graph = worlds.random_graph(90, 400)
    rows, seed, none = np.arange(90), 12345, np.empty(0, np.uint64)
    out = np.empty((90, k), np.int64)
    left = kernels.pools.draws(
        0, 90, out, rows, graph.indptr, graph.indices, 90, no_self, seed, none
    )
    assert left == 0
    for u in range(90):
        known = set(graph.indices[graph.indptr[u] : graph.indptr[u + 1]].tolist())
        known |= {u} if no_self else set()
        start = mixed(seed ^ mixed((u + 1) * GOLDEN % WORD))
        for j in range(k):
            draw = j + 1
            while (v := mixed((start + draw * GOLDEN) % WORD) * 90 >> 64) in known:
                draw += k
            assert out[u, j] == v


@pytest.mark.parametrize("k", [2, 50])
@pytest.mark.parametrize("graph", [worlds.complete(), worlds.hub(), worlds.isolated()])
def test_rows_with_half_of_the_targets_or_too_few_others_are_left(graph, k):
    rows = np.arange(graph.num_nodes)
    out = np.zeros((len(rows), k), np.int64)
    arrays = graph.indptr, graph.indices, graph.num_nodes, 1, 0, np.empty(0, np.uint64)
    degree = np.diff(graph.indptr)
    left = (2 * degree >= graph.num_nodes) | (graph.num_nodes - degree <= k)
    assert kernels.pools.draws(0, len(rows), out, rows, *arrays) == left.sum()
    assert ((out == -1) == left[:, None]).all()


@pytest.mark.parametrize("unique", [False, True])
def test_exclusion_keeps_the_usable_candidates_in_their_order(unique):
    """With a bit for each target, and with none."""
    graph = worlds.random_graph(90, 400)
    candidates = np.random.default_rng(0).integers(-1, 90, (90, 30))
    for bits in (np.empty(0, np.uint64), np.zeros(2, np.uint64)):
        out = np.full((90, 12), -1)
        arguments = np.arange(90), candidates, graph.indptr, graph.indices, 1, unique, bits
        missing = kernels.pools.exclude(0, 90, out, *arguments)
        assert missing == (out < 0).sum()
        assert not bits.any()
        for u in range(90):
            known = {-1, u, *graph.indices[graph.indptr[u] : graph.indptr[u + 1]].tolist()}
            usable = [v for v in candidates[u].tolist() if v not in known]
            usable = list(dict.fromkeys(usable)) if unique else usable
            assert out[u].tolist() == (usable + 12 * [-1])[:12]


@pytest.mark.parametrize("world", ["random", "bipartite", "weighted", "directed"])
@pytest.mark.parametrize(
    "sampler", ["walk", "walk(kind=aa)", "walk(kind=ppr)", "walk(hops=3)", "uniform"]
)
def test_large_graphs_draw_what_a_bit_for_each_target_draws(monkeypatch, world, sampler):
    """Beyond MAX_BITS targets a hashed bitmap and searches take the place of the whole one."""
    graph = worlds.random_graph(300, 2000) if world == "random" else getattr(worlds, world)()
    if graph.bipartite and "aa" in sampler:
        pytest.skip("no common neighbours of a source and a target")
    pos = worlds.positives(graph, 40)

    def drawn():
        negatives = build(sampler, graph).sample(pos, 20, generator=seeded(3))
        return negatives.index, negatives.mask, negatives.log_q

    whole = drawn()
    monkeypatch.setattr(kernels.threads, "MAX_BITS", 0)
    for a, b in zip(whole, drawn(), strict=True):
        assert a is b is None or torch.equal(a, b)
