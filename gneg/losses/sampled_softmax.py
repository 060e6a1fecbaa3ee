"""Sampled softmax with the logQ correction (Bengio and Senecal, IEEE TNN 2008)."""

from __future__ import annotations

import torch
from torch import Tensor

from gneg import checks
from gneg.losses.base import Loss, masked_logsumexp, masked_mean, needed_log_q
from gneg.samplers.negatives import Negatives


class SampledSoftmax(Loss):
    """Cross-entropy of the positive among itself and all non-edges, estimated from K draws.

    Each negative counts for the 1 / (K q) non-edges it stands for, so that the sum over
    non-edges is estimated without bias whatever the proposal: hard negatives lower its variance
    instead of changing what is learned.

    Args:
        temperature: Scores are divided by it, > 0.
    """

    name = "softmax"
    needs_log_q = True

    def __init__(self, temperature: float = 1.0) -> None:
        self.temperature = checks.number("temperature", temperature, 0, open_low=True)

    def forward(self, pos: Tensor, neg: Tensor, negatives: Negatives) -> Tensor:
        """Return the loss."""
        log_q = needed_log_q(negatives.log_q, self)
        mask = negatives.mask
        draws = mask.sum(dim=1, keepdim=True).clamp(min=1)
        corrected = neg / self.temperature - log_q - torch.log(draws.to(neg.dtype))
        pos = pos / self.temperature
        total = torch.logaddexp(pos, masked_logsumexp(corrected, mask))
        return masked_mean(total - pos, mask.any(dim=1))
