"""Signs of collapse, and the warning."""

from __future__ import annotations

import warnings

import pytest
import torch

from gneg.training.collapse import CollapseWatch, embedding_spread


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(
    ("z", "pos", "neg", "sign"),
    [
        (torch.ones(20, 4) + 1e-4 * torch.arange(20.0)[:, None], [1.0, 2.0], [0.0], "spread"),
        (torch.eye(20), [0.5, 0.5], [0.5], "margin"),
        (torch.eye(20), [0.0, 1.0], [3.0], "inverted"),
        (torch.eye(20), [2.0, 1.0], [0.0], None),
    ],
)
def test_a_collapse_that_lasts_is_warned_of_once(z, pos, neg, sign):
    watch = CollapseWatch(patience=3)
    scores = torch.tensor(pos), torch.tensor(neg).expand(2, 4)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(2):
            watch.update(z, *scores)
        assert watch.sign is None
        for _ in range(5):
            watch.update(z, *scores)
    assert watch.sign == sign
    messages = [str(warning.message) for warning in caught]
    if sign is None:
        assert messages == []
    else:
        assert len(messages) == 1
        assert "mix hard negatives with uniform ones" in messages[0]


def test_spread_is_one_for_random_directions():
    random = embedding_spread(torch.randn(5000, 64, generator=seeded()))
    assert float(random) == pytest.approx(1, abs=0.05)
    assert float(embedding_spread(torch.ones(50, 8))) == pytest.approx(0, abs=1e-6)
