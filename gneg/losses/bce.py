"""Binary cross-entropy."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import softplus

from gneg.losses.base import Loss, masked_mean
from gneg.samplers.negatives import Negatives


class BCE(Loss):
    """Mean of -log sigma(pos) plus mean of -log(1 - sigma(neg)), weighted equally."""

    name = "bce"

    def forward(self, pos: Tensor, neg: Tensor, negatives: Negatives) -> Tensor:
        """Return the loss."""
        positives = softplus(-pos).sum() / max(len(pos), 1)
        return positives + masked_mean(softplus(neg), negatives.mask)
