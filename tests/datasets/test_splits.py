"""Properties of every split: parts are disjoint and complete, and each kind keeps its promise."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gneg.datasets import splits


def rows(edges: torch.Tensor) -> list[tuple[int, ...]]:
    return sorted(map(tuple, edges.t().tolist()))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([(0, 1), (0, 0), (0, 1, 0)]))
def test_every_id_keeps_a_training_edge(seed, id_spaces):
    generator = torch.Generator().manual_seed(seed)
    edges = torch.randint(12, (len(id_spaces), 60), generator=generator)
    parts = splits.hold_out_covered(edges, (0.2, 0.3), id_spaces=id_spaces, seed=seed)
    assert rows(torch.cat(parts, dim=1)) == rows(edges)
    for space in set(id_spaces):
        same = [i for i, row_space in enumerate(id_spaces) if row_space == space]
        assert set(edges[same].ravel().tolist()) == set(parts[0][same].ravel().tolist())
    assert all(part.size(1) for part in parts[1:])


def test_only_edges_of_late_nodes_are_held_out():
    generator = torch.Generator().manual_seed(0)
    edges = torch.randint(200, (2, 4000), generator=generator)
    time = torch.arange(200.0)[torch.randperm(200, generator=generator)] // 3
    shares = (0.1, 0.2)
    train, valid, test = splits.split_by_node_time(edges, time, shares=shares, held_out=0.5)
    assert rows(torch.cat([train, valid, test], dim=1)) == rows(edges)
    assert time[valid[0]].max() < time[test[0]].min()
    late = (time[edges[0]] >= time[valid[0]].min()).sum()
    assert valid.size(1) + test.size(1) == pytest.approx(0.5 * int(late), rel=0.15)
    assert float((time >= time[test[0]].min()).float().mean()) == pytest.approx(0.2, abs=0.03)


def test_copies_of_an_edge_fall_in_one_part_and_parts_fill_up():
    random = np.random.default_rng(0)
    src, dst = random.integers(8, size=(2, 200))
    order = splits.edge_order(np.arange(200), random)
    train, valid, test = splits.split_in_order(order, src, dst, 20, 40)
    assert (len(valid), len(test)) == (20, 40)
    pairs = [set(zip(src[part], dst[part], strict=True)) for part in (train, valid, test)]
    assert not pairs[0] & pairs[1]
    assert not pairs[0] & pairs[2]
    assert not pairs[1] & pairs[2]
    latest = splits.edge_order(np.arange(200), random, time=np.arange(200) // 7)
    assert (np.diff(latest // 7) <= 0).all()


def test_repeated_validation_edges_are_dropped_unless_all_are():
    from dataclasses import replace

    from gneg import datasets

    data = datasets.load("digits")
    assert splits.drop_repeated_edges(data) is data
    mixed = torch.cat([data.train[:, :5], data.valid.pos[:, 5:]], dim=1)
    repeated = replace(data, valid=replace(data.valid, pos=mixed))
    kept = splits.drop_repeated_edges(repeated).valid
    assert torch.equal(kept.pos, data.valid.pos[:, 5:])
    assert torch.equal(kept.neg[1], data.valid.neg[1][5:])
    only = replace(data, valid=replace(data.valid, pos=data.train[:, : mixed.size(1)]))
    assert splits.drop_repeated_edges(only) is only
