"""Bayesian personalised ranking (Rendle et al., UAI 2009, section 4.1)."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import softplus

from gneg.losses.base import Loss, masked_mean
from gneg.samplers.negatives import Negatives


class BPR(Loss):
    """Mean of -log sigma(pos - neg) over all pairs."""

    name = "bpr"

    def forward(self, pos: Tensor, neg: Tensor, negatives: Negatives) -> Tensor:
        """Return the loss."""
        return masked_mean(softplus(neg - pos.unsqueeze(1)), negatives.mask)
