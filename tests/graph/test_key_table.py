"""First places of keys in a hash table, however full it is."""

from __future__ import annotations

import pytest
import torch

from gneg.graph import key_table
from gneg.graph.key_table import KeyTable


@pytest.mark.parametrize(("num_keys", "slots"), [(0, 2), (1, 2), (500, 2), (3_000, 2), (3_000, 0)])
@pytest.mark.parametrize("limit", [40, 2_000, 2**50])
def test_first_places(monkeypatch, num_keys, slots, limit):
    monkeypatch.setattr(key_table, "SLOTS", slots)  # of 0, a single slot for all keys
    generator = torch.Generator().manual_seed(num_keys)
    keys, others = torch.randint(limit, (2, max(num_keys, 60)), generator=generator)
    keys = keys[:num_keys]
    places: dict[int, int] = {}
    first = [places.setdefault(key, place) == place for place, key in enumerate(keys.tolist())]
    table = KeyTable(keys, limit)
    assert table.first.tolist() == first
    for looked_up in (keys, others):
        assert table.find(looked_up).tolist() == [places.get(x, -1) for x in looked_up.tolist()]
    assert table.find(others[:60].view(4, 15)).shape == (4, 15)
