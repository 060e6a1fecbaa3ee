"""The highest scores, against sorting all of them."""

from __future__ import annotations

import pytest
import torch

from gneg.prediction.top import BLOCK, top


@pytest.mark.parametrize("size", [5, 64, 1000, 64 * 90 + 13])
@pytest.mark.parametrize("ties", [False, True])
def test_the_highest_are_those_of_sorting(size, ties):
    generator = torch.Generator().manual_seed(size)
    scores = torch.randn(7, size, generator=generator)
    scores = scores.round() if ties else scores
    scores[0, ::2] = -torch.inf
    for k in (1, 5, min(20, size)):
        values, columns = top(scores, k)
        assert torch.equal(values, scores.sort(dim=1, descending=True).values[:, :k])
        assert torch.equal(scores.gather(1, columns), values)
        assert all(len(set(row)) == k for row in columns.tolist())
    assert size < 4 * BLOCK or top(scores, 1)[1].max() < size
