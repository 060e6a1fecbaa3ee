"""Margin ranking, also known as triplet loss."""

from __future__ import annotations

from torch import Tensor

from gneg import checks
from gneg.losses.base import Loss, masked_mean
from gneg.samplers.negatives import Negatives


class Margin(Loss):
    """Mean of max(0, margin - pos + neg) over all pairs.

    With score = -distance this is the triplet loss (Schroff et al., CVPR 2015, equation 2).

    Args:
        margin: Distance to reach between the scores of a positive and its negatives, > 0.
        violating_only: Average over the pairs within the margin only, as FaceNet does, so that easy
            pairs do not dilute the gradient.
    """

    name = "margin"

    def __init__(self, margin: float = 1.0, *, violating_only: bool = False) -> None:
        self.margin = checks.number("margin", margin, 0, open_low=True)
        self.violating_only = checks.flag("violating_only", violating_only)

    def forward(self, pos: Tensor, neg: Tensor, negatives: Negatives) -> Tensor:
        """Return the loss."""
        gap = (self.margin - pos.unsqueeze(1) + neg).clamp(min=0)
        mask = negatives.mask & (gap > 0) if self.violating_only else negatives.mask
        return masked_mean(gap, mask)
