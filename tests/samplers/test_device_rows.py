"""Operations on rows of targets on a device."""

from __future__ import annotations

import torch

from gneg.samplers.device.rows import inverted


def test_shares_fall_on_entries_of_a_running_sum():
    mass = torch.tensor([[1.0, 2.0, 1.0], [3.0, 1.0, 9.0], [0.0, 5.0, 0.0]], dtype=torch.float64)
    share = torch.tensor([0.0, 0.24, 0.25, 0.74, 0.75, 0.99], dtype=torch.float64)
    entries = inverted(mass, torch.tensor([3, 2, 3]), share.expand(3, -1).contiguous())
    assert entries.tolist() == [[0, 0, 1, 1, 2, 2], [0, 0, 0, 0, 1, 1], [1] * 6]
    nothing = inverted(torch.zeros(1, 2, dtype=torch.float64), torch.tensor([0]), share[None])
    assert nothing.tolist() == [[0] * 6]
