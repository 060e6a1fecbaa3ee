"""InfoNCE (van den Oord et al. 2018, equation 4)."""

from __future__ import annotations

import torch
from torch import Tensor

from gneg import checks
from gneg.losses.base import Loss, masked_logsumexp, masked_mean
from gneg.samplers.negatives import Negatives


class InfoNCE(Loss):
    """Cross-entropy of the positive among itself and its own negatives.

    Args:
        temperature: Scores are divided by it, > 0.
    """

    name = "infonce"

    def __init__(self, temperature: float = 1.0) -> None:
        self.temperature = checks.number("temperature", temperature, 0, open_low=True)

    def forward(self, pos: Tensor, neg: Tensor, negatives: Negatives) -> Tensor:
        """Return the loss."""
        pos, neg = pos / self.temperature, neg / self.temperature
        total = torch.logaddexp(pos, masked_logsumexp(neg, negatives.mask))
        return masked_mean(total - pos, negatives.mask.any(dim=1))
