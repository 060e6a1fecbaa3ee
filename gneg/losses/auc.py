"""Surrogates of the area under the ROC curve (PLNLP, Wang et al. 2021, section 4.2)."""

from __future__ import annotations

from torch import Tensor

from gneg import checks
from gneg.losses.base import Loss, masked_mean
from gneg.samplers.negatives import Negatives


class AUCSquared(Loss):
    """Mean of (margin - (pos - neg))^2 over all pairs.

    Args:
        margin: Distance to reach between the scores of a positive and its negatives, > 0.
    """

    name = "auc"

    def __init__(self, margin: float = 1.0) -> None:
        self.margin = checks.number("margin", margin, 0, open_low=True)

    def forward(self, pos: Tensor, neg: Tensor, negatives: Negatives) -> Tensor:
        """Return the loss."""
        return masked_mean((self.margin - pos.unsqueeze(1) + neg).square(), negatives.mask)


class AUCHinge(AUCSquared):
    """Mean of max(0, margin - (pos - neg))^2: pairs beyond the margin cost nothing."""

    name = "auc-hinge"

    def forward(self, pos: Tensor, neg: Tensor, negatives: Negatives) -> Tensor:
        """Return the loss."""
        gap = (self.margin - pos.unsqueeze(1) + neg).clamp(min=0)
        return masked_mean(gap.square(), negatives.mask)
