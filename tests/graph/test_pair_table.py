"""Exact membership in a hash table of pairs, however full it is."""

from __future__ import annotations

import pytest
import torch

from gneg.graph import pair_table
from gneg.graph.pair_table import PairTable


@pytest.mark.parametrize(("num_pairs", "slots"), [(0, 8), (1, 8), (300, 8), (2_000, 8), (2_000, 0)])
@pytest.mark.parametrize("size", [(50, 70), (2**15, 2**15), (2**30, 2**30)])
def test_pairs_are_in_the_table(monkeypatch, num_pairs, slots, size):
    monkeypatch.setattr(pair_table, "SLOTS", slots)  # of 0, 64 slots for all pairs
    generator = torch.Generator().manual_seed(num_pairs)
    rows, columns = (torch.randint(n, (num_pairs,), generator=generator) for n in size)
    pairs = torch.stack([rows, columns]).unique(dim=1)
    table = PairTable(*pairs, *size)
    assert bool(table.contain(*pairs).all())
    rows, columns = (torch.randint(min(n, 90), (40, 30), generator=generator) for n in size)
    stored = set(zip(*pairs.tolist(), strict=True))
    expected = [
        (i, j) in stored for i, j in zip(rows[:, 0].tolist(), columns[:, 0].tolist(), strict=True)
    ]
    contained = table.contain(rows[:, :1], columns)
    assert contained.shape == columns.shape
    assert contained[:, 0].tolist() == expected
